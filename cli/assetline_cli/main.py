"""The command line: what `assetline` takes, explained to who types `--help`."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer

from assetline_cli.assets.commands import assets_app
from assetline_cli.context import CliContext
from assetline_cli.datasets import datasets
from assetline_cli.drops.commands import drop, drops_app
from assetline_cli.exports.commands import export, exports, stop, watch
from assetline_cli.exports.diff import diff
from assetline_cli.sessions import sessions

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
    """Export SafetyCulture feeds to files in S3, and drop images into Vi datasets, by your Assetline stack.

    Region, credentials and endpoint are those of the AWS CLI: ~/.aws,
    AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL. Exports and ingestion run in
    AWS and not on this machine: closing the terminal does not stop them.

    [bold]Examples[/bold]

      [cyan]assetline export assets --watch[/cyan]
        start an export and see it through
      [cyan]assetline export assets --to out[/cyan]
        the same, and download the file into out/
      [cyan]assetline exports[/cyan]
        list the exports there are, and how far each is
      [cyan]assetline watch EXPORT_ID[/cyan]
        look at an export that is running, or how one ended
      [cyan]assetline export --resume EXPORT_ID --watch[/cyan]
        go on with one that failed
      [cyan]assetline stop EXPORT_ID[/cyan]
        stop one, and keep what it has put in safety so far
      [cyan]assetline drop photos --dataset ds1[/cyan]
        drop a folder of images, and see them become assets in Vi
      [cyan]assetline drops --state rejected[/cyan]
        list the drops that were refused, and why
    """
    ctx.obj = ctx.obj or CliContext()


app.command(no_args_is_help=True)(export)
app.command(no_args_is_help=True)(watch)
app.command()(exports)
app.command(no_args_is_help=True)(stop)
app.command(no_args_is_help=True)(diff)
app.command(no_args_is_help=True)(drop)
app.add_typer(drops_app, name="drops")
app.command()(sessions)
app.command()(datasets)
app.add_typer(assets_app, name="assets")
