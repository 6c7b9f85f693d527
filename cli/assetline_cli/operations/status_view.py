"""Print the state of a stack."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from assetline_cli.operations.status import StackStatus, read_status
from assetline_cli.sessions.list import INTERNAL, seconds_of
from assetline_cli.stack import find_stack
from assetline_cli.suggested_commands import drops_command
from assetline_cli.terminal.formatting import age, count, count_of, duration, rows_of, rows_rate
from assetline_cli.terminal.output import print_json, print_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from assetline_cli.context import CliContext
    from assetline_cli.exports.table import ExportItem
    from assetline_cli.operations.status import FailedExecution, SessionQuota

MESSAGE_CHARACTERS = 160  # ours: of a failure, so that it fits two lines; `assetline exports watch` prints all


def print_status(context: CliContext, stack_name: str, *, json: bool) -> None:
    """Print what runs, what waits, what failed last, the session quota and the next schedule."""
    stack = find_stack(context.aws.cloudformation, stack_name)
    status, now = read_status(context, stack), context.clock.now()
    if json:
        print_json(context.out, as_json(status))
        return
    print_line(context.out, f"Stack {status.stack}: {status.stack_status}", "bold")
    for heading, lines in sections(status, now):
        print_line(context.out, heading, "bold")
        for line in lines:
            print_line(context.out, f"  {line}")


def sections(status: StackStatus, now: datetime) -> Iterator[tuple[str, list[str]]]:
    """Yield the headings of the screen, with their lines."""
    running = [_export_line(export, now) for export in status.exports]
    running += [
        f"session {session.session_key}: {count_of(session.total, 'drop')}, {session.state} for "
        f"{duration(seconds_of(session, now))}"
        for session in status.sessions
    ]
    yield "Running", running or ["nothing"]
    yield "Waiting", [*_waiting_lines(status, now)] or ["nothing"]
    yield (
        "Last failures",
        [line for failed in status.failures for line in _failure_lines(failed, now)] or ["none"],
    )
    if status.quota:
        yield "Session quota", [_quota_line(status.quota, now)]
    yield "Next scheduled export", [_schedule_line(status, now)]


def _export_line(export: ExportItem, now: datetime) -> str:
    noun = rows_of(export.feed)
    if export.silent(now):
        minutes = age((now - export.updated_at).total_seconds())
        return f"{export.export_id}: {count(export.rows)} {noun}, no update for {minutes}"
    figures = [f"{count(export.rows)} {noun}"]
    if export.rows_per_second:
        figures.append(f"{rows_rate(export.rows_per_second)} rows/s")
    if export.pause_seconds:
        figures.append(f"the feed requested a pause of {duration(export.pause_seconds)}")
    if export.eta_seconds is not None:
        figures.append(f"ETA {duration(export.eta_seconds)}")
    return f"{export.export_id}: {', '.join(figures)}"


def _waiting_lines(status: StackStatus, now: datetime) -> Iterator[str]:
    for waiting in status.waiting:
        number = f"{count(waiting.drops)}+ drops" if waiting.more else count_of(waiting.drops, "drop")
        yield f"{waiting.dataset_id}: {number}, the oldest for {age((now - waiting.oldest_at).total_seconds())}"
    if status.waiting:
        yield f"List them: {drops_command(status.stack, state='dropped')}"


def _failure_lines(failed: FailedExecution, now: datetime) -> Iterator[str]:
    message = failed.failure.message
    if len(message) > MESSAGE_CHARACTERS:
        message = f"{message[:MESSAGE_CHARACTERS]}…"
    ago = age((now - failed.stopped_at).total_seconds())
    yield f"{ago} ago, {failed.machine} {failed.name}"
    yield f"  {failed.failure.error}: {message}"


def _quota_line(quota: SessionQuota, now: datetime) -> str:
    window = duration(quota.window_seconds)
    line = f"{quota.used} of {quota.allowed} sessions used in the last {window}"
    if quota.free_at is None:
        return line
    return f"{line}; the next one is free in {duration(max(0.0, quota.free_at - now.timestamp()))}"


def _schedule_line(status: StackStatus, now: datetime) -> str:
    if status.schedule is None:
        return "none. Set one: sam deploy --parameter-overrides ExportSchedule='cron(0 3 * * ? *)'"
    schedule = status.schedule
    what = f"{schedule.feeds}, {schedule.expression}"
    if schedule.next_at is None:
        return what
    wait = age((schedule.next_at - now).total_seconds())
    return f"{schedule.next_at:%Y-%m-%d %H:%M} UTC, in {wait} ({what})"


def as_json(status: StackStatus) -> dict[str, Any]:
    """Return the state as a JSON object; times are in ISO 8601."""
    quota, schedule = status.quota, status.schedule
    return {
        "stack": status.stack,
        "stack_status": status.stack_status,
        "running_exports": [export.model_dump(mode="json", exclude_none=True) for export in status.exports],
        "open_sessions": [
            session.model_dump(mode="json", exclude_none=True, exclude=INTERNAL) for session in status.sessions
        ],
        "waiting_drops": [
            {
                "dataset_id": waiting.dataset_id,
                "drops": waiting.drops,
                "more": waiting.more,
                "oldest_at": _iso(waiting.oldest_at),
            }
            for waiting in status.waiting
        ],
        "last_failures": [
            {
                "machine": failed.machine,
                "name": failed.name,
                "execution_arn": failed.arn,
                "stopped_at": _iso(failed.stopped_at),
                "error": failed.failure.error,
                "message": failed.failure.message,
            }
            for failed in status.failures
        ],
        "session_quota": None if quota is None else asdict(quota) | {"free_at": _iso_of(quota.free_at)},
        "schedule": None
        if schedule is None
        else {
            "expression": schedule.expression,
            "feeds": schedule.feeds,
            "next_at": None if schedule.next_at is None else _iso(schedule.next_at),
        },
    }


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _iso_of(timestamp: float | None) -> str | None:
    return None if timestamp is None else _iso(datetime.fromtimestamp(timestamp, UTC))
