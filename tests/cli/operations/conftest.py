"""The account whose stack is diagnosed: answers of AWS by operation; a test may replace each."""

import json
from dataclasses import dataclass, field
from email.utils import format_datetime
from types import SimpleNamespace
from typing import Any

import pytest

from tests.cli.account import MACHINE, OUTPUTS, REGION, STARTED, Account
from tests.cli.drops.drop_account import DropAccount

ARN = f"arn:aws:secretsmanager:{REGION}:123456789012:secret"
QUEUE = f"https://sqs.{REGION}.amazonaws.com/123456789012/dead"
TOPIC = f"arn:aws:sns:{REGION}:123456789012:alarms"


@dataclass
class OperatedStack:
    """The stack of an operator; `answers` are those of AWS, by operation, or errors as `(status, code)`."""

    account: Account
    drops: DropAccount
    answers: dict[str, Any] = field(default_factory=dict)
    executions: list[dict[str, Any]] = field(default_factory=list)
    log: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        account = self.account
        account.stacks["assetline"] = account.stacks["assetline"] | {
            "SafetyCultureSecretArn": f"{ARN}:token",
            "ViSecretArn": f"{ARN}:key",
            "DropDeadLetterQueueUrl": QUEUE,
            "SalvageDeadLetterQueueUrl": QUEUE,
        }
        account.parameters |= {
            "SafetyCultureApiUrl": "http://127.0.0.1:9",
            "ViApiUrl": "http://127.0.0.1:9",
            "SessionsPerWindow": "5",
            "SessionWindowSeconds": "300",
            "RecordDropConcurrency": "5",
            "AlarmEmail": "ops@example.com",
        }
        self.answers |= {
            "GetCallerIdentity": {"Arn": "arn:aws:iam::123456789012:user/ops", "Account": "123456789012"},
            "DescribeSecret": {"ARN": f"{ARN}:token", "LastChangedDate": STARTED},
            "GetSecretValue": {"SecretString": "scapi_token"},
            "GetAccountSettings": {"AccountLimit": {"ConcurrentExecutions": 1000}},
            "DescribeAlarms": {"MetricAlarms": []},
            "GetQueueAttributes": {"Attributes": {"ApproximateNumberOfMessages": "0"}},
        }
        events = account.session.events
        for service in ("sts", "secretsmanager", "lambda", "cloudwatch", "sqs", "sns", "scheduler"):
            events.register(f"before-call.{service}", self._answer)
        events.register("before-call.logs.FilterLogEvents", self._filter_log_events)
        events.register_first("before-call.sfn.ListExecutions", self._list_executions)
        events.register_first("before-call.sfn.DescribeExecution", self._describe_execution)

    def fails(self, name: str, error: str, message: str, feed: str = "assets") -> None:
        """Let an execution of the export machine have failed before it opened an export."""
        arn = f"{MACHINE.replace(':stateMachine:', ':execution:')}:{name}"
        self.executions.append(
            {
                "executionArn": arn,
                "stateMachineArn": MACHINE,
                "name": name,
                "status": "FAILED",
                "startDate": STARTED,
                "stopDate": STARTED,
                "input": json.dumps({"feed": feed}),
                "error": error,
                "cause": json.dumps({"errorType": error, "errorMessage": message}),
            }
        )

    def writes(self, function: str, event: str, **fields: Any) -> None:
        """Let a function write a line of its log."""
        at = self.account.now
        line = {"level": "INFO", "message": event, "timestamp": f"{at:%Y-%m-%d %H:%M:%S},000+0000"} | fields
        self.log.setdefault(function, []).append(
            {
                "timestamp": int(at.timestamp() * 1000),
                "message": json.dumps(line),
                "eventId": f"{function}{len(self.log)}",
            }
        )

    def _answer(self, model: Any, **_: object) -> Any:
        answer = self.answers.get(model.name)
        if answer is None:
            return None
        if isinstance(answer, tuple):
            status, code = answer
            return answered({"Error": {"Code": code, "Message": f"{code}."}}, status)
        date = {"date": format_datetime(self.account.now, usegmt=True)}
        return answered(answer, headers=date)

    def _list_executions(self, params: dict[str, Any], **_: object) -> Any:
        request = json.loads(params["body"])
        found = [
            execution
            for execution in self.executions
            if execution["stateMachineArn"] == request["stateMachineArn"]
            and execution["status"] == request.get("statusFilter", execution["status"])
        ]
        names = ("executionArn", "stateMachineArn", "name", "status", "startDate", "stopDate")
        return answered({"executions": [{name: each[name] for name in names} for each in found]})

    def _describe_execution(self, params: dict[str, Any], **_: object) -> Any:
        arn = json.loads(params["body"])["executionArn"]
        return next((answered(each) for each in self.executions if each["executionArn"] == arn), None)

    def _filter_log_events(self, params: dict[str, Any], **_: object) -> Any:
        request = json.loads(params["body"])
        function = request["logGroupName"].rpartition("/")[2]
        if function not in self.log:
            error = {"Code": "ResourceNotFoundException", "Message": "The specified log group does not exist."}
            return answered({"Error": error}, 400)
        term = request["filterPattern"].strip('"')
        return answered({"events": [event for event in self.log[function] if term in event["message"]]})


def answered(answer: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> Any:
    metadata = {"HTTPStatusCode": status, "HTTPHeaders": headers or {}}
    return SimpleNamespace(status_code=status), answer | {"ResponseMetadata": metadata}


@pytest.fixture
def stack(account: Account) -> OperatedStack:
    assert account.stacks["assetline"] == OUTPUTS
    return OperatedStack(account, DropAccount(account))
