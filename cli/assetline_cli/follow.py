"""One execution followed to its end: looked at, shown, summed up, and its file brought here."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from assetline_cli.clock import Clock
from assetline_cli.download import download
from assetline_cli.errors import CommandFailed, explain
from assetline_cli.execution import Executions, ExportResult
from assetline_cli.exports import Exports
from assetline_cli.screen import say
from assetline_cli.stack import DEFAULT_STACK, Aws, Stack
from assetline_cli.summary import Summary, print_failure, print_summary
from assetline_cli.view import view_on
from assetline_cli.watch import Snapshot, Watch

if TYPE_CHECKING:
    from collections.abc import Iterable

COMPLETE, FAILED, INTERRUPTED = 0, 1, 130  # exit statuses; 128 + SIGINT is the shell's way


@dataclass(frozen=True)
class Desk:
    """What a command works with: the operator's AWS account, screen and clock."""

    aws: Aws = field(default_factory=Aws)
    clock: Clock = field(default_factory=Clock)
    out: Console = field(default_factory=Console)
    err: Console = field(default_factory=lambda: Console(stderr=True))

    def say(self, line: str) -> None:
        """Print *line* as it is."""
        say(self.out, line)

    def complain(self, line: str) -> None:
        """Print *line*, as it is, where errors go."""
        say(self.err, line)


def watch_command(arn: str, stack: str, to: Path | None = None) -> str:
    """Return the command that watches the execution *arn*."""
    words = ["assetline", "watch", arn]
    if to is not None:
        words += ["--to", str(to)]
    if stack != DEFAULT_STACK:
        words += ["--stack", stack]
    return shlex.join(words)


def follow(desk: Desk, stack: Stack, arn: str, to: Path | None, *, just_started: bool = False) -> int:
    """Show the execution *arn* to its end and return the exit status of the command."""
    executions = Executions(desk.aws.stepfunctions, stack.machine_arn)
    watch = Watch(executions, Exports(desk.aws.table(stack.table)), desk.clock)
    again = watch_command(arn, stack.name, to)
    try:
        last = _show(desk, watch.snapshots(arn, just_started=just_started))
    except KeyboardInterrupt:
        return _interrupted(desk, again)
    except (BotoCoreError, ClientError) as error:
        raise CommandFailed(
            f"{explain(error)}\nThe watching ends; the export does not. Watch it again: {again}"
        ) from error
    if last.execution.result is None:
        return _sum_up_failure(desk, last)
    try:
        return _sum_up(desk, last, last.execution.result, to)
    except KeyboardInterrupt:
        desk.complain(f"\nDownload stopped. Fetch the file again: {again}")
        return INTERRUPTED


def _show(desk: Desk, snapshots: Iterable[Snapshot]) -> Snapshot:
    last: Snapshot | None = None
    with view_on(desk.out, desk.clock) as view:
        for snapshot in snapshots:
            view.show(snapshot)
            last = snapshot
    if last is None:
        raise AssertionError("a watch ends with a snapshot")
    return last


def _interrupted(desk: Desk, again: str) -> int:
    desk.complain("\nStopped watching; the export goes on.")
    desk.complain(f"Watch it again: {again}")
    return INTERRUPTED


def _sum_up(desk: Desk, last: Snapshot, result: ExportResult, to: Path | None) -> int:
    summary = Summary(result, last.elapsed_seconds(desk.clock.now()))
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


def _sum_up_failure(desk: Desk, last: Snapshot) -> int:
    if last.execution.failure:
        print_failure(desk.err, last, last.execution.failure)
    return FAILED
