"""An AWS account in memory, for simulations: the calls of the functions, answered as AWS answers, without a socket.

A call of boto3 ends here before any of it is serialised. A simulated world is some thirty times as fast as with
moto; `test_account.py` compares the answers of the two. A call that is not simulated raises `KeyError`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from tests.simulation import dynamodb, s3
from tests.simulation.dynamodb import Tables
from tests.simulation.refusals import Answer, Request, notify_guard, refusal
from tests.simulation.s3 import Buckets

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "STACK_NAME": "assetline-test",
}


@dataclass
class MemoryAccount:
    """The content of an account. `called` is called with the operation before each call happens.

    `executions` are those of Step Functions by ARN, as DescribeExecution describes them; None is an expired one.
    """

    called: Callable[[str], None] = lambda _: None
    tables: Tables = field(default_factory=Tables)
    buckets: Buckets = field(default_factory=Buckets)
    secrets: dict[str, str] = field(default_factory=dict)
    announced: list[dict[str, Any]] = field(default_factory=list)
    started: list[str] = field(default_factory=list)
    executions: dict[str, dict[str, Any] | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._operations: dict[str, Callable[[BaseClient, Request], Answer]] = {
            **{name: partial(operation, self.tables) for name, operation in dynamodb.OPERATIONS.items()},
            **{name: partial(operation, self.buckets) for name, operation in s3.OPERATIONS.items()},
            "CreateSecret": self._create_secret,
            "GetSecretValue": self._get_secret_value,
            "PutEvents": self._put_events,
            "StartExecution": self._start_execution,
            "DescribeExecution": self._describe_execution,
            "ListExecutions": self._list_executions,
            "CreateQueue": lambda _, __: {"QueueUrl": "https://queue/"},
            **dict.fromkeys(("CreateTable", "ChangeMessageVisibility"), lambda _, __: {}),
        }

    def empty(self) -> None:
        """Delete items, objects, uploads and executions, and forget the events."""
        self.tables.empty()
        self.buckets.empty()
        self.announced.clear()
        self.started.clear()
        self.executions.clear()

    def takes_calls(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Answer every call of boto3 from now on."""

        def call(client: BaseClient, operation: str, request: Request) -> Answer:
            self.called(operation)
            try:
                return self._operations[operation](client, request)
            except ClientError as error:
                notify_guard(client, operation, error)
                raise

        monkeypatch.setattr(BaseClient, "_make_api_call", call)

    def _create_secret(self, _: BaseClient, request: Request) -> Answer:
        arn = f"arn:aws:secretsmanager:us-east-1:123456789012:secret:{request['Name']}"
        self.secrets[arn] = request["SecretString"]
        return {"ARN": arn}

    def _get_secret_value(self, _: BaseClient, request: Request) -> Answer:
        return {"SecretString": self.secrets[request["SecretId"]]}

    def _put_events(self, _: BaseClient, request: Request) -> Answer:
        self.announced.extend(request["Entries"])
        return {"FailedEntryCount": 0}

    def _start_execution(self, _: BaseClient, request: Request) -> Answer:
        self.started.append(request["name"])
        return {"executionArn": request["name"]}

    def _describe_execution(self, client: BaseClient, request: Request) -> Answer:
        execution = self.executions.get(request["executionArn"])
        if execution is None:
            raise refusal(client, "DescribeExecution", "ExecutionDoesNotExist")
        return {"executionArn": request["executionArn"]} | execution

    def _list_executions(self, _: BaseClient, request: Request) -> Answer:
        """Return the executions of a status, the latest first."""
        listed = [
            {"executionArn": arn, "status": execution["status"], "startDate": execution["startDate"]}
            for arn, execution in self.executions.items()
            if execution is not None and request.get("statusFilter", execution["status"]) == execution["status"]
        ]
        listed.sort(key=lambda execution: execution["startDate"], reverse=True)
        return {"executions": listed}


@contextmanager
def function_environment(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Set the environment that every function reads, for longer than a test."""
    for name, value in ENVIRONMENT.items():
        patch.setenv(name, value)
    yield
