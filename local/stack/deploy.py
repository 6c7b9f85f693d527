"""The real template, derived and deployed to a local stack with `sam deploy`."""

import hashlib
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from local.errors import DeployFailed, ToolMissing
from local.paths import LOCAL, ROOT, SAM, TEMPLATE
from local.stack import environment
from local.stack.local_template import definitions, derive, sources, write_bootstraps
from local.stack.yaml_tags import read_template, template_json


@dataclass(frozen=True)
class Deployable:
    """A derived template with its parameters, to be deployed as *stack_name*; *digest* changes whenever one does."""

    stack_name: str
    template: Path
    parameters: Mapping[str, str]
    digest: str


def prepare(stack_name: str, parameters: Mapping[str, str], state_dir: Path, *, watched: bool) -> Deployable:
    """Derive the template into *state_dir*, with its folders of code; an edit of *watched* code takes effect."""
    template = read_template(TEMPLATE)
    code = state_dir / "code"
    write_bootstraps(sources(template, root=ROOT), code=code, watched=watched)
    derived = state_dir / "template.json"  # sam reads it seven times; as YAML, that takes it over three seconds
    derived.write_text(template_json(derive(template, root=ROOT, code=code)))
    contents = [derived, *sorted(code.glob("*/bootstrap")), *definitions(template, root=ROOT)]
    digest = hashlib.sha256(repr(sorted(parameters.items())).encode())
    for path in contents:
        digest.update(path.read_bytes())
    return Deployable(stack_name, derived, parameters, digest.hexdigest())


def deploy(deployable: Deployable, endpoint_url: str, state_dir: Path) -> dict[str, str]:
    """Deploy to the stack at *endpoint_url* and return its outputs; raises `DeployFailed` with the errors of sam."""
    if not SAM.exists():
        raise ToolMissing(SAM)
    log = state_dir / "logs" / "deploy.log"
    overrides = [f"{name}={value}" for name, value in deployable.parameters.items()]
    # SAM leaves an empty folder for each function.
    with log.open("wb") as output, tempfile.TemporaryDirectory(dir=state_dir) as scratch:
        deployed = subprocess.run(
            [
                *(SAM, "deploy", "--template-file", deployable.template, "--stack-name", deployable.stack_name),
                *("--resolve-s3", "--use-json", "--capabilities", "CAPABILITY_IAM", "--region", environment.REGION),
                *("--no-confirm-changeset", "--no-fail-on-empty-changeset", "--no-progressbar"),
                *("--parameter-overrides", *overrides),
            ],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=state_dir,
            env=_sam_environment(endpoint_url) | {"TMPDIR": scratch},
        )
    if deployed.returncode != 0 or (deployed_outputs := outputs(deployable.stack_name, endpoint_url)) is None:
        raise DeployFailed(log)
    return deployed_outputs


def outputs(stack_name: str, endpoint_url: str) -> dict[str, str] | None:
    """Return the outputs of the stack *stack_name*, or None if it is not completely deployed."""
    cloudformation = boto3.client("cloudformation", **connection(endpoint_url))
    try:
        [stack] = cloudformation.describe_stacks(StackName=stack_name)["Stacks"]
    except ClientError:
        return None
    if stack["StackStatus"] not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
        return None
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def put_secret(value: str, secret_arn: str, endpoint_url: str) -> None:
    """Put *value* in the secret unless it has a value."""
    secrets = boto3.client("secretsmanager", **connection(endpoint_url))
    try:
        current = secrets.get_secret_value(SecretId=secret_arn).get("SecretString")
    except secrets.exceptions.ResourceNotFoundException:
        current = None
    if not current:
        secrets.put_secret_value(SecretId=secret_arn, SecretString=value)


def connection(endpoint_url: str) -> dict[str, Any]:
    """Return the arguments of a boto3 client for the stack at *endpoint_url*, independent of the environment."""
    return {
        "endpoint_url": endpoint_url,
        "region_name": environment.REGION,
        "aws_access_key_id": environment.CREDENTIALS["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": environment.CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        "config": Config(proxies={}),
    }


def _sam_environment(endpoint_url: str) -> dict[str, str]:
    return {
        **environment.bare(),
        **environment.aws(endpoint_url),
        "SAM_CLI_TELEMETRY": "0",
        "SAM_CLI_POLL_DELAY": "0.1",
        "__SAM_CLI_APP_DIR": str(LOCAL / "aws-sam"),  # else it writes to the home folder
        "PYTHONWARNINGS": "ignore",
    }
