"""The template as CloudFormation deploys it: transformed by the SAM translator of the SAM CLI."""

import functools
import json
import os
import subprocess
from typing import Any

from local.paths import SAM
from tests.contract.template import template

# The SAM CLI has an environment of its own, and so its own Python.
PYTHON_OF_SAM = SAM.parent / "python"
TRANSFORM = """
import json, sys
from types import SimpleNamespace
from samtranslator.translator.transform import transform
print(json.dumps(transform(json.load(sys.stdin), {}, SimpleNamespace(load=dict))))
"""
LOCAL_FOLDERS = ("CodeUri", "ContentUri", "DefinitionUri")


@functools.cache
def transformed_template() -> str:
    """Return the transformed template as JSON, every intrinsic function in its full form."""
    source = template()
    for resource in source["Resources"].values():
        packaged = {name: "s3://bucket/key" for name in LOCAL_FOLDERS if name in resource["Properties"]}
        resource["Properties"] |= packaged
    transformed = subprocess.run(
        [PYTHON_OF_SAM, "-c", TRANSFORM],
        input=json.dumps(source),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env=os.environ | {"AWS_DEFAULT_REGION": "us-east-1"},
    )
    return transformed.stdout


@functools.cache
def transformed_resources() -> dict[str, dict[str, Any]]:
    """Return the resources of the transformed template, by logical id."""
    resources: dict[str, dict[str, Any]] = json.loads(transformed_template())["Resources"]
    return resources
