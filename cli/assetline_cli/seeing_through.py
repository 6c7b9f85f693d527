"""An export started and, if it is wanted, seen through: one feed, several, or the assets of a dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from assetline_cli.context import COMPLETE, Desk
from assetline_cli.exports.download import ready_folder
from assetline_cli.exports.start import start
from assetline_cli.exports.watch import follow
from assetline_cli.follow_several import follow_several
from assetline_cli.stack import Stack, find_stack
from assetline_cli.suggested_commands import watch_command

if TYPE_CHECKING:
    from pathlib import Path

    from assetline_cli.exports.request import Request


def refuse_a_file_nobody_waits_for(to: Path | None, *, watch: bool | None) -> None:
    """End the command if it is to bring a file and not to wait for it."""
    if to is not None and watch is False:
        raise typer.BadParameter("it waits for the file, so it does not go with --no-watch", param_hint="--to")


def start_export(desk: Desk, stack: str, request: Request, to: Path | None, *, watch: bool | None) -> int:
    """Start *request*, see it through if that or its file is wanted, and return the exit status of the command."""
    if to is not None:
        ready_folder(to)
    found = find_stack(desk.aws.cloudformation, stack)
    arn = start(desk, found, request)
    if not watch and to is None:
        desk.say(arn)
        desk.say(f"Watch it: {watch_command(arn, stack)}")
        return COMPLETE
    desk.say(f"{request.title}: {arn}")
    return see_through(desk, found, arn, to, just_started=True)


def see_through(desk: Desk, found: Stack, arn: str, to: Path | None, *, just_started: bool = False) -> int:
    """Show the execution *arn* to its end and return the exit status of the command."""
    see = follow_several if found.exports_several(arn) else follow
    return see(desk, found, arn, to, just_started=just_started)
