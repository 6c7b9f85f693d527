"""Executions of a machine: start one, stop one, describe one, read how it ended."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, Self

from botocore.exceptions import ClientError, ParamValidationError
from pydantic import BaseModel, ValidationError

from assetline.execution_input import parent_of
from assetline.export.export_result import ExportResult
from assetline.export.request import called_after
from assetline.redaction import without_secrets
from assetline_cli.aws_errors import MESSAGE_CHARACTERS, code_of
from assetline_cli.errors import CommandFailed, ExecutionMissing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_stepfunctions import SFNClient
    from mypy_boto3_stepfunctions.type_defs import DescribeExecutionOutputTypeDef

NAME_CHARS = 80  # Step Functions: the longest execution name
FEEDS_SUBJECT = "feeds"  # begins the names of executions that export several feeds
NAME_TAIL = len("-20261121-003012-1a2b")

Status = Literal["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "PENDING_REDRIVE"]

DEFAULT_MESSAGES = {
    "FAILED": "The execution failed without a reason.",
    "TIMED_OUT": "The execution ran longer than the state machine allows.",
    "ABORTED": "The execution was stopped.",
}


def has_ended(status: Status) -> bool:
    """Return whether an execution of that status has ended."""
    return status not in ("RUNNING", "PENDING_REDRIVE")


class ExportOutput(ExportResult, frozen=True):
    """The output of an execution that succeeded; the changes are present where they were requested."""

    changes_key: str | None = None
    added: int | None = None
    changed: int | None = None
    removed: int | None = None
    changes_error: str | None = None


class ExecutionFailure(BaseModel, frozen=True):
    """The error of an execution: its name and its message, without a traceback."""

    error: str
    message: str

    @classmethod
    def from_answer(cls, status: Status, error: str | None, cause: str | None) -> Self:
        """Read an error of Step Functions; from a Lambda's cause, which is JSON, only the message is kept."""
        name = error or status
        try:
            answer = json.loads(cause or "")
        except ValueError:
            message = without_secrets(cause or "", MESSAGE_CHARACTERS)
            return cls(error=name, message=message or DEFAULT_MESSAGES.get(status, "No reason given."))
        if not isinstance(answer, dict) or "errorMessage" not in answer:
            return cls(error=name, message=without_secrets(cause or "", MESSAGE_CHARACTERS))
        message = without_secrets(str(answer["errorMessage"]), MESSAGE_CHARACTERS)
        return cls(error=error or str(answer.get("errorType", name)), message=message or "No message.")


class Execution(BaseModel, frozen=True):
    """One observation of an execution; `resumes` is the export that it resumes, if any."""

    arn: str
    status: Status
    feed: str | None
    resumes: str | None = None
    started_at: datetime
    stopped_at: datetime | None = None
    result: ExportOutput | None = None
    failure: ExecutionFailure | None = None

    @property
    def ended(self) -> bool:
        """Whether the execution has ended."""
        return has_ended(self.status)

    @property
    def complete(self) -> bool:
        """Whether the file has all rows of the feed."""
        return self.result is not None and self.result.complete


