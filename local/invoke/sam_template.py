"""The template as `sam local` runs it, and its build: in a folder of its own, never in `.aws-sam`.

`template.yaml` stays the only source. The derived template has its functions and its layer only, with these
differences:

- the default of the parameter `Architecture` is that of the container engine;
- functions declare the variables that `--env-vars` passes, since `sam local` drops all others;
- a second layer has the program that forwards loopback ports (see `local.invoke.container.forward`).

A plain `sam deploy` would deploy the contents of `.aws-sam/build`, so what is built here must not be there.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

from local.errors import LocalStackFailed, ToolMissing
from local.paths import LAYER, LOCAL, ROOT, SAM, TEMPLATE
from local.stack import environment
from local.stack.local_template import FUNCTION, LAYERS, Template
from local.stack.yaml_tags import Tagged, read_template, template_text

FOLDER = LOCAL / "sam-invoke"
CONTAINER = ROOT / "local" / "invoke" / "container"
WRAPPER = "/opt/forward.py"  # a layer is mounted at /opt
FORWARDING_LAYER = "ForwardingLayer"
# The template leaves these to AWS. Without the first, functions would call AWS itself.
DECLARED = ("AWS_ENDPOINT_URL", "AWS_LAMBDA_EXEC_WRAPPER", "FORWARDED_PORTS", "NO_PROXY", "no_proxy")
KEPT = ("CodeUri", "Handler", "MemorySize", "Timeout", "Environment")


def derive_for_invoking(template: Template, *, root: Path, architecture: str) -> Template:
    """Return *template*, whose paths are relative to *root*, with its functions and its layer only."""
    source = deepcopy(template)
    common = source["Globals"]["Function"]
    variables = dict.fromkeys(common["Environment"]["Variables"], "") | dict.fromkeys(DECLARED, "")
    parameter = source["Parameters"]["Architecture"] | {"Default": architecture}
    resources: dict[str, Any] = {
        FORWARDING_LAYER: {
            "Type": "AWS::Serverless::LayerVersion",
            "Properties": {"ContentUri": str(CONTAINER), "CompatibleRuntimes": [common["Runtime"]]},
        }
    }
    for name, resource in source["Resources"].items():
        if resource["Type"] in LAYERS:
            resource["Properties"] |= {
                "LayerName": name,
                "ContentUri": str(root / resource["Properties"]["ContentUri"]),
            }
            resources[name] = resource
        elif resource["Type"] == FUNCTION:
            resources[name] = resource | {"Properties": _function(resource["Properties"], root)}
    kept = {key: common[key] for key in ("Runtime", "Architectures", "Handler", "MemorySize", "Timeout")}
    layers = [*common["Layers"], Tagged("!Ref", FORWARDING_LAYER)]
    return {
        "AWSTemplateFormatVersion": source["AWSTemplateFormatVersion"],
        "Transform": source["Transform"],
        "Parameters": {"Architecture": parameter},
        "Globals": {"Function": kept | {"Layers": layers, "Environment": {"Variables": variables}}},
        "Resources": resources,
    }


def built(architecture: str) -> Path:
    """Return the built template for *architecture*; it is built unless its sources are those of the last build.

    Raises:
        ToolMissing, LocalStackFailed: `sam build` is not installed, or failed.
    """
    if not SAM.exists():
        raise ToolMissing(SAM)
    folder = FOLDER / architecture
    template = folder / "template.yaml"
    derived = template_text(derive_for_invoking(read_template(TEMPLATE), root=ROOT, architecture=architecture))
    digest, mark, result = _digest(derived), folder / "digest", folder / "build" / "template.yaml"
    if result.exists() and mark.exists() and mark.read_text() == digest:
        return result
    folder.mkdir(parents=True, exist_ok=True)
    mark.unlink(missing_ok=True)
    template.write_text(derived)
    log = folder / "build.log"
    with log.open("wb") as output:
        ended = subprocess.run(
            [
                *(SAM, "build", "--template-file", template, "--build-dir", folder / "build"),
                *("--cached", "--cache-dir", folder / "cache", "--parallel", "--region", environment.REGION),
            ],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=_build_environment(),
        )
    if ended.returncode != 0:
        last = log.read_text(errors="replace").strip().splitlines()[-1:]
        raise LocalStackFailed(f"sam build failed; its log is {log}" + "".join(f" and ends: {line}" for line in last))
    mark.write_text(digest)
    return result


def sam_environment(docker_host: str, endpoint_url: str) -> dict[str, str]:
    """Return the environment of `sam local`: with credentials that open the local stack only."""
    return environment.bare() | environment.aws(endpoint_url) | _sam() | {"DOCKER_HOST": docker_host}


def _function(properties: dict[str, Any], root: Path) -> dict[str, Any]:
    kept = {name: properties[name] for name in KEPT if name in properties}
    if "Environment" in kept:
        kept["Environment"] = {"Variables": dict.fromkeys(kept["Environment"]["Variables"], "")}
    return kept | {"CodeUri": str(root / properties["CodeUri"])}


def _digest(derived: str) -> str:
    digest = hashlib.sha256(derived.encode())
    for folder in (LAYER, ROOT / "functions", CONTAINER):
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return digest.hexdigest()


def _build_environment() -> dict[str, str]:
    """Return the caller's environment, without AWS settings, with the interpreter of this checkout on the PATH."""
    caller = environment.of_caller()
    return caller | _sam() | {"PATH": os.pathsep.join([str(Path(sys.base_prefix) / "bin"), caller.get("PATH", "")])}


def _sam() -> dict[str, str]:
    return {
        "SAM_CLI_TELEMETRY": "0",
        "__SAM_CLI_APP_DIR": str(LOCAL / "aws-sam"),  # else it writes to the home folder
        "PYTHONWARNINGS": "ignore",
    }
