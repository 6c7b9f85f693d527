"""An execution of the export machine that did not complete: its end, from the event or from Step Functions."""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, Self

from botocore.exceptions import ClientError
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from assetline.aws.failures import code_of
from assetline.export.open_export import OpenExportInput
from assetline.redaction import without_secrets

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

MESSAGE_CHARACTERS = 1000  # ours: the table holds a sentence, not a traceback
EXPIRED = "ExecutionExpired"
BADLY: tuple[Literal["ABORTED", "FAILED", "TIMED_OUT"], ...] = ("ABORTED", "FAILED", "TIMED_OUT")


class EndedExecution(BaseModel):
    """The detail of EventBridge's "Step Functions Execution Status Change"; `start_date` is in milliseconds.

    EventBridge delivers it at best effort. The event of a failure may lack `error` and `cause`, and a long event lacks
    `input`: `described` reads them all.
    """

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)

    execution_arn: str
    status: Literal["ABORTED", "FAILED", "TIMED_OUT"]
    start_date: int
    input: str | None = None
    error: str | None = None
    cause: str | None = None

    @classmethod
    def described(cls, machines: "SFNClient", execution_arn: str) -> Self | None:
        """Return the end of an execution, from DescribeExecution; None while it runs, or if it succeeded.

        Step Functions keeps an execution for 90 days after its end. An older one counts as failed with
        `ExecutionExpired`.
        """
        try:
            found = machines.describe_execution(executionArn=execution_arn)
        except ClientError as error:
            if code_of(error) != "ExecutionDoesNotExist":
                raise
            return cls(execution_arn=execution_arn, status="FAILED", start_date=0, error=EXPIRED)
        if found["status"] not in BADLY:
            return None
        return cls(
            execution_arn=execution_arn,
            status=found["status"],
            start_date=int(found["startDate"].timestamp() * 1000),
            input=found.get("input"),
            error=found.get("error"),
            cause=found.get("cause"),
        )

    def completed(self, machines: "SFNClient") -> Self:
        """Return the execution with the error and the input that the event omits."""
        lacks_reason = self.status == "FAILED" and self.error is None
        if self.input is not None and not lacks_reason:
            return self
        described = self.described(machines, self.execution_arn)
        if described is None or described.error == EXPIRED:
            return self
        return self.model_copy(update=described.model_dump(include={"input", "error", "cause"}))

    def request_input(self) -> dict[str, Any]:
        """Return the execution's input; {} if it is not a JSON object."""
        parsed = _json(self.input)
        return parsed if isinstance(parsed, dict) else {}

    @property
    def started_at(self) -> datetime:
        """When the execution started."""
        return datetime.fromtimestamp(self.start_date / 1000, UTC)

    def opening(self) -> OpenExportInput:
        """Return the input of Open Export in this execution."""
        return OpenExportInput(execution_arn=self.execution_arn, started_at=self.started_at, input=self.request_input())

    def message(self) -> str | None:
        """Return the error's message, without the traceback that Lambda adds."""
        cause = _json(self.cause)
        message = cause.get("errorMessage") if isinstance(cause, dict) else self.cause
        return without_secrets(str(message), MESSAGE_CHARACTERS) if message else None


def _json(text: str | None) -> Any:
    try:
        return json.loads(text or "null")
    except ValueError:
        return None
