"""The command `assets rename`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from assetline.vi.assets import Assets
from assetline_cli.assets.selection_options import (
    AssetId,
    Dataset,
    NewName,
)
from assetline_cli.error_reporting import errors_reported
from assetline_cli.options import StackName
from assetline_cli.stack import DEFAULT_STACK
from assetline_cli.terminal.output import printable
from assetline_cli.vi_client import dataset_known, open_vi_client

if TYPE_CHECKING:
    from assetline_cli.context import CliContext


def rename(
    ctx: typer.Context, *, dataset: Dataset, asset: AssetId, filename: NewName, stack: StackName = DEFAULT_STACK
) -> None:
    """Give an asset another name.

    [bold]Example[/bold]

      [cyan]assetline assets rename ds1 asset-1 north-gate.jpg[/cyan]
    """
    context: CliContext = ctx.obj
    with errors_reported(context), open_vi_client(context, stack) as client, dataset_known(client, dataset):
        assets = Assets(client, dataset)
        before = assets.get(asset).get("filename")
        assets.rename(asset, filename)
        context.say(f"{asset}: {printable(str(before))} is now {printable(filename)}.")
