"""Watch executions to their end, print their results, and download their files."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from assetline_cli.context import CliContext
from assetline_cli.errors import CommandFailed
from assetline_cli.executions import Executions, ExportOutput
from assetline_cli.exit_codes import COMPLETE, FAILED, INTERRUPTED
from assetline_cli.exports.download import download
from assetline_cli.exports.names import execution_arn_of, execution_name_of
from assetline_cli.exports.progress_view import ExportDisplay
from assetline_cli.exports.progress_view_many import FeedsDisplay
from assetline_cli.exports.result import result_of
from assetline_cli.exports.snapshot import ExportWatcher, FeedsSnapshot, FeedsWatcher, Snapshot
from assetline_cli.exports.stop import export_stopper, feeds_stopper, leftover_lines
from assetline_cli.exports.summary import (
    NOT_RESUMABLE,
    ExportSummary,
    feeds_headline,
    feeds_lines,
    print_block,
    print_failure,
    print_summary,
)
from assetline_cli.exports.table import ExportsReader
from assetline_cli.exports.watch_loop import WatchLoop
from assetline_cli.filesystem import ready_folder
from assetline_cli.stack import find_stack
from assetline_cli.suggested_commands import (
    console_link,
    doctor_command,
    export_command,
    logs_command,
    resume_command,
    watch_command,
)
from assetline_cli.terminal.output import print_json
from assetline_cli.terminal.progress_bar import view_on

if TYPE_CHECKING:
    from pathlib import Path

    from assetline_cli.exports.table import ExportItem
    from assetline_cli.stack import Stack


def watch_export(context: CliContext, stack: Stack, arn: str, to: Path | None, *, just_started: bool = False) -> int:
    """Show the execution *arn* to its end and return the exit status of the command."""
    command = watch_command(execution_name_of(arn), stack.name, to)
    last = _watching(context, stack, arn, command, just_started=just_started).run(context)
    if last.execution.result is None:
        return _sum_up_failure(context, last, stack)
    try:
        return _sum_up(context, last, last.execution.result, to, stack.name)
    except KeyboardInterrupt:
        context.print_message(f"\nDownload stopped. Run it again: {command}")
        return INTERRUPTED


def _watching(context: CliContext, stack: Stack, arn: str, command: str, *, just_started: bool) -> WatchLoop[Snapshot]:
    executions = Executions(context.aws.stepfunctions, stack.machine_arn)
    watch = ExportWatcher(executions, ExportsReader(context.aws.table(stack.table)), context.clock)
    return WatchLoop(
        looks=lambda: watch.snapshots(arn, just_started=just_started),
        view=lambda: view_on(context.out, ExportDisplay(context.out, context.clock)),
        stopping=export_stopper(context, stack, arn),
        command=command,
    )


def _sum_up(context: CliContext, last: Snapshot, result: ExportOutput, to: Path | None, stack: str) -> int:
    seconds = last.elapsed_seconds(context.clock.now())
    summary = ExportSummary(
        result, seconds, resumed=last.execution.resumes is not None, shrunk_from=_shrunk_from(last.progress)
    )
    downloaded: list[Path] = []
    failure: CommandFailed | None = None
    if to is not None:
        try:
            downloaded = download(context.aws.s3, result, to, context.out)
        except CommandFailed as error:  # the export is complete nevertheless, and its summary comes first
            failure = error
    print_summary(context.out, summary, downloaded, stack)
    if failure:
        raise failure
    return COMPLETE if result.complete else FAILED


def _shrunk_from(item: ExportItem | None) -> tuple[int, str] | None:
    """Return the rows and the ID of the last complete export, if *item* has far fewer rows."""
    if item is None or item.rows_before is None or item.export_id_before is None:
        return None
    return item.rows_before, item.export_id_before


def _sum_up_failure(context: CliContext, last: Snapshot, stack: Stack) -> int:
    if last.execution.failure:
        print_failure(context.err, last, last.execution.failure, [*_link(context, last), *_next_commands(last, stack)])
    return FAILED


def _link(context: CliContext, last: Snapshot) -> list[str]:
    """Return a link to the execution in the AWS console; an endpoint of the operator's own has none."""
    if context.aws.has_own_endpoint:
        return []
    return [f"In the console: {console_link(last.execution.arn, last.execution.arn.split(':')[3])}"]


