"""The group of commands `assetline assets`."""

import typer

from assetline_cli.assets.download import download

assets_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode="rich", help="What a Vi dataset holds: downloaded to this machine."
)
assets_app.command(no_args_is_help=True)(download)
