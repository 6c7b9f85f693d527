"""Start exports, and watch them if requested."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

import typer

from assetline_cli.context import CliContext
from assetline_cli.errors import CommandFailed
from assetline_cli.executions import Executions
from assetline_cli.exit_codes import COMPLETE
from assetline_cli.exports import table as states
from assetline_cli.exports.names import execution_name_of
from assetline_cli.exports.request import FeedsArguments, Request, ResumeArguments
from assetline_cli.exports.result import result_of, started
from assetline_cli.exports.table import ExportsReader
from assetline_cli.exports.validate import require_valid
from assetline_cli.exports.watch import watch_execution
from assetline_cli.filesystem import ready_folder
from assetline_cli.stack import Stack, find_stack
from assetline_cli.suggested_commands import watch_command
from assetline_cli.terminal.output import print_json

if TYPE_CHECKING:
    from pathlib import Path


def start(context: CliContext, stack: Stack, request: Request) -> str:
    """Start *request* on the machine that takes it, and return the ARN of the execution.

    Raises:
        CommandFailed: the export does not exist or cannot be resumed, or the stack has no such machine.
    """
    if isinstance(request, ResumeArguments):
        _refuse_ended_export(ExportsReader(context.aws.table(stack.table)), request.export_id)
    machine = stack.machine_of_feeds() if isinstance(request, FeedsArguments) else stack.machine_arn
    name = request.execution_name(context.clock.now(), secrets.token_hex(2))
    return Executions(context.aws.stepfunctions, machine).start(name, request.input())


def _refuse_ended_export(exports: ExportsReader, export_id: str) -> None:
    """Raise `CommandFailed` if an export has ended; the machine checks again."""
    item = exports.named(export_id)
    if item.state == states.COMPLETE:
        raise CommandFailed(f"Export {export_id} is complete: s3://{item.bucket}/{item.key}")
    if item.state == states.PARTIAL:
        published = ", and its checkpointed rows were published" if item.partial_key else ""
        raise CommandFailed(
            f"Export {export_id} was stopped permanently{published}. Start a new one: assetline exports "
            f"start {item.feed}"
        )


def refuse_download_without_watch(to: Path | None, *, watch: bool | None) -> None:
    """End the command if --to and --no-watch are given; raises `typer.BadParameter`."""
    if to is not None and watch is False:
        raise typer.BadParameter("Excludes --no-watch: it waits for the file.", param_hint="--to")


def start_export(  # noqa: PLR0913 - each is an option of the command
    context: CliContext, stack: str, request: Request, to: Path | None, *, watch: bool | None, json: bool = False
) -> int:
    """Start *request*, watch it if *watch* or *to* is given, and return the exit status of the command.

    With *json*, the execution or, after the watch, its result is one object on stdout; the progress goes to stderr.

    Raises:
        typer.BadParameter: the machine would refuse the request; nothing was started.
    """
    require_valid(request)
    if to is not None:
        ready_folder(to)
    found = find_stack(context.aws.cloudformation, stack)
    arn = start(context, found, request)
    if json:
        exit_status = COMPLETE
        if watch or to is not None:
            exit_status = watch_execution(replace(context, out=context.err), found, arn, to, just_started=True)
        print_json(context.out, result_of(context, found, arn) if watch or to is not None else started(arn))
        return exit_status
    if not watch and to is None:
        context.print_line(arn)
        context.print_line(f"Watch it: {watch_command(execution_name_of(arn), stack)}")
        return COMPLETE
    context.print_line(f"{request.title}: {arn}")
    return watch_execution(context, found, arn, to, just_started=True)
