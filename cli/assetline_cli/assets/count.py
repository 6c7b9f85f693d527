"""The command `assets count`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from assetline.assets.listing import Listing
from assetline.vi.assets import Assets
from assetline_cli.assets.selection_options import (
    CONDITION_OPTIONS,
    VI_QUERY_OPTIONS,
    AssetSelection,
    Dataset,
    selection_options,
)
from assetline_cli.error_reporting import errors_reported
from assetline_cli.options import StackName
from assetline_cli.stack import DEFAULT_STACK
from assetline_cli.terminal.formatting import count_of
from assetline_cli.vi_client import open_vi_client

if TYPE_CHECKING:
    from assetline_cli.context import CliContext


@selection_options(**VI_QUERY_OPTIONS, **CONDITION_OPTIONS)
def count(ctx: typer.Context, *, dataset: Dataset, selection: AssetSelection, stack: StackName = DEFAULT_STACK) -> None:
    """Count the assets of a Vi dataset, all or those that are selection.

    What Vi can be asked, it counts; for the other conditions all that it
    finds is listed.

    [bold]Examples[/bold]

      [cyan]assetline assets count ds1[/cyan]
      [cyan]assetline assets count ds1 --filter '{"status": "error"}'[/cyan]
      [cyan]assetline assets count ds1 --aspect square[/cyan]
    """
    context: CliContext = ctx.obj
    with errors_reported(context), open_vi_client(context, stack) as client:
        wanted = selection.of(dataset)
        if wanted.where is None:
            number = Assets(client, dataset).count(wanted.query)
        else:
            listing = Listing(client, wanted, contents=False)
            listing.admit()
            number = sum(len(page.records) for page in listing.pages())
        context.say(count_of(number, "asset") if context.out.is_terminal else str(number))
