"""The group of commands `assetline assets`."""

import typer

from assetline_cli.assets.count import count
from assetline_cli.assets.delete import delete
from assetline_cli.assets.download import download
from assetline_cli.assets.export import export
from assetline_cli.assets.get import get
from assetline_cli.assets.list import list_
from assetline_cli.assets.rename import rename
from assetline_cli.assets.verify import verify

assets_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="What a Vi dataset holds: listed, shown, brought to this machine, compared with it, deleted.",
)
assets_app.command("list", no_args_is_help=True)(list_)
assets_app.command(no_args_is_help=True)(get)
assets_app.command(no_args_is_help=True)(count)
assets_app.command(no_args_is_help=True)(rename)
assets_app.command(no_args_is_help=True)(export)
assets_app.command(no_args_is_help=True)(download)
assets_app.command(no_args_is_help=True)(verify)
assets_app.command(no_args_is_help=True)(delete)
