"""Count the assets of a dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetline.assets.listing import Listing
from assetline.vi.assets import Assets
from assetline_cli.assets.selection_options import (
    AssetSelection,
)
from assetline_cli.terminal.formatting import count_of
from assetline_cli.vi_client import open_vi_client

if TYPE_CHECKING:
    from assetline_cli.context import CliContext


def count_assets(context: CliContext, stack: str, selection: AssetSelection, dataset: str) -> None:
    """Print the number of the selected assets."""
    with open_vi_client(context, stack) as client:
        selected = selection.of(dataset)
        if selected.where is None:
            number = Assets(client, dataset).count(selected.query)
        else:
            listing = Listing(client, selected, contents=False)
            listing.admit()
            number = sum(len(page.records) for page in listing.pages())
        context.print_line(count_of(number, "asset") if context.out.is_terminal else str(number))
