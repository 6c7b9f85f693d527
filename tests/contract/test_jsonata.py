"""The machines' JSONata, evaluated by the reference implementation in the version that Step Functions implements.

`jsonata/recorded.jsonl` holds what the local Step Functions evaluated in real runs; `make record-jsonata` renews it.
"""

import json
import subprocess
from collections.abc import Sequence
from typing import Any

import pytest

from tests.contract.jsonata.corpus import evaluations, expressions
from tests.contract.template import MACHINES, ROOT, machine

NODE = ROOT / ".local/tools/jsonata/bin/node"
PACKAGE = ROOT / ".local/tools/jsonata/package.json"
EVALUATE = ROOT / "tests/contract/jsonata/evaluate.mjs"
VERSION = "2.0.6"  # AWS: the version that Step Functions implements


# Which function, by the secret that an export needs: what is recorded has the ARNs of a run in them.
OPEN_EXPORT = (
    "$exists($states.input.source) or $substring($string($states.input.resume), 0, 3) = 'vi-' "
    "? '${OpenViExportFunctionArn}' : '${OpenExportFunctionArn}'"
)
WRITE_PAGES = "$substring($export.export_id, 0, 3) = 'vi-' ? '${WriteViPagesFunctionArn}' : '${WritePagesFunctionArn}'"

# Expressions that no test's run reaches, or whose recorded causes are cut short: variables and states, and the result.
NOT_RECORDED: dict[str, tuple[dict[str, Any], Any]] = {
    OPEN_EXPORT: ({"states": {"input": {"feed": "assets"}}}, "${OpenExportFunctionArn}"),
    WRITE_PAGES: ({"export": {"export_id": "vi-ds1_20261128_000000"}}, "${WriteViPagesFunctionArn}"),
    "$polls >= 1000": ({"polls": 1000}, True),
    "$opened.outcome = 'owned'": ({"opened": {"outcome": "owned"}}, True),
    "$turn >= 1500": ({"turn": 1499}, False),
    "$turn + 1": ({"turn": 1}, 2),
    "$opened.wait_seconds": ({"opened": {"wait_seconds": 7}}, 7),
    "$states.input[$exists(Error)][0]": (
        {"states": {"input": [{}, {"Error": "AwsUnavailable", "Cause": "c"}]}},
        {"Error": "AwsUnavailable", "Cause": "c"},
    ),
    "$states.input[Error in ['KeyMissing', 'KeyRefused', 'KeyForbidden']][0]": (
        {"states": {"input": [{"Error": "Other"}, {"Error": "KeyMissing", "Cause": "c"}]}},
        {"Error": "KeyMissing", "Cause": "c"},
    ),
    "$substring($states.errorOutput.Cause & '', 0, 1000)": (
        {"states": {"errorOutput": {"Error": "States.Timeout"}}},
        "",
    ),
    "$substring($states.errorOutput.Cause & '', 0, 800)": (
        {"states": {"errorOutput": {"Error": "E", "Cause": "c" * 900}}},
        "c" * 800,
    ),
    "$merge([$result, {'changes_key': null, 'changes_error': $states.errorOutput.Error}])": (
        {"result": {"rows": 1}, "states": {"errorOutput": {"Error": "FileMalformed"}}},
        {"rows": 1, "changes_key": None, "changes_error": "FileMalformed"},
    ),
}


