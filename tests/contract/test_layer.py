"""The functions import only modules that Lambda has: the layer, the runtime's boto3, Python's own."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.template import ROOT

REQUIREMENTS = ROOT / "layers/assetline/requirements.txt"
OF_THE_RUNTIME = {"boto3", "botocore"}
SOURCES = sorted([*(ROOT / "functions").rglob("*.py"), *(ROOT / "layers/assetline/assetline").rglob("*.py")])


def imported(tree: ast.AST) -> Iterator[str]:
    """Yield what a module imports when it runs; what stands under TYPE_CHECKING is for mypy alone."""
    for node in ast.iter_child_nodes(tree):
        match node:
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                continue
            case ast.Import(names=names):
                yield from (name.name for name in names)
            case ast.ImportFrom(module=str(module)):
                yield module
            case _:
                yield from imported(node)


def in_the_layer() -> set[str]:
    names = re.findall(r"^([A-Za-z0-9_.-]+)==", REQUIREMENTS.read_text(), re.MULTILINE)
    return {name.replace("-", "_").lower() for name in names}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_what_lambda_has(path: Path) -> None:
    packages = {name.partition(".")[0] for name in imported(ast.parse(path.read_text()))}
    there = sys.stdlib_module_names | in_the_layer() | OF_THE_RUNTIME | {"assetline"}
    assert packages <= there


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_clients_of_aws_are_made_in_one_place(path: Path) -> None:
    made = re.findall(r"boto3\.(?:client|resource)\(", path.read_text())
    assert bool(made) == (path.name == "clients.py")
