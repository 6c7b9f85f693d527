"""A local state machine calls with the permissions of its own role, as a machine on AWS does."""

from collections.abc import Iterator
from typing import Any

import pytest

from local.stack.outputs import DeployedStack
from tests.workflows.probe_function import probe_function
from tests.workflows.probe_machine import EndedProbe, run_machine
from tests.workflows.probe_role import allow, probe_role

ECHO = "def lambda_handler(event, context):\n    return event\n"
MAP: dict[str, Any] = {
    "Type": "Map",
    "ItemProcessor": {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "Echo",
        "States": {"Echo": {"Type": "Pass", "End": True}},
    },
    "End": True,
}


@pytest.fixture(scope="module")
def function(stack: DeployedStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with probe_function(stack, tmp_path_factory.mktemp("role"), ECHO) as arn:
        yield arn


def run_with(stack: DeployedStack, state: dict[str, Any], *statements: dict[str, Any], given: Any = None) -> EndedProbe:
    with probe_role(stack, *statements) as role:
        return run_machine(stack, {"State": state}, given or {}, role=role)


def invoke(function: str) -> dict[str, Any]:
    parameters = {"FunctionName": function, "Payload": {"a": 1}}
    return {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": parameters, "End": True}


def test_a_function_that_the_role_does_not_grant_is_refused(stack: DeployedStack, function: str) -> None:
    another = allow("lambda:InvokeFunction", f"{function}-2")
    for statements in ([], [another], [allow("lambda:GetFunction", function)]):
        ended = run_with(stack, invoke(function), *statements)
        assert (ended.status, ended.error) == ("FAILED", "Lambda.AWSLambdaException")
        assert f"is not authorized to perform: lambda:InvokeFunction on resource: {function}" in ended.cause


def test_a_function_that_the_role_grants_is_invoked(stack: DeployedStack, function: str) -> None:
    ended = run_with(stack, invoke(function), allow("lambda:InvokeFunction", function))
    assert ended.output["Payload"] == {"a": 1}


def test_a_nested_execution_needs_the_right_to_start_it(stack: DeployedStack) -> None:
    machine = stack.outputs["BackfillStateMachineArn"]
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution",
        "Parameters": {"StateMachineArn": machine, "Input": {"prefix": "none"}},
        "End": True,
    }
    refused = run_with(stack, state, allow("states:StartExecution", f"{machine}-2"))
    assert refused.error == "StepFunctions.AWSStepFunctionsException"
    assert run_with(stack, state, allow("states:StartExecution", machine)).status == "SUCCEEDED"


def test_a_nested_execution_that_is_awaited_needs_more_rights(stack: DeployedStack) -> None:
    machine = stack.outputs["BackfillStateMachineArn"]
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Parameters": {"StateMachineArn": machine, "Input": {"prefix": "none"}},
        "End": True,
    }
    refused = run_with(stack, state, allow("states:StartExecution", machine))
    assert "states:DescribeExecution" in refused.cause
    assert run_with(stack, state, allow(["states:*", "events:*"])).status == "SUCCEEDED"


def test_events_are_put_from_the_source_that_the_role_grants(stack: DeployedStack) -> None:
    condition = {"ForAllValues:StringEquals": {"events:source": "assetline"}}
    granted = allow("events:PutEvents", Condition=condition)
    for source, status in (("assetline", "SUCCEEDED"), ("another", "FAILED")):
        entries = [{"Source": source, "DetailType": "Test", "Detail": {}}]
        resource = "arn:aws:states:::events:putEvents"
        state = {"Type": "Task", "Resource": resource, "Parameters": {"Entries": entries}, "End": True}
        assert run_with(stack, state, granted).status == status


def test_a_distributed_map_needs_the_right_to_start_its_children(stack: DeployedStack) -> None:
    refused = run_with(stack, MAP, allow("states:DescribeExecution"), given=[1])
    assert (refused.error, "states:StartExecution" in refused.cause) == ("States.Permissions", True)
    assert run_with(stack, MAP, allow("states:*"), given=[1]).output == [1]


def test_a_reader_needs_the_right_to_list_its_bucket(stack: DeployedStack) -> None:
    bucket = stack.outputs["ExportBucketName"]
    reader = {"Resource": "arn:aws:states:::s3:listObjectsV2", "Parameters": {"Bucket": bucket, "Prefix": "none/"}}
    states, state = allow("states:*"), MAP | {"ItemReader": reader}
    refused = run_with(stack, state, states, allow("s3:ListBucket", "arn:aws:s3:::another"))
    assert (refused.error, "s3:ListBucket" in refused.cause) == ("States.ItemReaderFailed", True)
    assert run_with(stack, state, states, allow("s3:ListBucket", f"arn:aws:s3:::{bucket}")).output == []


def test_a_result_writer_needs_the_right_to_put_objects(stack: DeployedStack) -> None:
    bucket = stack.outputs["ExportBucketName"]
    writer = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": bucket, "Prefix": "results"}}
    states, state = allow("states:*"), MAP | {"ResultWriter": writer}
    refused = run_with(stack, state, states, given=[1])
    assert (refused.error, "s3:PutObject" in refused.cause) == ("States.ResultWriterFailed", True)
    granted = allow("s3:PutObject", f"arn:aws:s3:::{bucket}/results/*")
    assert run_with(stack, state, states, granted, given=[1]).status == "SUCCEEDED"
