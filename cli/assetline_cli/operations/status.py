"""The state of a stack on one screen: what runs, what waits, what failed last, the session quota, the schedule."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assetline.ingest.session_permits import PREFIX as PERMIT
from assetline.ingest.sessions_table import UNFINISHED, Session
from assetline_cli.drops.table import DropsTable
from assetline_cli.executions import ExecutionFailure, Executions, failure_of
from assetline_cli.exports.list import settled
from assetline_cli.exports.table import ExportItem, ExportsReader
from assetline_cli.operations.schedule_expression import next_time
from assetline_cli.sessions.list import sessions_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from assetline_cli.context import CliContext
    from assetline_cli.stack import Stack

FAILURES_SHOWN = 5  # ours: one screen
COUNTED_DROPS = 1000  # ours: of a dataset; more show as 1,000+
SCHEDULE, FEEDS = "ExportSchedule", "ScheduledFeeds"  # parameters of the stack
PERMITS, WINDOW = "SessionsPerWindow", "SessionWindowSeconds"
MACHINES = {
    "export_feed": "ExportStateMachineArn",
    "export_feeds": "ExportFeedsStateMachineArn",
    "ingest_drops": "IngestStateMachineArn",
    "backfill_drops": "BackfillStateMachineArn",
    "download_assets": "DownloadStateMachineArn",
    "delete_assets": "DeleteStateMachineArn",
}


@dataclass(frozen=True)
class WaitingDrops:
    """The drops of a dataset that no session sends; `more` if there are more than `drops`."""

    dataset_id: str
    drops: int
    more: bool
    oldest_at: datetime


@dataclass(frozen=True)
class FailedExecution:
    """An execution that failed or timed out."""

    machine: str
    name: str
    arn: str
    stopped_at: datetime
    failure: ExecutionFailure


@dataclass(frozen=True)
class SessionQuota:
    """The ingestion sessions that Vi allows in a window, and those used; `free_at` is the next free one's time."""

    used: int
    allowed: int
    window_seconds: int
    free_at: float | None


@dataclass(frozen=True)
class ScheduleStatus:
    """The export schedule; `next_at` is None where it is unknown."""

    expression: str
    feeds: str
    next_at: datetime | None


@dataclass(frozen=True)
class StackStatus:
    """The state of a stack; `quota` is None for a stack without ingestion, `schedule` without a schedule."""

    stack: str
    stack_status: str
    exports: list[ExportItem]
    sessions: list[Session]
    waiting: list[WaitingDrops]
    failures: list[FailedExecution]
    quota: SessionQuota | None
    schedule: ScheduleStatus | None


def read_status(context: CliContext, stack: Stack) -> StackStatus:
    """Read the state of *stack*; raises as boto3 and `DropsTable` do."""
    now = context.clock.now()
    return StackStatus(
        stack=stack.name,
        stack_status=stack.status,
        exports=_running_exports(context, stack, now),
        sessions=_open_sessions(context, stack),
        waiting=_waiting_drops(context, stack),
        failures=_last_failures(context, stack),
        quota=_quota(context, stack, now),
        schedule=_schedule(stack, now),
    )


def _running_exports(context: CliContext, stack: Stack, now: datetime) -> list[ExportItem]:
    executions = Executions(context.aws.stepfunctions, stack.machine_arn)
    exports = settled(ExportsReader(context.aws.table(stack.table)).all(), executions, now)
    return sorted((export for export in exports if export.running), key=lambda export: export.started_at)


def _open_sessions(context: CliContext, stack: Stack) -> list[Session]:
    if stack.ingests is None:
        return []
    sessions = sessions_of(context.aws.table(stack.ingests.sessions_table))
    return sorted(
        (session for session in sessions if session.state in UNFINISHED), key=lambda session: session.opened_at
    )


def _waiting_drops(context: CliContext, stack: Stack) -> list[WaitingDrops]:
    if stack.ingests is None:
        return []
    drops = DropsTable.of(context, stack)
    found = []
    for dataset_id in drops.datasets():
        oldest = drops.oldest_waiting(dataset_id, COUNTED_DROPS + 1)
        if oldest:
            number = min(len(oldest), COUNTED_DROPS)
            found.append(WaitingDrops(dataset_id, number, len(oldest) > COUNTED_DROPS, oldest[0].dropped_at))
    return sorted(found, key=lambda waiting: waiting.oldest_at)


def _last_failures(context: CliContext, stack: Stack) -> list[FailedExecution]:
    return heapq.nlargest(FAILURES_SHOWN, _failures(context, stack), key=lambda failed: failed.stopped_at)


def _failures(context: CliContext, stack: Stack) -> Iterator[FailedExecution]:
    client = context.aws.stepfunctions
    for machine, output in MACHINES.items():
        if not (arn := stack.outputs.get(output)):
            continue
        for status in ("FAILED", "TIMED_OUT"):
            listed = client.list_executions(stateMachineArn=arn, statusFilter=status, maxResults=FAILURES_SHOWN)
            for execution in listed["executions"]:
                described = client.describe_execution(executionArn=execution["executionArn"])
                if failure := failure_of(described):
                    stopped_at = described.get("stopDate", described["startDate"])
                    yield FailedExecution(machine, execution["name"], execution["executionArn"], stopped_at, failure)


def _quota(context: CliContext, stack: Stack, now: datetime) -> SessionQuota | None:
    allowed, window = stack.parameters.get(PERMITS), stack.parameters.get(WINDOW)
    if stack.ingests is None or not allowed or not window:
        return None
    table = context.aws.table(stack.ingests.sessions_table)
    keys = [f"{PERMIT}{number}" for number in range(int(allowed))]
    items: list[Any] = [table.get_item(Key={"session_key": key}).get("Item", {}) for key in keys]
    taken = sorted(at for item in items if (at := float(item.get("free_at", 0))) > now.timestamp())
    return SessionQuota(len(taken), int(allowed), int(window), taken[0] if len(taken) == int(allowed) else None)


def _schedule(stack: Stack, now: datetime) -> ScheduleStatus | None:
    if not (expression := stack.parameters.get(SCHEDULE)):
        return None
    return ScheduleStatus(expression, stack.parameters.get(FEEDS, ""), next_time(expression, now))
