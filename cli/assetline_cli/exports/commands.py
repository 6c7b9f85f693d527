"""The commands for exports."""

from __future__ import annotations

import typer

from assetline_cli.context import CliContext
from assetline_cli.error_reporting import errors_reported
from assetline_cli.executions import Executions
from assetline_cli.exports.list import ExportFilter, hint_lines, layout, settled
from assetline_cli.exports.options import (
    Changes,
    ExportName,
    FeedParams,
    Feeds,
    InState,
    OfFeed,
    PageSize,
    Resume,
    Since,
)
from assetline_cli.exports.request import ExportOptions
from assetline_cli.exports.start import refuse_download_without_watch, start_export
from assetline_cli.exports.stop import stop as stop_it
from assetline_cli.exports.table import ExportsReader
from assetline_cli.exports.watch import watch_execution
from assetline_cli.filesystem import ready_folder
from assetline_cli.options import (
    AsJson,
    Excel,
    Format,
    Limit,
    MaxTurnSeconds,
    NeutraliseFormulas,
    OverlapMinutes,
    StackName,
    To,
    WatchIt,
    Yes,
)
from assetline_cli.stack import DEFAULT_STACK, find_stack
from assetline_cli.terminal.prompts import require_terminal_or_yes
from assetline_cli.terminal.tables import print_list


def export(  # noqa: PLR0913, PLR0917 - typer: one argument an option
    ctx: typer.Context,
    feed: Feeds = None,
    resume: Resume = None,
    param: FeedParams = None,
    format_: Format = None,
    since: Since = None,
    overlap_minutes: OverlapMinutes = None,
    changes: Changes = None,
    neutralise_formulas: NeutraliseFormulas = None,
    excel: Excel = None,
    page_size: PageSize = None,
    max_turn_seconds: MaxTurnSeconds = None,
    watch: WatchIt = None,
    to: To = None,
    stack: StackName = DEFAULT_STACK,
) -> None:
    """Start an export: each feed, from first page to last, becomes one file in S3.

    Without --watch it prints the ARN of the execution and the command that
    watches it. With --watch it shows the export until it ends; Ctrl+C then
    asks whether to stop the export or only the watching. Exit status: 0 a
    complete export, of every feed (or, without --watch, a started one),
    1 anything else, 130 when only the watching was stopped.

    [bold]Examples[/bold]

      [cyan]assetline export assets --watch[/cyan]
      [cyan]assetline export assets --to out --stack assetline-dev[/cyan]
      [cyan]assetline export inspections --param archived=both --format csv.gz[/cyan]
      [cyan]assetline export inspections --since last --watch[/cyan]
      [cyan]assetline export assets users sites --to out[/cyan]
      [cyan]assetline export all --watch[/cyan]
      [cyan]assetline export --resume EXPORT_ID --watch[/cyan]
    """
    refuse_download_without_watch(to, watch=watch)
    context: CliContext = ctx.obj
    asked = ExportOptions(
        feed or (),
        resume,
        param,
        format_,
        page_size,
        max_turn_seconds,
        since,
        neutralise_formulas,
        changes,
        overlap_minutes,
        excel,
    )
    with errors_reported(context):
        raise typer.Exit(start_export(context, stack, asked.request(), to, watch=watch))


def watch(ctx: typer.Context, export: ExportName, to: To = None, stack: StackName = DEFAULT_STACK) -> None:
    """Watch an export that is running, or show how one ended.

    Ctrl+C asks whether to stop the export or only the watching. Exit
    status: 0 a complete export, 1 anything else, 130 when only the
    watching was stopped.

    [bold]Examples[/bold]

      [cyan]assetline watch EXECUTION_ARN[/cyan]
      [cyan]assetline watch assets_20261121_003012[/cyan]
      [cyan]assetline watch EXECUTION_ARN --to out[/cyan]
        also downloads the file, of a running export or of a past one
    """
    context: CliContext = ctx.obj
    with errors_reported(context):
        if to is not None:
            ready_folder(to)
        found = find_stack(context.aws.cloudformation, stack)
        arn = ExportsReader(context.aws.table(found.table)).execution_named(export)
        raise typer.Exit(watch_execution(context, found, arn, to))


def exports(  # noqa: PLR0913, PLR0917 - typer: one argument an option
    ctx: typer.Context,
    feed: OfFeed = None,
    state: InState = None,
    limit: Limit = 20,
    json: AsJson = False,
    stack: StackName = DEFAULT_STACK,
) -> None:
    """List exports, the newest first: how far they are and how they ended.

    On a terminal it is a table; in a pipe, lines without a heading whose
    columns are set apart by tabs: export, feed, state, rows, age, pace (of a
    running export its rate, of any other how long it took), size, error.

    [bold]Examples[/bold]

      [cyan]assetline exports[/cyan]
      [cyan]assetline exports --state failed --limit 5[/cyan]
      [cyan]assetline exports --feed assets --json[/cyan]
    """
    context: CliContext = ctx.obj
    with errors_reported(context):
        found = find_stack(context.aws.cloudformation, stack)
        choice = ExportFilter(feed, state, limit)
        executions = Executions(context.aws.stepfunctions, found.machine_arn)
        listed = ExportsReader(context.aws.table(found.table)).all()
        newest = choice.newest(settled(listed, executions, context.clock.now()))
        print_list(context.out, newest, layout(context.clock.now()), json=json)
        for line in () if json else hint_lines(newest, choice, stack, context.clock.now()):
            context.complain(line)


def stop(ctx: typer.Context, export: ExportName, yes: Yes = False, stack: StackName = DEFAULT_STACK) -> None:
    """Stop an export for good; what was sealed of it is published as a partial file.

    It asks first, unless told --yes. One that was stopped cannot be resumed.
    Exit status: 0 stopped, now or before; 1 anything else.

    [bold]Examples[/bold]

      [cyan]assetline stop assets_20261121_003012[/cyan]
      [cyan]assetline stop EXECUTION_ARN --yes[/cyan]
    """
    context: CliContext = ctx.obj
    require_terminal_or_yes(context, yes=yes)
    with errors_reported(context):
        raise typer.Exit(stop_it(context, find_stack(context.aws.cloudformation, stack), export, sure=yes))
