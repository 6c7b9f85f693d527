"""The command line: what `assetline` takes, explained to who types `--help`."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError

from assetline_cli.download import ready_folder
from assetline_cli.errors import CommandFailed, explain
from assetline_cli.execution import Executions
from assetline_cli.follow import FAILED, INTERRUPTED, Desk, follow, watch_command
from assetline_cli.options import (
    ExecutionArn,
    Feed,
    FeedParams,
    Format,
    MaxTurnSeconds,
    PageSize,
    StackName,
    To,
    WatchIt,
)
from assetline_cli.request import ExportRequest, parse_params
from assetline_cli.stack import DEFAULT_STACK, find_stack

app = typer.Typer(
    name="assetline",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command."""
    app()


@contextmanager
def _one_message(desk: Desk) -> Iterator[None]:
    """End the command with one message, never a traceback, for whatever is not a mistake of ours."""
    try:
        yield
    except CommandFailed as error:
        desk.complain(f"Error: {error}")
    except (BotoCoreError, ClientError) as error:
        desk.complain(f"Error: {explain(error)}")
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    else:
        return
    raise typer.Exit(FAILED)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"assetline {version('assetline')}")
        raise typer.Exit


@app.callback()
def assetline(
    ctx: typer.Context,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Export SafetyCulture feeds to files in S3, by the Assetline stack in your AWS account.

    Region, credentials and endpoint are those of the AWS CLI: ~/.aws,
    AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL. An export runs in AWS and
    not on this machine: closing the terminal does not stop it.

    [bold]Examples[/bold]

      [cyan]assetline export assets --watch[/cyan]
        start an export and see it through
      [cyan]assetline export assets --to out[/cyan]
        the same, and download the file into out/
      [cyan]assetline watch EXECUTION_ARN[/cyan]
        look at an export that is running, or how one ended
    """
    ctx.obj = ctx.obj or Desk()


@app.command(no_args_is_help=True)
def export(  # noqa: PLR0913, PLR0917 - typer: one argument an option
    ctx: typer.Context,
    feed: Feed,
    param: FeedParams = None,
    format_: Format = None,
    page_size: PageSize = None,
    max_turn_seconds: MaxTurnSeconds = None,
    watch: WatchIt = None,
    to: To = None,
    stack: StackName = DEFAULT_STACK,
) -> None:
    """Start an export: one feed, from first page to last, becomes one file in S3.

    Without --watch it prints the ARN of the execution and the command that
    watches it. With --watch it shows the export until it ends. Exit status:
    0 a complete export (or, without --watch, a started one), 1 anything else,
    130 Ctrl+C, which stops the watching and not the export.

    [bold]Examples[/bold]

      [cyan]assetline export assets[/cyan]
      [cyan]assetline export assets --watch[/cyan]
      [cyan]assetline export assets --to out --stack assetline-dev[/cyan]
      [cyan]assetline export assets --page-size 100 --watch[/cyan]
    """
    if to is not None and watch is False:
        raise typer.BadParameter("it waits for the file, so it does not go with --no-watch", param_hint="--to")
    desk: Desk = ctx.obj
    with _one_message(desk):
        request = ExportRequest(feed, parse_params(param or ()), format_, page_size, max_turn_seconds)
        if to is not None:
            ready_folder(to)
        found = find_stack(desk.aws.cloudformation, stack)
        name = request.execution_name(desk.clock.now(), secrets.token_hex(2))
        arn = Executions(desk.aws.stepfunctions, found.machine_arn).start(name, request.input())
        if not watch and to is None:
            desk.say(arn)
            desk.say(f"Watch it: {watch_command(arn, stack)}")
            return
        desk.say(f"Exporting {feed}: {arn}")
        raise typer.Exit(follow(desk, found, arn, to, just_started=True))


@app.command(no_args_is_help=True)
def watch(ctx: typer.Context, execution_arn: ExecutionArn, to: To = None, stack: StackName = DEFAULT_STACK) -> None:
    """Watch an export that is running, or show how one ended.

    Exit status: 0 a complete export, 1 anything else, 130 Ctrl+C, which
    stops the watching and not the export.

    [bold]Examples[/bold]

      [cyan]assetline watch EXECUTION_ARN[/cyan]
      [cyan]assetline watch EXECUTION_ARN --to out[/cyan]
        also downloads the file, of a running export or of a past one
    """
    desk: Desk = ctx.obj
    with _one_message(desk):
        if to is not None:
            ready_folder(to)
        found = find_stack(desk.aws.cloudformation, stack)
        raise typer.Exit(follow(desk, found, execution_arn, to))
