"""Every way an execution can end has a name in the documents, and no other error leaves a function."""

import ast
import importlib
import json
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import assetline
from assetline.errors import Permanent, Retryable
from tests.contract.template import MACHINES, ROOT
from tests.contract.test_machines import EXPRESSION, SERVICE_ERRORS, all_states

OPERATIONS = (ROOT / "docs/operations.md").read_text()
SOURCES = [*(ROOT / "layers/assetline/assetline").rglob("*.py"), *(ROOT / "functions").rglob("*.py")]

# Raised and caught within the layer, or documented as impossible: none of these ends an execution.
INTERNAL = {
    "AssertionError": "a place that is never reached",
    "BodyTooLarge": "the clients turn it into PageTooLarge, ViRefused or AnswerLost",
    "DecodingError": "the clients turn it into an error of the tree",
    "LocalProtocolError": "the clients turn it into an error of the tree",
    "Mismatch": "the reason of a file that was not downloaded",
    "NotAnswered": "the transport turns it into an error of httpx",
    "NotBegun": "a Vi request is sent again",
    "NotKept": "the reason of a file that was not downloaded",
    "NotMedia": "the reason of a rejection",
    "NotPipeEncoded": "the text goes to `extra` as it is",
    "OpeningTakenOver": "Open Session ends as `owned`",
    "RemoteProtocolError": "the clients turn it into an error of the tree",
    "SignedUrlExpired": "who asks for the bytes takes another URL, or it is the reason of the file",
    "Stopped": "a download that a person ends",
    "TimeoutError": "the transport turns it into an error of httpx",
    "TypeError": "the writer of JSON turns to its slow way",
    "TooSlow": "the clients turn it into an error of the tree",
    "ValueError": "a parser's, turned into an error of the tree by who asked it",
    "_Lost": "the reason of a file that was not uploaded",
}


def documented(text: str = OPERATIONS) -> set[str]:
    """Return the names in the first column of the tables of errors."""
    cells = re.findall(r"^\| ((?:`[\w.]+`(?:, )?)+) \|.*\|.*\|$", text, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([\w.]+)`", cell)}


def leaves(of: type[Exception]) -> Iterator[type[Exception]]:
    below = [error for error in of.__subclasses__() if error.__module__.startswith("assetline.")]
    if not below:
        yield of
    for error in below:
        yield from leaves(error)


def all_leaves() -> set[str]:
    """Return the names of all errors that modules of the layer define, but for those that are caught within it."""
    for module in pkgutil.walk_packages(assetline.__path__, "assetline."):
        importlib.import_module(module.name)
    return {error.__name__ for tree in (Retryable, Permanent) for error in leaves(tree)} - INTERNAL.keys()


def raised_in(path: Path) -> set[str]:
    """Return the names of the classes that a module raises."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Raise) and node.exc is not None:
            error: ast.AST = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            error = error.value if isinstance(error, ast.Attribute) and error.attr.islower() else error
            name = error.attr if isinstance(error, ast.Attribute) else getattr(error, "id", "")
            if name[:1].isupper() or name.startswith("_"):
                found.add(name)
    return found


def test_every_error_of_the_layer_is_in_the_documents() -> None:
    assert all_leaves() - documented() == set()


def test_nothing_else_is_raised_that_could_end_an_execution() -> None:
    raised = set().union(*map(raised_in, SOURCES))
    helpers = {name for name in raised if re.fullmatch(r"_[a-z_]+", name)}  # a function that returns the error
    assert raised - all_leaves() - helpers == INTERNAL.keys()


@pytest.mark.parametrize("path", MACHINES, ids=lambda path: path.stem)
def test_every_end_of_a_machine_is_in_the_documents(path: Path) -> None:
    ends = set()
    for state in all_states(path).values():
        ends |= {name for rule in state.get("Retry", []) for name in rule["ErrorEquals"]}
        if state["Type"] == "Fail" and not state["Error"].startswith(EXPRESSION):
            ends.add(state["Error"])
    assert ends - documented() == set()


def test_every_end_that_aws_names_is_in_the_documents() -> None:
    assert SERVICE_ERRORS - {"States.ALL"} - documented() == set()


def test_the_documents_name_no_end_that_there_is_not() -> None:
    named = documented(OPERATIONS.partition("## When an export fails")[2].partition("\n## ")[0])
    machines = json.dumps([json.loads(path.read_text()) for path in MACHINES])
    of_aws = {name for name in named if "." in name}
    assert named - of_aws - all_leaves() == set()
    assert {name for name in of_aws if name not in machines} <= {
        "Runtime.OutOfMemory",
        "States.DataLimitExceeded",
        "States.ExceedToleratedFailureThreshold",
        "States.Runtime",
    }
