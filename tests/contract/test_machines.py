"""The template, the machines and the code, held against one another: no tool opens all three."""

import inspect
import json
import re
from pathlib import Path
from typing import Any

import pytest

from assetline import errors
from tests.contract.linting import linted
from tests.contract.template import MACHINES, ROOT, machine, resources

# The errors of Lambda and Step Functions themselves.
SERVICE_ERRORS = {
    "Lambda.AWSLambdaException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.SdkClientException",
    "Lambda.ServiceException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
    "Runtime.ExitError",
    "Sandbox.Timedout",
    "States.ALL",
    "States.ItemReaderFailed",
    "States.Timeout",
    "StepFunctions.AWSStepFunctionsException",
    "StepFunctions.ExecutionLimitExceededException",
    "StepFunctions.SdkClientException",
}
LAMBDA = "arn:aws:states:::lambda:invoke"

EXPRESSION = "{%"

every_machine = pytest.mark.parametrize("path", MACHINES, ids=lambda path: path.stem)


def all_states(path: Path) -> dict[str, dict[str, Any]]:
    """Return the states of a machine, those that its maps run for each item too."""
    states: dict[str, dict[str, Any]] = machine(path)["States"]
    inner = [state["ItemProcessor"]["States"] for state in states.values() if state["Type"] == "Map"]
    found: dict[str, dict[str, Any]] = {}
    for group in (states, *inner):
        assert not set(found) & set(group), "the names of states are unique in a machine"
        found |= group
    return found


def functions_of(state: dict[str, Any]) -> list[str]:
    """Return the placeholders of the functions that a state may invoke."""
    name: str = (state.get("Arguments") or state["Parameters"])["FunctionName"]
    return re.findall(r"\$\{(\w+)\}", name)


def successors(state: dict[str, Any]) -> set[str]:
    edges = [state, *state.get("Choices", []), *state.get("Catch", [])]
    return {edge[key] for edge in edges for key in ("Next", "Default") if key in edge}


def product_errors() -> dict[str, type[Exception]]:
    return {
        name: error
        for name, error in inspect.getmembers(errors, inspect.isclass)
        if issubclass(error, errors.Retryable | errors.Permanent)
    }


def state_machine_of(path: Path) -> dict[str, Any]:
    uri = str(path.relative_to(ROOT))
    (properties,) = [
        machine for machine in resources("AWS::Serverless::StateMachine").values() if machine["DefinitionUri"] == uri
    ]
    return properties


@every_machine
def test_every_state_is_reachable_and_every_way_leads_somewhere(path: Path) -> None:
    states = machine(path)["States"]
    reached, ahead = set(), {machine(path)["StartAt"]}
    while ahead:
        reached |= ahead
        ahead = set().union(*(successors(states[name]) for name in ahead)) - reached
    assert reached == set(states)


@every_machine
def test_every_error_a_machine_names_exists(path: Path) -> None:
    named = set()
    for state in all_states(path).values():
        for rule in [*state.get("Retry", []), *state.get("Catch", [])]:
            named |= set(rule["ErrorEquals"])
        if state["Type"] == "Fail" and not state["Error"].startswith(EXPRESSION):
            named.add(state["Error"])
    assert named <= set(product_errors()) | SERVICE_ERRORS


@every_machine
def test_nothing_is_retried_whatever_it_is(path: Path) -> None:
    for state in all_states(path).values():
        assert not [rule for rule in state.get("Retry", []) if "States.ALL" in rule["ErrorEquals"]]


@every_machine
def test_an_error_without_a_cause_is_an_error_too(path: Path) -> None:
    # States.Timeout has none, and an output that is made of nothing fails the execution under another name.
    named = re.findall(r"errorOutput\.Cause(.{5})", path.read_text())
    assert set(named) <= {" & ''"}


@every_machine
def test_only_what_may_pass_is_retried(path: Path) -> None:
    for state in all_states(path).values():
        for rule in state.get("Retry", []):
            own = set(rule["ErrorEquals"]) & set(product_errors())
            assert all(issubclass(product_errors()[name], errors.Retryable) for name in own)


def least_seconds(rule: dict[str, Any]) -> float:
    """Return for how long a rule keeps asking, at the least: full jitter may wait no time at all."""
    if rule.get("JitterStrategy") == "FULL":
        return 0
    pauses = (rule["IntervalSeconds"] * rule["BackoffRate"] ** n for n in range(rule["MaxAttempts"]))
    return float(sum(min(pause, rule.get("MaxDelaySeconds", pause)) for pause in pauses))


@pytest.mark.parametrize("error", ["RateLimited", "FeedUnavailable", "ViUnavailable"])
def test_errors_retried_at_a_page_are_retried_before_the_first(error: str) -> None:
    opening = all_states(ROOT / "statemachines" / "export_feed.asl.json")["Open Export"]
    (rule,) = [rule for rule in opening["Retry"] if error in rule["ErrorEquals"]]
    assert rule["IntervalSeconds"] >= 30
    assert 900 <= least_seconds(rule) <= 1800


