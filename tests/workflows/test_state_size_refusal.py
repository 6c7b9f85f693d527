"""The local Step Functions end a state whose data has more than 262,144 bytes, as Step Functions do."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.stack.outputs import DeployedStack
from tests.workflows.probe_function import probe_function
from tests.workflows.probe_machine import EndedProbe, run_machine

MOST_BYTES = 262_144
# As the client writes it, {"text": "…"} has twelve bytes more than its text.
LARGEST = {"text": "x" * (MOST_BYTES - 12)}
HALF = {"text": "x" * 140_000}
TWICE: dict[str, Any] = {"Type": "Pass", "Parameters": {"a.$": "$.text", "b.$": "$.text"}, "End": True}
ECHO = """
def lambda_handler(event, context):
    return {"text": "x" * event["bytes"]}
"""


@pytest.fixture(scope="module")
def function(stack: DeployedStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with probe_function(stack, tmp_path_factory.mktemp("size"), ECHO) as arn:
        yield arn


def task(function: str, payload: Any, **fields: Any) -> dict[str, Any]:
    parameters = {"FunctionName": function, **payload}
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": parameters,
        "End": True,
    } | fields


def exceeded(ended: EndedProbe) -> bool:
    return (ended.status, ended.error) == ("FAILED", "States.DataLimitExceeded")


def test_data_at_the_limit_passes(stack: DeployedStack) -> None:
    ended = run_machine(stack, {"Pass": {"Type": "Pass", "End": True}}, LARGEST)
    assert (ended.status, ended.output) == ("SUCCEEDED", LARGEST)


def test_execution_input_past_the_limit_is_refused(stack: DeployedStack) -> None:
    machines: Any = stack.client("stepfunctions")
    given = json.dumps({"text": "é" * (MOST_BYTES // 2)}, ensure_ascii=False)
    with pytest.raises(ClientError, match="less than or equal to 262144") as refused:
        machines.start_execution(stateMachineArn=stack.outputs["ExportStateMachineArn"], input=given)
    assert refused.value.response["Error"]["Code"] == "ValidationException"


def test_output_of_a_pass_past_the_limit_fails(stack: DeployedStack) -> None:
    assert exceeded(run_machine(stack, {"Twice": TWICE}, HALF))


def test_output_of_a_jsonata_state_past_the_limit_fails(stack: DeployedStack) -> None:
    twice = {"Type": "Pass", "Output": "{% [$states.input, $states.input] %}", "End": True}
    assert exceeded(run_machine(stack, {"Twice": twice}, HALF, QueryLanguage="JSONata"))


def test_result_of_a_task_past_the_limit_fails_though_discarded(stack: DeployedStack, function: str) -> None:
    state = task(function, {"Payload": {"bytes": MOST_BYTES}}, ResultPath=None)
    assert exceeded(run_machine(stack, {"Call": state}, {}))


def test_payload_of_a_task_past_the_limit_fails(stack: DeployedStack, function: str) -> None:
    state = task(function, {"Payload": {"bytes": 1, "a.$": "$.text", "b.$": "$.text"}})
    assert exceeded(run_machine(stack, {"Call": state}, HALF))


@pytest.mark.parametrize("mode", ["INLINE", "DISTRIBUTED"])
def test_collected_results_of_a_map_past_the_limit_fail(stack: DeployedStack, mode: str) -> None:
    config = {"Mode": mode} | ({"ExecutionType": "STANDARD"} if mode == "DISTRIBUTED" else {})
    processor = {
        "ProcessorConfig": config,
        "StartAt": "Item",
        "States": {"Item": {"Type": "Pass", "Result": HALF, "End": True}},
    }
    states: dict[str, Any] = {"Map": {"Type": "Map", "ItemProcessor": processor, "ResultPath": None, "End": True}}
    assert exceeded(run_machine(stack, states, [1, 2]))
    assert run_machine(stack, states, [1]).status == "SUCCEEDED"


def test_wildcards_do_not_catch_it_and_its_name_does(stack: DeployedStack, function: str) -> None:
    for names, status in (
        (["States.ALL"], "FAILED"),
        (["States.TaskFailed"], "FAILED"),
        (["States.DataLimitExceeded"], "SUCCEEDED"),
    ):
        catch = [{"ErrorEquals": names, "ResultPath": "$.error", "Next": "Caught"}]
        state = task(function, {"Payload": {"bytes": MOST_BYTES}}, Catch=catch)
        states: dict[str, Any] = {"Call": state, "Caught": {"Type": "Succeed"}}
        assert run_machine(stack, states, {}).status == status


def test_wildcards_still_catch_an_error_of_a_function(stack: DeployedStack, function: str) -> None:
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]
    states: dict[str, Any] = {"Call": task(function, {"Payload": {}}, Catch=catch), "Caught": {"Type": "Succeed"}}
    assert run_machine(stack, states, {}).output["Error"] == "KeyError"
