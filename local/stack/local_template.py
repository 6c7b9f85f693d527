"""The template as the local stack deploys it: the real one, with functions that run from source.

`template.yaml` stays the only source. The differences are these, and no others:

- a function has the runtime `provided.al2023`; its `bootstrap` runs AWS's own runtime client on the function's source
  folder, with the layer's source on its path: nothing is built, error names and deadlines are those of AWS;
- layers are left out, and so is the architecture: both describe the build of `sam build` for AWS;
- the description for the Serverless Application Repository is left out: its files are beside the real template;
- a definition file is named by its absolute path, since the derived template is in another folder;
- a statement that denies plain HTTP is left out, since the stack listens on loopback without TLS;
- `!Ref` of a secret becomes `!GetAtt ….Id`, the same ARN on AWS: MiniStack's `Ref` gives the name, which no role's
  statement matches;
- an alarm on a sum of metrics uses the first of them: MiniStack has no metric math;
- `MaximumConcurrency` is the default of the parameter that it names: MiniStack's `Ref` of a number gives text, which it
  then compares with numbers.
"""

import os
import re
import shlex
import shutil
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any, cast

from local.errors import TemplateNotLocal
from local.paths import LAMBDA_RUNTIME, LAYER, PYTHON
from local.stack.yaml_tags import Tagged

type Template = dict[str, Any]

WATCHED = "watched"  # the file in the folder of the code that lets functions watch their source
FUNCTION = "AWS::Serverless::Function"
STATE_MACHINE = "AWS::Serverless::StateMachine"
ALARM = "AWS::CloudWatch::Alarm"
BUCKET_POLICY = "AWS::S3::BucketPolicy"
SECRET = "AWS::SecretsManager::Secret"  # noqa: S105
LAYERS = frozenset({"AWS::Serverless::LayerVersion", "AWS::Lambda::LayerVersion"})

ONLY_FOR_AWS = ("Architectures", "Layers")
PLAIN_HTTP = {"Bool": {"aws:SecureTransport": "false"}}


def derive(template: Template, *, root: Path, code: Path) -> Template:
    """Return the local form of *template*, whose paths are relative to *root*.

    The code of a function is in the folder of *code* named like it; `write_bootstraps` creates these folders.
    """
    derived = deepcopy(template)
    derived.pop("Metadata", None)
    for properties in [derived.get("Globals", {}).get("Function", {}), *_functions(derived).values()]:
        for name in ONLY_FOR_AWS:
            properties.pop(name, None)
    for name, properties in _functions(derived).items():
        properties |= {"Runtime": "provided.al2023", "CodeUri": str(code / name)}
    for properties in _properties_of(derived, ALARM).values():
        if "Metrics" in properties:
            properties.update(_first_metric(properties.pop("Metrics")))
    for properties in _properties_of(derived, STATE_MACHINE).values():
        if isinstance(uri := properties.get("DefinitionUri"), str):
            properties["DefinitionUri"] = str(root / uri)
    derived["Resources"] = {
        name: resource
        for name, resource in derived["Resources"].items()
        if resource["Type"] not in LAYERS and _allows_plain_http(resource)
    }
    return cast("Template", _as_ministack_reads(derived))


def sources(template: Template, *, root: Path) -> dict[str, Path]:
    """Return the source folder of every function in *template*."""
    common = template.get("Globals", {}).get("Function", {})
    folders = {}
    for name, properties in _functions(template).items():
        uri = properties.get("CodeUri", common.get("CodeUri"))
        if not isinstance(uri, str):
            raise TemplateNotLocal(f"the function {name} has no CodeUri that is a folder: it cannot run from source")
        folders[name] = root / uri
    return folders


def definitions(template: Template, *, root: Path) -> list[Path]:
    """Return the definition files of the state machines in *template*."""
    uris = [properties.get("DefinitionUri") for properties in _properties_of(template, STATE_MACHINE).values()]
    return [root / uri for uri in uris if isinstance(uri, str)]


