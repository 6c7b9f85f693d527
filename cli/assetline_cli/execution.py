"""Executions of the export machine: start one, describe one, read how it ended."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Self

from botocore.exceptions import ClientError, ParamValidationError
from pydantic import BaseModel, ValidationError

from assetline_cli.errors import (
    ExecutionForeign,
    ExecutionMissing,
    StartRefused,
    VersionsApart,
    code_of,
)

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient
    from mypy_boto3_stepfunctions.type_defs import DescribeExecutionOutputTypeDef

Status = Literal["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "PENDING_REDRIVE"]

SAID_NOTHING = {
    "FAILED": "The execution failed without saying why.",
    "TIMED_OUT": "The execution ran longer than the state machine allows.",
    "ABORTED": "Somebody stopped the execution.",
}


class ExportResult(BaseModel, frozen=True):
    """The output of an execution that succeeded."""

    export_id: str
    feed: str
    bucket: str
    key: str
    manifest_key: str
    rows: int
    pages: int
    bytes: int
    turns: int
    complete: bool


class Failure(BaseModel, frozen=True):
    """Why an execution did not succeed: the name of the error, and its message alone."""

    error: str
    message: str

    @classmethod
    def from_answer(cls, status: Status, error: str | None, cause: str | None) -> Self:
        """Read what Step Functions says; a Lambda's cause is JSON with a traceback, of which the message is kept."""
        name = error or status
        try:
            told = json.loads(cause or "")
        except ValueError:
            return cls(error=name, message=cause or SAID_NOTHING.get(status, "No reason given."))
        if not isinstance(told, dict) or "errorMessage" not in told:
            return cls(error=name, message=cause or "")
        return cls(error=error or str(told.get("errorType", name)), message=str(told["errorMessage"]) or "No message.")


class Execution(BaseModel, frozen=True):
    """One look at an execution."""

    arn: str
    status: Status
    feed: str | None
    started_at: datetime
    stopped_at: datetime | None = None
    result: ExportResult | None = None
    failure: Failure | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.status not in ("RUNNING", "PENDING_REDRIVE")

    @property
    def complete(self) -> bool:
        """Whether the whole feed is in the file."""
        return self.result is not None and self.result.complete


class Executions:
    """The executions of one export machine."""

    def __init__(self, client: SFNClient, machine_arn: str) -> None:
        self._client = client
        self._machine_arn = machine_arn

    def start(self, name: str, input_: str) -> str:
        """Start an execution and return its ARN.

        Raises:
            StartRefused: the machine is gone or does not take the input.
        """
        try:
            return self._client.start_execution(stateMachineArn=self._machine_arn, name=name, input=input_)[
                "executionArn"
            ]
        except ClientError as error:
            if code_of(error) == "ExecutionAlreadyExists":
                # The name is new, so this is our own call: its answer was lost and it was sent again.
                return f"{self._machine_arn.replace(':stateMachine:', ':execution:', 1)}:{name}"
            if code_of(error) in ("StateMachineDoesNotExist", "StateMachineDeleting"):
                raise StartRefused(
                    f"The stack names the state machine {self._machine_arn}, which is gone: deploy the stack again."
                ) from error
            raise

    def describe(self, arn: str) -> Execution:
        """Look at the execution *arn*.

        Raises:
            ExecutionMissing: there is none of that ARN.
            ExecutionForeign: it is not an execution of this machine.
            VersionsApart: it succeeded, and what it returned is not an export's result.
        """
        try:
            found = self._client.describe_execution(executionArn=arn)
        except ParamValidationError as error:
            raise self._missing(arn) from error
        except ClientError as error:
            if code_of(error) in ("ExecutionDoesNotExist", "InvalidArn"):
                raise self._missing(arn) from error
            raise
        if found["stateMachineArn"] != self._machine_arn:
            raise ExecutionForeign(
                f"{arn} is an execution of {found['stateMachineArn']}, and the stack's machine is "
                f"{self._machine_arn}: name the stack it belongs to with --stack."
            )
        return _read(found)

    def _missing(self, arn: str) -> ExecutionMissing:
        return ExecutionMissing(
            f"There is no execution {arn!r} in {self._client.meta.region_name}: give the whole ARN, as "
            "`assetline export` printed it, and check AWS_REGION and AWS_PROFILE. Step Functions forgets an "
            "execution 90 days after its end."
        )


def _read(found: DescribeExecutionOutputTypeDef) -> Execution:
    status = found["status"]
    failure = None
    if status in ("FAILED", "TIMED_OUT", "ABORTED"):
        failure = Failure.from_answer(status, found.get("error"), found.get("cause"))
    return Execution(
        arn=found["executionArn"],
        status=status,
        feed=_feed(found.get("input")),
        started_at=found["startDate"],
        stopped_at=found.get("stopDate"),
        result=_result(found) if status == "SUCCEEDED" else None,
        failure=failure,
    )


def _feed(input_: str | None) -> str | None:
    # Anybody may start an execution with any input; one without a feed fails, and is shown failing.
    try:
        told: Any = json.loads(input_ or "")
    except ValueError:
        return None
    feed = told.get("feed") if isinstance(told, dict) else None
    return feed if isinstance(feed, str) and feed else None


def _result(found: DescribeExecutionOutputTypeDef) -> ExportResult:
    try:
        return ExportResult.model_validate_json(found.get("output") or "")
    except ValidationError as error:
        raise VersionsApart(
            f"The execution {found['executionArn']} succeeded, and its output is not one this version of the "
            "command can read: look at it in Step Functions, and bring the command and the stack to one version."
        ) from error
