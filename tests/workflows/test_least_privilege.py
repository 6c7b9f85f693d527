"""Each function's role may make the calls of its row, and is refused all others, on a stack that enforces IAM."""

import json
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local.stack.outputs import DeployedStack
from tests.support.least_privilege import MAY, calls
from tests.workflows.probe_function import probe_function

RETURN_CREDENTIALS = """
import os

def lambda_handler(event, context):
    return {
        "aws_access_key_id": os.environ["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": os.environ["AWS_SECRET_ACCESS_KEY"],
        "aws_session_token": os.environ["AWS_SESSION_TOKEN"],
    }
"""
AT_ONCE = Config(retries={"total_max_attempts": 1})  # a client repeats a call whose digest is wrong, after pauses
DENIED = {"AccessDenied", "AccessDeniedException"}


@pytest.fixture(scope="module")
def roles(stack: DeployedStack) -> dict[str, str]:
    """Return the ARN of the role of each deployed function, by its name, which has the logical ID in it."""
    lambdas: Any = stack.client("lambda")
    deployed = lambdas.list_functions(MaxItems=1000)["Functions"]
    return {found["FunctionName"]: found["Role"] for found in deployed}


def granted(stack: DeployedStack, credentials: dict[str, str]) -> set[str]:
    """Return the names of the calls that are not refused to the owner of *credentials*."""
    clients: dict[str, Any] = {}
    connection = stack.connection | credentials | {"config": stack.connection["config"].merge(AT_ONCE)}
    found = set()
    for name, (service, method, arguments) in calls(stack.outputs).items():
        if service not in clients:
            clients[service] = boto3.client(service, **connection)  # type: ignore[call-overload]
        try:
            getattr(clients[service], method)(**arguments)
        except ClientError as error:
            if error.response["Error"]["Code"] in DENIED:
                continue
        found.add(name)
    return found


@pytest.mark.parametrize("function", MAY)
def test_a_role_may_make_the_calls_of_its_row_only(
    stack: DeployedStack, roles: dict[str, str], function: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (role,) = [role for name, role in roles.items() if f"-{function}-" in name]
    folder = tmp_path_factory.mktemp(function)
    with probe_function(stack, folder, RETURN_CREDENTIALS, role=role) as probe:
        answer = stack.client("lambda").invoke(FunctionName=probe)
        assert granted(stack, json.loads(answer["Payload"].read())) == MAY[function]
