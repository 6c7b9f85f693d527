"""Rename an asset."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetline.vi.assets import Assets
from assetline_cli.terminal.output import printable
from assetline_cli.vi_client import dataset_known, open_vi_client

if TYPE_CHECKING:
    from assetline_cli.context import CliContext


def rename_asset(context: CliContext, stack: str, dataset: str, asset: str, filename: str) -> None:
    """Give an asset the name *filename*, and print its former name."""
    with open_vi_client(context, stack) as client, dataset_known(client, dataset):
        assets = Assets(client, dataset)
        former = assets.get(asset).get("filename")
        assets.rename(asset, filename)
    context.print_line(f"{asset}: {printable(str(former))} is now {printable(filename)}.")
