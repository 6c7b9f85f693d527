"""What was asked for, started."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from assetline_cli.errors import NothingToResume
from assetline_cli.executions import Executions
from assetline_cli.exports.request import Request, ResumeRequest, SeveralRequest
from assetline_cli.exports.table import Exports
from assetline_cli.item import COMPLETE, PARTIAL

if TYPE_CHECKING:
    from assetline_cli.context import Desk
    from assetline_cli.stack import Stack


def start(desk: Desk, stack: Stack, request: Request) -> str:
    """Start *request* on the machine that takes it, and return the ARN of the execution.

    Raises:
        ExportMissing, NothingToResume: the export to resume is not there, or is one that cannot be.
        OutputsMissing, StartRefused: the stack has no such machine, or no longer.
    """
    if isinstance(request, ResumeRequest):
        _refuse_what_is_over(Exports(desk.aws.table(stack.table)), request.export_id)
    machine = stack.machine_of_several() if isinstance(request, SeveralRequest) else stack.machine_arn
    name = request.execution_name(desk.clock.now(), secrets.token_hex(2))
    return Executions(desk.aws.stepfunctions, machine).start(name, request.input())


def _refuse_what_is_over(exports: Exports, export_id: str) -> None:
    """Say at once what the machine would say after it has started; it has the last word all the same."""
    item = exports.named(export_id)
    if item.state == COMPLETE:
        raise NothingToResume(f"{export_id} is complete: s3://{item.bucket}/{item.key}")
    if item.state == PARTIAL:
        published = ", and what it had read was published" if item.partial_key else ""
        raise NothingToResume(f"{export_id} was stopped for good{published}. Start anew: assetline export {item.feed}")