LAMBDA_IS_DOWN = {
    "Lambda.AWSLambdaException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.SdkClientException",
    "Lambda.ServiceException",
}


@every_machine
def test_every_task_waits_out_aws_for_a_quarter_of_an_hour(path: Path) -> None:
    for name, state in all_states(path).items():
        if state.get("Resource") == LAMBDA:
            waits = {error: least_seconds(rule) for rule in state["Retry"] for error in rule["ErrorEquals"]}
            assert all(waits[error] >= 900 for error in LAMBDA_IS_DOWN | {"AwsUnavailable"}), name


def test_a_nested_export_is_started_through_a_quarter_of_an_hour_of_faults() -> None:
    nested = all_states(ROOT / "statemachines" / "export_feeds.asl.json")["Export Feed"]
    assert [least_seconds(rule) >= 900 for rule in nested["Retry"]] == [True]


def test_a_listing_that_s3_throttles_is_waited_out() -> None:
    listing = all_states(ROOT / "statemachines" / "backfill_drops.asl.json")["Record Drops"]
    (rule,) = listing["Retry"]
    assert rule["ErrorEquals"] == ["States.ItemReaderFailed"]
    assert least_seconds(rule) >= 900


@every_machine
def test_every_task_outlasts_a_busy_account(path: Path) -> None:
    for name, state in all_states(path).items():
        if state.get("Resource") == LAMBDA:
            (rule,) = [rule for rule in state["Retry"] if "Lambda.TooManyRequestsException" in rule["ErrorEquals"]]
            assert rule["ErrorEquals"] == ["Lambda.TooManyRequestsException"], name
            assert (rule["MaxAttempts"], rule["MaxDelaySeconds"]) == (30, 60), name


@every_machine
def test_every_task_retries_a_lost_process_and_has_a_time_limit(path: Path) -> None:
    assert machine(path)["TimeoutSeconds"] > 0
    for state in all_states(path).values():
        if state.get("Resource") == LAMBDA:
            assert state["TimeoutSeconds"] > 0
            assert {"Sandbox.Timedout", "Runtime.ExitError"} <= {
                name for rule in state["Retry"] for name in rule["ErrorEquals"]
            }


@every_machine
def test_substitutions_match_the_template(path: Path) -> None:
    placeholders = set(re.findall(r"\$\{(\w+)\}", path.read_text()))
    assert placeholders == set(state_machine_of(path)["DefinitionSubstitutions"])


@every_machine
def test_a_machine_may_invoke_the_functions_it_names_and_no_others(path: Path) -> None:
    properties = state_machine_of(path)
    named = [value["Fn::GetAtt"] for value in properties["DefinitionSubstitutions"].values() if "Fn::GetAtt" in value]
    (granted,) = [
        statement["Resource"]
        for policy in properties["Policies"]
        for statement in policy["Statement"]
        if statement["Action"] == "lambda:InvokeFunction"
    ]
    assert [resource["Fn::GetAtt"] for resource in granted] == named


@every_machine
def test_a_task_outlasts_its_function(path: Path) -> None:
    functions = resources("AWS::Serverless::Function")
    substitutions = state_machine_of(path)["DefinitionSubstitutions"]
    for name, state in all_states(path).items():
        if state.get("Resource") == LAMBDA:
            for placeholder in functions_of(state):
                function = functions[substitutions[placeholder]["Fn::GetAtt"][0]]
                assert state["TimeoutSeconds"] > function.get("Timeout", 60), name


@every_machine
def test_a_state_is_its_function_is_its_folder(path: Path) -> None:
    functions = resources("AWS::Serverless::Function")
    for name, state in all_states(path).items():
        if state.get("Resource") == LAMBDA:
            words = name.split()
            named = functions_of(state)
            assert f"{''.join(words)}FunctionArn" in named
            for placeholder in named:  # of one folder, if there is one for each secret
                function = functions[placeholder.removesuffix("Arn")]
                assert function["CodeUri"] == f"functions/{'_'.join(words).lower()}/"


@every_machine
def test_the_definition_is_valid_in_its_own_language(path: Path) -> None:
    definition = machine(path)
    for state in definition["States"].values():
        if state["Type"] == "Map" and isinstance(state.get("MaxConcurrency"), str):
            state["MaxConcurrency"] = 1  # JSONata may compute it; the schema of cfn-lint lacks that
    inline = {
        "Resources": {
            "Machine": {
                "Type": "AWS::StepFunctions::StateMachine",
                "Properties": {"RoleArn": "arn:aws:iam::123456789012:role/r", "Definition": definition},
            }
        }
    }
    assert linted(json.dumps(inline)) == []
