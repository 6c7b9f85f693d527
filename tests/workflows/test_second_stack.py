"""A second stack beside the first, in one local account: it works, and no physical name is taken twice."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from local.errors import LocalStackFailed
from local.stack.lifecycle import running_stack, up
from local.stack.ministack import free_port
from local.stack.outputs import DeployedStack
from local.stack.settings import StackSettings
from tests.support.waiting import until

SCHEDULE = {
    "Type": "AWS::Scheduler::Schedule",
    "Properties": {
        "Name": "nightly",
        "ScheduleExpression": "rate(1 day)",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {"Arn": "arn:aws:sqs:us-east-1:000000000000:q", "RoleArn": "arn:aws:iam::000000000000:role/r"},
    },
}
LOG_GROUP = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/shared"}}
RULE = {"Type": "AWS::Events::Rule", "Properties": {"Name": "shared", "EventPattern": {"source": ["assetline"]}}}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> StackSettings:
    return StackSettings(free_port(), tmp_path_factory.mktemp("stack"), wait_scale=0, rows=1, forks_functions=True)


@pytest.fixture(scope="module")
def first(settings: StackSettings) -> Iterator[DeployedStack]:
    with running_stack(settings) as stack:
        yield stack


def create(stack: DeployedStack, name: str, resource: dict[str, Any]) -> tuple[str, str]:
    """Create a stack of one resource; return its status when it is created or not, and why it failed."""
    cloudformation: Any = stack.client("cloudformation")
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": {"Named": resource}}))

    def settled() -> str | None:
        [described] = cloudformation.describe_stacks(StackName=name)["Stacks"]
        status = str(described["StackStatus"])
        return None if status.endswith("_IN_PROGRESS") else status

    status = until(settled, f"{name} is created")
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    reasons = [event["ResourceStatusReason"] for event in events if event["ResourceStatus"] == "CREATE_FAILED"]
    cloudformation.delete_stack(StackName=name)
    return status, " ".join(reasons)


@pytest.mark.parametrize("resource", [SCHEDULE, LOG_GROUP, RULE], ids=lambda resource: resource["Type"])
def test_a_physical_name_that_is_taken_is_refused(first: DeployedStack, resource: dict[str, Any]) -> None:
    cloudformation: Any = first.client("cloudformation")
    cloudformation.create_stack(StackName="one", TemplateBody=json.dumps({"Resources": {"Named": resource}}))
    cloudformation.get_waiter("stack_create_complete").wait(StackName="one", WaiterConfig={"Delay": 1})
    status, reason = create(first, "two", resource)
    assert status == "ROLLBACK_COMPLETE"
    assert f"Resource of type '{resource['Type']}'" in reason
    assert "already exists" in reason
    cloudformation.delete_stack(StackName="one")
    cloudformation.get_waiter("stack_delete_complete").wait(StackName="one", WaiterConfig={"Delay": 1})
    assert create(first, "three", resource)[0] == "CREATE_COMPLETE"


def test_a_second_stack_works_beside_the_first(first: DeployedStack, settings: StackSettings) -> None:
    second = up(replace(settings, stack_name="assetline-dev"))
    assert (second.stack_name, second.endpoint_url) == ("assetline-dev", first.endpoint_url)
    assert set(second.outputs.values()).isdisjoint(first.outputs.values())
    assert up(settings) == first
    for stack in (first, second):
        assert export(stack) == stack.outputs["ExportBucketName"]


def export(stack: DeployedStack) -> str:
    """Export a feed; return the bucket that the file is in."""
    machines: Any = stack.client("stepfunctions")
    machine = stack.outputs["ExportStateMachineArn"]
    arn = machines.start_execution(stateMachineArn=machine, input=json.dumps({"feed": "assets"}))["executionArn"]

    def ended() -> dict[str, Any] | None:
        described: dict[str, Any] = machines.describe_execution(executionArn=arn)
        return described if described["status"] != "RUNNING" else None

    described = until(ended, f"{arn} has ended")
    return str(json.loads(described["output"])["bucket"])


@pytest.mark.parametrize("name", ["", "1st", "two words", "under_score"])
def test_an_invalid_stack_name_is_refused(name: str) -> None:
    with pytest.raises(LocalStackFailed, match="Invalid stack name"):
        StackSettings(stack_name=name)
