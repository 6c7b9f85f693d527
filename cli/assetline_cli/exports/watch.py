"""One execution followed to its end: looked at, shown, summed up, and its file brought here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetline_cli.context import COMPLETE, FAILED, INTERRUPTED, Desk
from assetline_cli.errors import CommandFailed
from assetline_cli.executions import Executions, ExportResult
from assetline_cli.exports.download import download
from assetline_cli.exports.progress_view import view_on
from assetline_cli.exports.snapshot import Snapshot, Watch
from assetline_cli.exports.stop import Stopping, leftover_lines
from assetline_cli.exports.summary import Summary, print_failure, print_summary
from assetline_cli.exports.table import Exports
from assetline_cli.exports.watch_loop import Watching
from assetline_cli.suggested_commands import resume_command, watch_command

if TYPE_CHECKING:
    from pathlib import Path

    from assetline_cli.item import ExportItem
    from assetline_cli.stack import Stack

# After these the same parts cannot be gone on with, or would lead to the same end.
START_ANEW = frozenset(
    {
        "ExportLost",
        "InvalidInput",
        "NotResumable",
        "PartsExhausted",
        "PartsMismatch",
        "RepeatedCursor",
        "StagedGone",
    }
)


def follow(desk: Desk, stack: Stack, arn: str, to: Path | None, *, just_started: bool = False) -> int:
    """Show the execution *arn* to its end and return the exit status of the command."""
    again = watch_command(arn, stack.name, to)
    last = _watching(desk, stack, arn, again, just_started=just_started).see_through(desk)
    if last.execution.result is None:
        return _sum_up_failure(desk, last, stack)
    try:
        return _sum_up(desk, last, last.execution.result, to)
    except KeyboardInterrupt:
        desk.complain(f"\nDownload stopped. Fetch the file again: {again}")
        return INTERRUPTED


def stopping_of(desk: Desk, stack: Stack, arn: str) -> Stopping:
    """Return what stops the execution *arn*."""
    executions = Executions(desk.aws.stepfunctions, stack.machine_arn)
    exports = Exports(desk.aws.table(stack.table))

    def items() -> list[ExportItem]:
        item = exports.progress_of(executions.describe(arn))
        return [item] if item else []

    return Stopping(executions, arn, items, desk.clock)


def _watching(desk: Desk, stack: Stack, arn: str, again: str, *, just_started: bool) -> Watching[Snapshot]:
    executions = Executions(desk.aws.stepfunctions, stack.machine_arn)
    watch = Watch(executions, Exports(desk.aws.table(stack.table)), desk.clock)
    return Watching(
        looks=lambda: watch.snapshots(arn, just_started=just_started),
        view=lambda: view_on(desk.out, desk.clock),
        stopping=stopping_of(desk, stack, arn),
        again=again,
    )


def _sum_up(desk: Desk, last: Snapshot, result: ExportResult, to: Path | None) -> int:
    seconds = last.elapsed_seconds(desk.clock.now())
    summary = Summary(result, seconds, resumed=last.execution.resumes is not None)
    downloaded: list[Path] = []
    failure: CommandFailed | None = None
    if to is not None:
        try:
            downloaded = download(desk.aws.s3, result, to, desk.out)
        except CommandFailed as error:  # the export is done all the same, and its summary comes first
            failure = error
    print_summary(desk.out, summary, downloaded)
    if failure:
        raise failure
    return COMPLETE if result.complete else FAILED


def _sum_up_failure(desk: Desk, last: Snapshot, stack: Stack) -> int:
    if last.execution.failure:
        print_failure(desk.err, last, last.execution.failure, _what_is_left(last, stack))
    return FAILED


def _what_is_left(last: Snapshot, stack: Stack) -> list[str]:
    """Return how to go on with an export that has been opened."""
    item, failure = last.progress, last.execution.failure
    if item is None or failure is None:
        return []
    if last.execution.status == "ABORTED":
        return leftover_lines([item])
    lost = failure.error in START_ANEW or not item.opened
    return [] if lost else [f"Resume it: {resume_command(item.export_id, stack.name)}"]
