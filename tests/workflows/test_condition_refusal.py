"""The local IAM evaluates conditions on what PutEvents carries, as IAM does."""

import json
from pathlib import Path
from typing import Any

import pytest

from local.stack.outputs import DeployedStack
from tests.workflows.probe_function import probe_function
from tests.workflows.probe_role import allow, probe_role

PUT_EVENTS = """
import boto3
from botocore.exceptions import ClientError

def lambda_handler(event, context):
    entries = [{"Source": source, "DetailType": "Test", "Detail": "{}"} for source in event["sources"]]
    try:
        return {"failed": boto3.client("events").put_events(Entries=entries)["FailedEntryCount"]}
    except ClientError as error:
        return {"refused": error.response["Error"]["Code"]}
"""
TAKEN, DENIED = {"failed": 0}, {"refused": "AccessDeniedException"}


def put(stack: DeployedStack, function: str, *sources: str) -> Any:
    lambdas: Any = stack.client("lambda")
    answer = lambdas.invoke(FunctionName=function, Payload=json.dumps({"sources": sources}))
    return json.loads(answer["Payload"].read())


def role_of(stack: DeployedStack, function: str) -> str:
    """Return the ARN of the role that the template gives to a function."""
    roles: Any = stack.client("iam")
    return str(next(role["Arn"] for role in roles.list_roles()["Roles"] if f"-{function}Role" in role["RoleName"]))


@pytest.mark.parametrize("function", ["CloseExportFunction", "SalvageExportFunction", "SettleSessionFunction"])
def test_a_function_puts_events_of_its_own_source_only(stack: DeployedStack, function: str, tmp_path: Path) -> None:
    with probe_function(stack, tmp_path, PUT_EVENTS, role=role_of(stack, function)) as probe:
        assert put(stack, probe, "assetline") == TAKEN
        assert put(stack, probe, "another") == DENIED
        assert put(stack, probe, "assetline", "another") == DENIED


def test_a_set_operator_compares_every_entry(stack: DeployedStack, tmp_path: Path) -> None:
    condition = {"ForAllValues:StringEquals": {"events:source": "assetline"}}
    with (
        probe_role(stack, allow("events:PutEvents", Condition=condition)) as role,
        probe_function(stack, tmp_path, PUT_EVENTS, role=role) as probe,
    ):
        assert put(stack, probe, "assetline") == TAKEN
        assert put(stack, probe, "assetline", "assetline") == TAKEN
        assert put(stack, probe, "assetline", "another") == DENIED


def test_an_operator_for_one_value_denies_two_entries(stack: DeployedStack, tmp_path: Path) -> None:
    condition = {"StringEquals": {"events:source": "assetline"}}
    with (
        probe_role(stack, allow("events:PutEvents", Condition=condition)) as role,
        probe_function(stack, tmp_path, PUT_EVENTS, role=role) as probe,
    ):
        assert put(stack, probe, "assetline") == TAKEN
        assert put(stack, probe, "assetline", "assetline") == DENIED
