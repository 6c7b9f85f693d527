"""The commands for Vi datasets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from assetline_cli.command_groups import ListByDefault, command_group
from assetline_cli.error_reporting import errors_reported
from assetline_cli.options import DEFAULT_STACK, AsJson, StackName

if TYPE_CHECKING:
    from assetline_cli.context import CliContext

datasets_app = command_group("List the Vi datasets of your organisation.", ListByDefault)


@datasets_app.command("list")
def list_(ctx: typer.Context, json: AsJson = False, stack: StackName = DEFAULT_STACK) -> None:
    """List the Vi datasets of your organisation.

    On a terminal the list is a table. In a pipe it is tab-separated lines
    without a heading: dataset ID, name, assets, type, creation time.

    [bold]Examples[/bold]

      [cyan]assetline datasets list[/cyan]
      [cyan]assetline datasets list --json[/cyan]
    """
    from assetline_cli.datasets.list import list_datasets

    context: CliContext = ctx.obj
    with errors_reported(context):
        list_datasets(context, stack, json=json)