def reference(requested: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the `result` or the `error` of each evaluation, by the reference implementation."""
    lines = "\n".join(json.dumps(item) for item in requested)
    answer = subprocess.run([NODE, EVALUATE, PACKAGE], input=lines, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in answer.stdout.splitlines()]


def evaluated(expression: str, states: dict[str, Any], **variables: Any) -> Any:
    """Return the result of one expression; fails where there is none."""
    (answer,) = reference([{"expression": expression, "states": states, "variables": variables}])
    return answer["result"]


def expression_of(name: str, state: str, *keys: str | int) -> str:
    """Return the expression at *keys* of a machine's state."""
    (path,) = [path for path in MACHINES if path.name == f"{name}.asl.json"]
    node: Any = machine(path)["States"][state]
    for key in keys:
        node = node[key]
    return str(node)[2:-2].strip()


def test_the_reference_is_the_version_that_aws_implements() -> None:
    installed = json.loads((PACKAGE.parent / "node_modules/jsonata/package.json").read_text())
    assert installed["version"] == VERSION


def test_every_expression_of_the_machines_was_evaluated_in_a_real_run() -> None:
    missing = expressions() - {item["expression"] for item in evaluations()} - NOT_RECORDED.keys()
    assert not missing, "run `make record-jsonata`"


def test_the_reference_evaluates_recorded_inputs_as_the_local_machine() -> None:
    recorded = evaluations()
    differing = [
        (item["expression"], item.get("result"), answer)
        for item, answer in zip(recorded, reference(recorded), strict=True)
        if ("result" in item, item.get("result")) != ("result" in answer, answer.get("result"))
    ]
    assert differing == []


@pytest.mark.parametrize("expression", NOT_RECORDED)
def test_an_expression_that_no_run_reaches_has_its_result(expression: str) -> None:
    variables, expected = NOT_RECORDED[expression]
    assert expression in expressions()
    states = variables.get("states", {})
    others = {name: value for name, value in variables.items() if name != "states"}
    assert evaluated(expression, states, **others) == expected


@pytest.mark.parametrize(
    ("slices", "failed"),
    [
        ([], 0),
        ([{}], 0),
        ([{"Error": "KeyRefused", "Cause": "401"}], 1),
        ([{}, {"Error": "KeyRefused", "Cause": "401"}], 1),
        ([{"Error": "KeyRefused", "Cause": "a"}, {"Error": "KeyMissing", "Cause": "b"}], 2),
        ([{}, {"Error": "AwsUnavailable", "Cause": "c"}, {}], 0),
    ],
)
def test_refused_keys_are_found_in_results_of_any_length(slices: list[dict[str, str]], failed: int) -> None:
    rule = expression_of("ingest_drops", "Slices Through?", "Choices", 0, "Condition")
    assert evaluated(rule, {"input": slices}) is (failed > 0)
    if failed:
        first = expression_of("ingest_drops", "Slices Through?", "Choices", 0, "Assign", "error")
        refused = [item for item in slices if item.get("Error", "").startswith("Key")]
        assert evaluated(first, {"input": slices}) == refused[0]


@pytest.mark.parametrize(
    ("complete", "expected"),
    [([], True), ([True], True), ([False], False), ([True, False], False), ([False, False], False)],
)
def test_a_report_of_exports_is_complete_when_each_is(complete: list[bool], expected: bool) -> None:
    rule = expression_of("export_feeds", "Report Exports", "Output", "complete")
    assert evaluated(rule, {}, results=[{"complete": item} for item in complete]) is expected
    results = expression_of("export_feeds", "Report Exports", "Output", "results")
    listed = [{"complete": item} for item in complete]
    assert evaluated(results, {}, results=listed) == listed


@pytest.mark.parametrize(
    ("requested", "vi"),
    [
        ({"source": "vi", "dataset_id": "ds1"}, True),
        ({"source": None}, True),
        ({"resume": "vi-ds1_20261128_000000"}, True),
        ({"resume": "assets_20261128_000000"}, False),
        ({"resume": 5}, False),
        ({"resume": {"a": "vi-"}}, False),
        ({"feed": "assets"}, False),
        ({"feed": 1}, False),
        ({}, False),
        ([], False),
        ("vi-", False),
        (None, False),
    ],
)
def test_an_export_is_opened_by_the_function_that_has_its_secret(requested: Any, vi: bool) -> None:
    assert evaluated(OPEN_EXPORT, {"input": requested}) == f"${{Open{'Vi' * vi}ExportFunctionArn}}"


@pytest.mark.parametrize(("export_id", "vi"), [("assets_20261128_000000_2", False), ("vi-_1_20261128_000000", True)])
def test_pages_are_written_by_the_function_that_has_their_secret(export_id: str, vi: bool) -> None:
    function = f"${{Write{'Vi' * vi}PagesFunctionArn}}"
    assert evaluated(WRITE_PAGES, {}, export={"export_id": export_id}) == function
