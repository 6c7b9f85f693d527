"""Executions that ended before they opened an export: the exports table has no item of them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from assetline_cli.executions import read_execution
from assetline_cli.exports import table as states
from assetline_cli.exports.table import ExportItem

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from mypy_boto3_stepfunctions import SFNClient

    from assetline_cli.executions import Execution

STATUSES: tuple[Literal["FAILED", "TIMED_OUT", "ABORTED"], ...] = ("FAILED", "TIMED_OUT", "ABORTED")
SAME_START = timedelta(seconds=1)  # an export and its execution have one start; their notations differ
UNKNOWN_FEED = "-"  # of an execution whose input names none


def unopened(client: SFNClient, machine_arn: str, known: Collection[ExportItem], limit: int) -> Iterator[ExportItem]:
    """Yield the newest *limit* executions of each failed status that opened none of *known*, as exports without rows.

    The export ID is the name of the execution. Step Functions deletes executions 90 days after their end.
    """
    arns = {export.execution_arn for export in known}
    for status in STATUSES:
        listed = client.list_executions(stateMachineArn=machine_arn, statusFilter=status, maxResults=min(limit, 1000))
        for entry in listed["executions"]:
            if entry["executionArn"] not in arns:
                execution = read_execution(client.describe_execution(executionArn=entry["executionArn"]))
                if execution.resumes is None and not _opened(execution, known):  # a resumed export has an item
                    yield _as_export(execution)


def _opened(execution: Execution, known: Collection[ExportItem]) -> bool:
    """Return whether an export began with an execution: the execution that resumes it replaces its ARN."""
    return any(
        export.feed == execution.feed and abs(export.started_at - execution.started_at) < SAME_START for export in known
    )


def _as_export(execution: Execution) -> ExportItem:
    ended_at = execution.stopped_at or execution.started_at
    return ExportItem(
        export_id=execution.arn.rpartition(":")[2],
        feed=execution.feed or UNKNOWN_FEED,
        state=states.PARTIAL if execution.status == "ABORTED" else states.FAILED,
        execution_arn=execution.arn,
        started_at=execution.started_at,
        updated_at=ended_at,
        finished_at=ended_at,
        error=execution.failure.error if execution.failure else None,
        message=execution.failure.message if execution.failure else None,
    )
