"""An export of several feeds followed to its end: looked at, shown, summed up, and its files brought here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetline_cli.context import COMPLETE, FAILED, INTERRUPTED, Desk
from assetline_cli.errors import CommandFailed
from assetline_cli.executions import Executions
from assetline_cli.exports.download import download
from assetline_cli.exports.progress_view_many import several_view_on
from assetline_cli.exports.stop import Stopping, leftover_lines
from assetline_cli.exports.summary import print_block
from assetline_cli.exports.table import Exports
from assetline_cli.exports.watch import START_ANEW
from assetline_cli.exports.watch_loop import Watching
from assetline_cli.several import SeveralSnapshot, SeveralWatch
from assetline_cli.several_summary import several_headline, several_lines
from assetline_cli.suggested_commands import resume_command, watch_command

if TYPE_CHECKING:
    from pathlib import Path

    from assetline_cli.stack import Stack


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
        return _sum_up_failure(desk, last)
    try:
        return _sum_up(desk, last, stack, to)
    except KeyboardInterrupt:
        desk.complain(f"\nDownload stopped. Fetch the files again: {again}")
        return INTERRUPTED


def stopping_of_several(desk: Desk, stack: Stack, arn: str) -> Stopping:
    """Return what stops the execution *arn*, and with it the exports it has started."""
    executions = Executions(desk.aws.stepfunctions, stack.machine_of_several())
    exports = Exports(desk.aws.table(stack.table))
    return Stopping(executions, arn, lambda: exports.children_of(arn), desk.clock)


def _sum_up(desk: Desk, last: SeveralSnapshot, stack: Stack, to: Path | None) -> int:
    downloaded, failures = _download(desk, last, to) if to else ([], [])
    headline, colour = several_headline(last)
    lines = several_lines(last, last.elapsed_seconds(desk.clock.now()), downloaded)
    print_block(desk.out, headline, colour, lines + _resume_lines(last, stack))
    if failures:
        raise CommandFailed("\n".join(failures))
    return COMPLETE if last.complete else FAILED


def _download(desk: Desk, last: SeveralSnapshot, to: Path) -> tuple[list[Path], list[str]]:
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


def _sum_up_failure(desk: Desk, last: SeveralSnapshot) -> int:
    if last.failure:
        lines = [f"{last.failure.error}: {last.failure.message}", f"Look further: {last.arn}"]
        if last.status == "ABORTED":
            lines += leftover_lines(last.items)
        headline = {"ABORTED": "EXPORTS STOPPED", "TIMED_OUT": "EXPORTS OUT OF TIME"}
        print_block(desk.err, headline.get(last.status, "EXPORTS FAILED"), "red", lines)
    return FAILED