def _next_commands(last: Snapshot, stack: Stack) -> list[str]:
    """Return the next commands for an export that has failed or was stopped."""
    item, failure = last.progress, last.execution.failure
    if failure is None or (item is None and last.execution.status == "ABORTED"):
        return []
    if item is None:
        return [f"Check the stack: {doctor_command(stack.name)}"]
    if last.execution.status == "ABORTED":
        return leftover_lines([item])
    lines = [f"See its log: {logs_command(item.export_id, stack.name)}"]
    if failure.error in NOT_RESUMABLE or not item.opened:
        return [*lines, f"Start a new export: {export_command(item.feed, stack.name)}"]
    return [*lines, f"Resume it, after the cause is fixed: {resume_command(item.export_id, stack.name)}"]


def watch_feeds(context: CliContext, stack: Stack, arn: str, to: Path | None, *, just_started: bool = False) -> int:
    """Show the execution *arn* to its end and return the exit status: 0 only if every feed is complete."""
    executions = Executions(context.aws.stepfunctions, stack.machine_of_feeds())
    exports = ExportsReader(context.aws.table(stack.table))
    watch = FeedsWatcher(executions, exports, context.clock)
    command = watch_command(execution_name_of(arn), stack.name, to)
    last = WatchLoop(
        looks=lambda: watch.snapshots(arn, just_started=just_started),
        view=lambda: view_on(context.out, FeedsDisplay(context.out, context.clock)),
        stopping=feeds_stopper(context, stack, arn),
        command=command,
        what="exports",
    ).run(context)
    if last.failure:
        return _sum_up_failure_of_feeds(context, last)
    try:
        return _sum_up_of_feeds(context, last, stack, to)
    except KeyboardInterrupt:
        context.print_message(f"\nDownload stopped. Run it again: {command}")
        return INTERRUPTED


def _sum_up_of_feeds(context: CliContext, last: FeedsSnapshot, stack: Stack, to: Path | None) -> int:
    downloaded, failures = _download_all(context, last, to) if to else ([], [])
    headline, colour = feeds_headline(last)
    lines = feeds_lines(last, last.elapsed_seconds(context.clock.now()), downloaded)
    print_block(context.out, headline, colour, lines + _resume_lines(last, stack))
    if failures:
        raise CommandFailed("\n".join(failures))
    return COMPLETE if last.complete else FAILED


def _download_all(context: CliContext, last: FeedsSnapshot, to: Path) -> tuple[list[Path], list[str]]:
    """Download every file; a failure does not stop the others."""
    downloaded: list[Path] = []
    failures: list[str] = []
    for result in last.results:
        if result.result:
            try:
                downloaded += download(context.aws.s3, result.result, to, context.out)
            except CommandFailed as error:
                failures.append(f"{result.feed}: {error}")
    return downloaded, failures


def _resume_lines(last: FeedsSnapshot, stack: Stack) -> list[str]:
    lines = []
    for result in last.results:
        item = last.item_of(result.feed)
        if result.failure and item and result.failure.error not in NOT_RESUMABLE:
            lines.append(f"Resume {result.feed}: {resume_command(item.export_id, stack.name)}")
    return lines


def _sum_up_failure_of_feeds(context: CliContext, last: FeedsSnapshot) -> int:
    if last.failure:
        lines = [f"{last.failure.error}: {last.failure.message}", f"Execution: {last.arn}"]
        if last.status == "ABORTED":
            lines += leftover_lines(last.items)
        headline = {"ABORTED": "EXPORTS STOPPED", "TIMED_OUT": "EXPORTS OUT OF TIME"}
        print_block(context.err, headline.get(last.status, "EXPORTS FAILED"), "red", lines)
    return FAILED


def watch_execution(context: CliContext, found: Stack, arn: str, to: Path | None, *, just_started: bool = False) -> int:
    """Show the execution *arn* to its end and return the exit status of the command."""
    see = watch_feeds if found.exports_feeds(arn) else watch_export
    return see(context, found, arn, to, just_started=just_started)


def watch_named(context: CliContext, stack: str, name: str, to: Path | None, *, json: bool = False) -> int:
    """Watch the execution or the export *name*, download its files if *to* is given, and return the exit status.

    With *json*, the result is one object on stdout, and the progress goes to stderr.
    """
    if to is not None:
        ready_folder(to)
    found = find_stack(context.aws.cloudformation, stack)
    arn = execution_arn_of(name, found, ExportsReader(context.aws.table(found.table)))
    if not json:
        return watch_execution(context, found, arn, to)
    exit_status = watch_execution(replace(context, out=context.err), found, arn, to)
    print_json(context.out, result_of(context, found, arn))
    return exit_status
