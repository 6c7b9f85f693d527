"""The command line: register the groups of commands, and the former spellings of commands."""

from __future__ import annotations

from typing import Annotated

import typer

from assetline_cli.assets.commands import assets_app
from assetline_cli.command_groups import DATASETS, EXPORT, INGEST, OPERATE, GroupsFirst
from assetline_cli.datasets.commands import datasets_app
from assetline_cli.deferred_imports import defer_unused_imports
from assetline_cli.drops.commands import drops_app, upload
from assetline_cli.exports.commands import diff, exports_app, start, stop, watch
from assetline_cli.feeds.commands import feeds_app
from assetline_cli.operations.commands import doctor, logs, report, status
from assetline_cli.sessions.commands import sessions_app

app = typer.Typer(
    name="assetline",
    cls=GroupsFirst,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command."""
    defer_unused_imports()
    app()


def _print_version(requested: bool) -> None:
    if requested:
        from importlib.metadata import version  # noqa: PLC0415 - help needs none

        typer.echo(f"assetline {version('assetline')}")
        raise typer.Exit


@app.callback()
def assetline(
    ctx: typer.Context,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Export SafetyCulture feeds to files in S3, and ingest images into Vi datasets, with your Assetline stack.

    The region, credentials and endpoint are those of the AWS CLI: ~/.aws,
    AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL. Exports and ingestion run in
    AWS: they continue after you close the terminal.

    [bold]Examples[/bold]

      [cyan]assetline exports start assets --watch[/cyan]
        start an export and watch it
      [cyan]assetline exports start assets --to out[/cyan]
        the same, and download the file into out/
      [cyan]assetline exports list[/cyan]
        list exports with their states and progress
      [cyan]assetline exports watch EXPORT_ID[/cyan]
        watch a running export, or show the result of a past one
      [cyan]assetline exports resume EXPORT_ID --watch[/cyan]
        resume a failed export
      [cyan]assetline exports stop EXPORT_ID[/cyan]
        stop an export, and keep the rows checkpointed so far
      [cyan]assetline drops upload photos --dataset ds1[/cyan]
        upload a folder of images, and wait until they are assets in Vi
      [cyan]assetline drops list --state rejected[/cyan]
        list rejected drops with their reasons
      [cyan]assetline status[/cyan]
        show what runs, what waits and what failed last
      [cyan]assetline doctor[/cyan]
        check the account, the stack and both APIs
    """
    if ctx.obj is None:
        from assetline_cli.context import CliContext  # noqa: PLC0415 - help needs none

        ctx.obj = CliContext()


app.add_typer(exports_app, name="exports", rich_help_panel=EXPORT)
app.add_typer(feeds_app, name="feeds", rich_help_panel=EXPORT)
app.add_typer(drops_app, name="drops", rich_help_panel=INGEST)
app.add_typer(datasets_app, name="datasets", rich_help_panel=DATASETS)
app.add_typer(assets_app, name="assets", rich_help_panel=DATASETS)
app.add_typer(sessions_app, name="sessions", rich_help_panel=OPERATE)
app.command("status", rich_help_panel=OPERATE)(status)
app.command("logs", no_args_is_help=True, rich_help_panel=OPERATE)(logs)
app.command("report", no_args_is_help=True, rich_help_panel=OPERATE)(report)
app.command("doctor", rich_help_panel=OPERATE)(doctor)

# The spellings before decision 0035; `assetline exports`, `drops`, `sessions` and `datasets` alone still list.
app.command("export", hidden=True, no_args_is_help=True)(start)
app.command("watch", hidden=True, no_args_is_help=True)(watch)
app.command("stop", hidden=True, no_args_is_help=True)(stop)
app.command("diff", hidden=True, no_args_is_help=True)(diff)
app.command("drop", hidden=True, no_args_is_help=True)(upload)