def write_bootstraps(folders: dict[str, Path], *, code: Path, watched: bool) -> None:
    """Write one folder for each function into *code*, with the program that runs its source, and the source's place.

    If the source is *watched*, an edit ends the environments that have imported it. The programs are the same in both
    cases, so that a stack is not deployed again for it.
    """
    shutil.rmtree(code, ignore_errors=True)
    for name, folder in folders.items():
        bootstrap = code / name / "bootstrap"
        bootstrap.parent.mkdir(parents=True)
        bootstrap.write_text(bootstrap_of(folder, code / WATCHED))
        bootstrap.chmod(0o755)
        (code / name / "source").write_text(str(folder))
    if watched:
        (code / WATCHED).touch()


def bootstrap_of(folder: Path, watched: Path) -> str:
    """Return the program that Lambda starts for the function in *folder*: with its source and the layer's only.

    It watches its source if the file *watched* exists.
    """
    source, path = shlex.quote(str(folder)), shlex.quote(f"{folder}{os.pathsep}{LAYER}")
    python, runtime = shlex.quote(str(PYTHON)), shlex.quote(str(LAMBDA_RUNTIME))
    return f"""\
#!/bin/sh
# Runs the function from its source, on the project's environment. LOG_LEVEL is MiniStack's own, and the function's
# logger would take it for ours: nothing below a warning would be logged.
unset LOG_LEVEL
cd {source} || exit 1
export LAMBDA_TASK_ROOT={source} PYTHONPATH={path}
if [ -e {shlex.quote(str(watched))} ]; then export ASSETLINE_WATCHES_CODE=1; fi
exec {python} -P {runtime} "$_HANDLER"
"""


def _functions(template: Template) -> dict[str, dict[str, Any]]:
    return _properties_of(template, FUNCTION)


def _properties_of(template: Template, kind: str) -> dict[str, dict[str, Any]]:
    found = {name: resource for name, resource in template["Resources"].items() if resource["Type"] == kind}
    return {name: resource["Properties"] for name, resource in found.items()}


def _first_metric(metrics: list[dict[str, Any]]) -> dict[str, Any]:
    stat = next(metric["MetricStat"] for metric in metrics if "MetricStat" in metric)
    return {**stat["Metric"], "Period": stat["Period"], "Statistic": stat["Stat"]}


def _allows_plain_http(resource: dict[str, Any]) -> bool:
    """Remove the denial of plain HTTP from a bucket policy; return False if no statement is left."""
    if resource["Type"] != BUCKET_POLICY:
        return True
    document = resource["Properties"]["PolicyDocument"]
    document["Statement"] = [
        statement
        for statement in document["Statement"]
        if not (statement["Effect"] == "Deny" and statement.get("Condition") == PLAIN_HTTP)
    ]
    return bool(document["Statement"])


def _as_ministack_reads(template: Template) -> Any:
    """Return *template* with equivalent spellings where MiniStack and AWS differ."""
    secrets = {name for name, resource in template["Resources"].items() if resource["Type"] == SECRET}

    def arn_in_text(at: re.Match[str]) -> str:
        return f"${{{at[1]}.Id}}" if at[1] in secrets else at[0]

    def change(node: Any) -> Any:
        match node:
            case Tagged("!Ref", str(name)) | {"Ref": str(name)} if name in secrets:
                return Tagged("!GetAtt", f"{name}.Id")
            case Tagged("!Sub", str(text)):
                return Tagged("!Sub", re.sub(r"\$\{(\w+)\}", arn_in_text, text))
            case {"MaximumConcurrency": Tagged("!Ref", str(name))}:
                return node | {"MaximumConcurrency": template["Parameters"][name]["Default"]}
            case _:
                return node

    return _mapped(template, change)


def _mapped(node: Any, change: Callable[[Any], Any]) -> Any:
    """Return *node* with *change* applied to all its nodes, innermost first."""
    match node:
        case dict():
            node = {key: _mapped(value, change) for key, value in node.items()}
        case list():
            node = [_mapped(value, change) for value in node]
        case Tagged(tag, value):
            node = Tagged(tag, _mapped(value, change))
    return change(node)
