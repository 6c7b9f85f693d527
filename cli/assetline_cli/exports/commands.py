"""The commands for exports."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from assetline_cli.command_groups import EXPORT, OPERATE, ListByDefault, command_group
from assetline_cli.error_reporting import errors_reported
from assetline_cli.exports.options import (
    Changes,
    ExportId,
    ExportName,
    FeedOfFiles,
    FeedParams,
    Feeds,
    InState,
    IntoFolder,
    Keys,
    New,
    OfFeed,
    Old,
    Output,
    OverlapMinutes,
    PageSize,
    ResultAsJson,
    Resume,
    Since,
)
from assetline_cli.options import (
    DEFAULT_STACK,
    AsJson,
    Excel,
    Format,
    Limit,
    MaxTurnSeconds,
    NeutraliseFormulas,
    StackName,
    To,
    WatchIt,
    Yes,
)

if TYPE_CHECKING:
    from assetline_cli.context import CliContext

exports_app = command_group("Export feeds to files in S3: start, watch, list, stop and resume exports.", ListByDefault)


@exports_app.command("start", no_args_is_help=True, rich_help_panel=EXPORT)
def start(
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
    json: ResultAsJson = False,
    stack: StackName = DEFAULT_STACK,
) -> None:
    """Start an export: each feed becomes one file in S3.

    Without --watch, the command prints the execution ARN and the command
    that watches it. With --watch, it shows the export until it ends; Ctrl+C
    then asks whether to stop the export or only the watching.

    Exit status: 0 the export is complete, for every feed (without --watch:
    started); 1 any other result; 130 only the watching was stopped.

    [bold]Examples[/bold]

      [cyan]assetline exports start assets --watch[/cyan]
      [cyan]assetline exports start assets --to out --stack assetline-dev[/cyan]
      [cyan]assetline exports start inspections --param archived=both --format csv.gz[/cyan]
      [cyan]assetline exports start inspections --since last --watch[/cyan]
      [cyan]assetline exports start assets users sites --to out[/cyan]
      [cyan]assetline exports start all --watch[/cyan]
    """
    from assetline_cli.exports.request import ExportOptions
    from assetline_cli.exports.start import refuse_download_without_watch, start_export

    refuse_download_without_watch(to, watch=watch)
    context: CliContext = ctx.obj
    options = ExportOptions(
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
        raise typer.Exit(start_export(context, stack, options.request(), to, watch=watch, json=json))


@exports_app.command("resume", no_args_is_help=True, rich_help_panel=EXPORT)
def resume(
    ctx: typer.Context,
    export: ExportId,
    max_turn_seconds: MaxTurnSeconds = None,
    watch: WatchIt = None,
    to: To = None,
    json: ResultAsJson = False,
    stack: StackName = DEFAULT_STACK,
) -> None:
    """Resume a failed export at the page where it failed.

    The export keeps the options it was started with. Exit status: as
    `assetline exports start`.

    [bold]Examples[/bold]

      [cyan]assetline exports resume assets_20261121_003012 --watch[/cyan]
      [cyan]assetline exports resume assets_20261121_003012 --to out[/cyan]
    """
    from assetline_cli.exports.request import ResumeArguments
    from assetline_cli.exports.start import refuse_download_without_watch, start_export

    refuse_download_without_watch(to, watch=watch)
    context: CliContext = ctx.obj
    with errors_reported(context):
        raise typer.Exit(
            start_export(context, stack, ResumeArguments(export, max_turn_seconds), to, watch=watch, json=json)
        )


@exports_app.command("list", rich_help_panel=EXPORT)
def list_(
    ctx: typer.Context,
    feed: OfFeed = None,
    state: InState = None,
    limit: Limit = 20,
    json: AsJson = False,
    stack: StackName = DEFAULT_STACK,
) -> None:
    """List exports, the newest first, with their progress and results.

    On a terminal the list is a table. In a pipe it is tab-separated lines
    without a heading: export, feed, state, rows, age, pace, size, error. The
    pace of a running export is its rate, of any other its duration.

    [bold]Examples[/bold]

      [cyan]assetline exports list[/cyan]
      [cyan]assetline exports list --state failed --limit 5[/cyan]
      [cyan]assetline exports list --feed assets --json[/cyan]
    """
    from assetline_cli.exports.list import ExportFilter, list_exports

    context: CliContext = ctx.obj
    with errors_reported(context):
        list_exports(context, stack, ExportFilter(feed, state, limit), json=json)


@exports_app.command("watch", no_args_is_help=True, rich_help_panel=EXPORT)
def watch(
    ctx: typer.Context,
    export: ExportName,
    to: To = None,
    json: ResultAsJson = False,
    stack: StackName = DEFAULT_STACK,
) -> None:
    """Watch a running export, or show the result of a past one.

    Ctrl+C asks whether to stop the export or only the watching.

    Exit status: 0 the export is complete; 1 any other result; 130 only the
    watching was stopped.

    [bold]Examples[/bold]

      [cyan]assetline exports watch EXECUTION_ARN[/cyan]
      [cyan]assetline exports watch assets_20261121_003012[/cyan]
      [cyan]assetline exports watch EXECUTION_ARN --to out[/cyan]
        also downloads the file, of a running or a past export
    """
    from assetline_cli.exports.watch import watch_named

    context: CliContext = ctx.obj
    with errors_reported(context):
        raise typer.Exit(watch_named(context, stack, export, to, json=json))


@exports_app.command("download", no_args_is_help=True, rich_help_panel=EXPORT)
def download(ctx: typer.Context, export: ExportName, to: IntoFolder, stack: StackName = DEFAULT_STACK) -> None:
    """Download the file of an export, with its manifest and its changes.

    A running export is watched until it ends. A file gets its name only
    after it is complete. Exit status: as `assetline exports watch`.

    [bold]Examples[/bold]

      [cyan]assetline exports download assets_20261121_003012 out[/cyan]
      [cyan]assetline exports download EXECUTION_ARN out[/cyan]
    """
    from assetline_cli.exports.watch import watch_named

    context: CliContext = ctx.obj
    with errors_reported(context):
        raise typer.Exit(watch_named(context, stack, export, to))


@exports_app.command("diff", no_args_is_help=True, rich_help_panel=EXPORT)
def diff(
    ctx: typer.Context,
    old: Old,
    new: New,
    key: Keys = None,
    feed: FeedOfFiles = None,
    output: Output = None,
    stack: StackName = DEFAULT_STACK,
) -> None:
    """Compare two exports of a feed, row by row, by key.

    The order of rows and columns may differ, and so may the formats. CSV has
    a column for each custom field, and JSON lines have one text for all:
    compare exports of assets within one of the two. A column that only one
    file has counts as empty in the other. A row with the key of an earlier
    row is reported as a duplicate, and compared with its counterpart in order.

    Files of any size are compared in little memory. Temporary files are
    compressed, in TMPDIR.

    Exit status, as of diff: 0 no differences; 1 differences; 2 trouble;
    130 Ctrl+C.

    [bold]Examples[/bold]

      [cyan]assetline exports diff out/assets_20261120_030000.csv out/assets_20261121_030000.csv[/cyan]
      [cyan]assetline exports diff assets_20261120_030000 assets_20261121_030000 --output changes.csv[/cyan]
        two exports in the stack's bucket, by their IDs; every change into changes.csv
      [cyan]assetline exports diff old.csv.gz s3://bucket/new.jsonl --key group_id --key user_id[/cyan]
    """
    from assetline_cli.exports.diff import compare_exports

    raise typer.Exit(compare_exports(ctx.obj, stack, (old, new), keys=key, feed=feed, output=output))


@exports_app.command("stop", no_args_is_help=True, rich_help_panel=OPERATE)
def stop(ctx: typer.Context, export: ExportName, yes: Yes = False, stack: StackName = DEFAULT_STACK) -> None:
    """Stop an export permanently; its checkpointed rows become a partial file.

    The command asks for confirmation, unless --yes is given. A stopped export
    cannot be resumed.

    Exit status: 0 stopped, now or earlier; 1 any other result.

    [bold]Examples[/bold]

      [cyan]assetline exports stop assets_20261121_003012[/cyan]
      [cyan]assetline exports stop EXECUTION_ARN --yes[/cyan]
    """
    from assetline_cli.exports.stop import stop_export

    context: CliContext = ctx.obj
    with errors_reported(context):
        raise typer.Exit(stop_export(context, stack, export, sure=yes))