class Executions:
    """The executions of one machine."""

    def __init__(self, client: SFNClient, machine_arn: str) -> None:
        self._client = client
        self._machine_arn = machine_arn

    def start(self, name: str, input_: str) -> str:
        """Start an execution and return its ARN.

        Raises:
            CommandFailed: the machine does not exist or refuses the input.
        """
        try:
            return self._client.start_execution(stateMachineArn=self._machine_arn, name=name, input=input_)[
                "executionArn"
            ]
        except ClientError as error:
            if code_of(error) == "ExecutionAlreadyExists":
                # The name is new, so this call started it: the answer was lost, and boto3 sent the request again.
                return f"{self._machine_arn.replace(':stateMachine:', ':execution:', 1)}:{name}"
            if code_of(error) in ("StateMachineDoesNotExist", "StateMachineDeleting"):
                raise CommandFailed(
                    f"State machine {self._machine_arn} of the stack does not exist. Redeploy the stack."
                ) from error
            raise

    def running_children(self, parent_arn: str) -> Iterator[str]:
        """Yield the ARNs of the running executions that *parent_arn* started, whether they have an export or not."""
        pages = self._client.get_paginator("list_executions").paginate(
            stateMachineArn=self._machine_arn, statusFilter="RUNNING"
        )
        for page in pages:
            for entry in page["executions"]:
                found = self._client.describe_execution(executionArn=entry["executionArn"])
                if found["status"] == "RUNNING" and parent_of(input_of(found)) == parent_arn:
                    yield entry["executionArn"]

    def stop(self, arn: str, cause: str) -> None:
        """Stop the execution *arn*; an ended one is unchanged; raises `ExecutionMissing`."""
        with self._named(arn):
            self._client.stop_execution(executionArn=arn, cause=cause)

    def describe(self, arn: str) -> Execution:
        """Describe the execution *arn* of the machine that exports one feed.

        Raises:
            ExecutionMissing: no execution has that ARN.
            CommandFailed: it is of another machine, or its output is of another version.
        """
        return read_execution(self.described(arn))

    def described(self, arn: str) -> DescribeExecutionOutputTypeDef:
        """Return the description of the execution *arn* by Step Functions.

        Raises:
            ExecutionMissing: no execution has that ARN.
            CommandFailed: it is of another machine.
        """
        with self._named(arn):
            found = self._client.describe_execution(executionArn=arn)
        if found["stateMachineArn"] != self._machine_arn:
            raise CommandFailed(
                f"{arn} is an execution of another state machine, {found['stateMachineArn']}. Name its stack "
                "with --stack."
            )
        return found

    @contextmanager
    def _named(self, arn: str) -> Iterator[None]:
        try:
            yield
        except ParamValidationError as error:
            raise self._missing(arn) from error
        except ClientError as error:
            if code_of(error) in ("ExecutionDoesNotExist", "InvalidArn"):
                raise self._missing(arn) from error
            raise

    def _missing(self, arn: str) -> ExecutionMissing:
        return ExecutionMissing(
            f"Execution {arn!r} does not exist in {self._client.meta.region_name}. Give the complete ARN, "
            "as `assetline exports start` prints it, and check AWS_REGION and AWS_PROFILE. Step Functions "
            "deletes executions 90 days after their end."
        )


def read_execution(found: DescribeExecutionOutputTypeDef) -> Execution:
    """Return an execution of the machine that exports one feed; raises as `read_output`."""
    input_object = input_of(found)
    return Execution(
        arn=found["executionArn"],
        status=found["status"],
        feed=called_after(input_object),
        resumes=_text(input_object.get("resume")),
        started_at=found["startDate"],
        stopped_at=found.get("stopDate"),
        result=read_output(found, ExportOutput),
        failure=failure_of(found),
    )


def input_of(found: DescribeExecutionOutputTypeDef) -> dict[str, Any]:
    """Return the input of an execution, empty if it is not an object: executions may have any input."""
    try:
        answer: Any = json.loads(found.get("input") or "")
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def failure_of(found: DescribeExecutionOutputTypeDef) -> ExecutionFailure | None:
    """Return the failure of an ended execution, or None if it succeeded or runs."""
    status = found["status"]
    if status not in ("FAILED", "TIMED_OUT", "ABORTED"):
        return None
    return ExecutionFailure.from_answer(status, found.get("error"), found.get("cause"))


def read_output[Output: BaseModel](found: DescribeExecutionOutputTypeDef, model: type[Output]) -> Output | None:
    """Return the output of an execution that succeeded, or None of any other.

    Raises:
        CommandFailed: it is not a *model*.
    """
    if found["status"] != "SUCCEEDED":
        return None
    try:
        return model.model_validate_json(found.get("output") or "")
    except ValidationError as error:
        raise CommandFailed(
            f"This version of the command cannot read the output of execution {found['executionArn']}. "
            "Use one version for the command and the stack."
        ) from error


def _text(answer: Any) -> str | None:
    return answer if isinstance(answer, str) and answer else None


def execution_name(subject: str, at: datetime, tag: str) -> str:
    """Return a name with subject and time, for the list of executions; *tag* makes it unique."""
    subject = re.sub(r"[^A-Za-z0-9_-]+", "-", subject)[: NAME_CHARS - NAME_TAIL]
    return f"{subject}-{at.astimezone(UTC):%Y%m%d-%H%M%S}-{tag}"
