"""The command `stop`: an export stopped for good, when somebody has said that they mean it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetline_cli.context import COMPLETE, FAILED, Desk
from assetline_cli.errors import NothingToStop
from assetline_cli.executions import has_ended
from assetline_cli.exports.table import Exports
from assetline_cli.exports.watch import stopping_of
from assetline_cli.follow_several import stopping_of_several
from assetline_cli.terminal.prompts import confirmed

if TYPE_CHECKING:
    from assetline_cli.stack import Stack


def stop(desk: Desk, stack: Stack, name: str, *, sure: bool) -> int:
    """Stop the execution or the export *name*, asking first unless *sure*; return the exit status of the command.

    Raises:
        ExportMissing, ExecutionMissing, ExecutionForeign: there is none of that name.
        NothingToStop: it has ended in another way.
    """
    arn = Exports(desk.aws.table(stack.table)).execution_named(name)
    several = stack.exports_several(arn)
    stopping = stopping_of_several(desk, stack, arn) if several else stopping_of(desk, stack, arn)
    status = stopping.status
    if has_ended(status) and status != "ABORTED":
        raise NothingToStop(f"{name} has ended already ({status}): nothing was stopped.")
    if status == "ABORTED":
        desk.say("It has been stopped before.")
    elif not sure and not confirmed(desk, f"Stop {name} for good? It cannot be resumed then."):
        desk.say("Nothing was stopped.")
        return FAILED
    if not stopping.stop(desk.say):
        raise NothingToStop(f"{name} ended before it could be stopped: `assetline watch {arn}` shows how.")
    return COMPLETE
