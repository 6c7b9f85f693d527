"""The template and the machines, read for the tests that hold them against each other."""

import json
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

from local.stack.yaml_tags import in_full, read_template

ROOT = Path(__file__).parents[2]
MACHINES = sorted((ROOT / "statemachines").glob("*.asl.json"))


def template() -> dict[str, Any]:
    """Return template.yaml, every short tag as the function it stands for: `!Ref X` is `{"Ref": "X"}`."""
    return deepcopy(_parsed())


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """Return the properties of every resource of a type, by logical id."""
    return {
        name: resource["Properties"] for name, resource in template()["Resources"].items() if resource["Type"] == kind
    }


def statements(function: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what a function may do, with what it may do only under a condition of the template."""
    found = [statement for policy in function.get("Policies", []) for statement in policy["Statement"]]
    return [statement["Fn::If"][1] if "Fn::If" in statement else statement for statement in found]


def listed(value: Any) -> list[Any]:
    """Return what may be one thing or a list of them as a list."""
    return value if isinstance(value, list) else [value]


def machine(path: Path) -> dict[str, Any]:
    """Return a machine's definition."""
    definition: dict[str, Any] = json.loads(path.read_text())
    return definition


@cache
def _parsed() -> dict[str, Any]:
    content: dict[str, Any] = in_full(read_template(ROOT / "template.yaml"))
    return content
