"""One execution followed to its end: looked at, shown, summed up, and its file brought here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetline_cli.context import Desk
from assetline_cli.errors import CommandFailed
from assetline_cli.executions import Executions, ExportResult
from assetline_cli.exit_codes import COMPLETE, FAILED, INTERRUPTED
from assetline_cli.exports.download import download
from assetline_cli.exports.progress_view import view_on
from assetline_cli.exports.progress_view_many import several_view_on
from assetline_cli.exports.snapshot import SeveralSnapshot, SeveralWatch, Snapshot, Watch
from assetline_cli.exports.stop import leftover_lines, stopping_of, stopping_of_several
from assetline_cli.exports.summary import (
    START_ANEW,
    Summary,
    print_block,
    print_failure,
    print_summary,
    several_headline,
    several_lines,
)
from assetline_cli.exports.table import Exports
from assetline_cli.exports.watch_loop import Watching
from assetline_cli.suggested_commands import resume_command, watch_command

if TYPE_CHECKING:
    from pathlib import Path

    from assetline_cli.stack import Stack


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


def follow_several(desk: Desk, stack: Stack, arn: str, to: Path | None, *, just_started: bool = False) -> int:
    """Show the execution *arn* to its end and return the exit status: 0 only if every feed is complete."""
    executions = Executions(desk.aws.stepfunctions, stack.machine_of_several())
    exports = Exports(desk.aws.table(stack.table))
    watch = SeveralWatch(executions, exports, desk.clock)
    again = watch_command(arn, stack.name, to)
    last = Watching(
        looks=lambda: watch.snapshots(arn, just_started=just_started),
        view=lambda: several_view_on(desk.out, desk.clock),
        stopping=stopping_of_several(desk, stack, arn),
        again=again,
        what="exports",
    ).see_through(desk)
    if last.failure:
        return _sum_up_failure_of_feeds(desk, last)
    try:
        return _sum_up_of_feeds(desk, last, stack, to)
    except KeyboardInterrupt:
        desk.complain(f"\nDownload stopped. Fetch the files again: {again}")
        return INTERRUPTED


def _sum_up_of_feeds(desk: Desk, last: SeveralSnapshot, stack: Stack, to: Path | None) -> int:
    downloaded, failures = _download_all(desk, last, to) if to else ([], [])
    headline, colour = several_headline(last)
    lines = several_lines(last, last.elapsed_seconds(desk.clock.now()), downloaded)
    print_block(desk.out, headline, colour, lines + _resume_lines(last, stack))
    if failures:
        raise CommandFailed("\n".join(failures))
    return COMPLETE if last.complete else FAILED


def _download_all(desk: Desk, last: SeveralSnapshot, to: Path) -> tuple[list[Path], list[str]]:
    """Bring every file there is; one that does not arrive keeps none of the others back."""
    downloaded: list[Path] = []
    failures: list[str] = []
    for result in last.results:
        if result.result:
            try:
                downloaded += download(desk.aws.s3, result.result, to, desk.out)
            except CommandFailed as error:
                failures.append(f"{result.feed}: {error}")
    return downloaded, failures


def _resume_lines(last: SeveralSnapshot, stack: Stack) -> list[str]:
    lines = []
    for result in last.results:
        item = last.item_of(result.feed)
        if result.failure and item and result.failure.error not in START_ANEW:
            lines.append(f"Resume {result.feed}: {resume_command(item.export_id, stack.name)}")
    return lines


def _sum_up_failure_of_feeds(desk: Desk, last: SeveralSnapshot) -> int:
    if last.failure:
        lines = [f"{last.failure.error}: {last.failure.message}", f"Look further: {last.arn}"]
        if last.status == "ABORTED":
            lines += leftover_lines(last.items)
        headline = {"ABORTED": "EXPORTS STOPPED", "TIMED_OUT": "EXPORTS OUT OF TIME"}
        print_block(desk.err, headline.get(last.status, "EXPORTS FAILED"), "red", lines)
    return FAILED


def see_through(desk: Desk, found: Stack, arn: str, to: Path | None, *, just_started: bool = False) -> int:
    """Show the execution *arn* to its end and return the exit status of the command."""
    see = follow_several if found.exports_several(arn) else follow
    return see(desk, found, arn, to, just_started=just_started)
