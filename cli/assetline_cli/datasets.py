"""The command `datasets`: which Vi datasets there are."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from assetline.assets.conditions import moment_of
from assetline.vi import datasets as vi_datasets
from assetline_cli.error_reporting import errors_reported
from assetline_cli.options import AsJson, StackName
from assetline_cli.stack import DEFAULT_STACK
from assetline_cli.terminal.formatting import age, count, moment_told
from assetline_cli.terminal.output import printable, say_cells, say_json
from assetline_cli.terminal.tables import Columns
from assetline_cli.vi_client import vi_of

if TYPE_CHECKING:
    from datetime import datetime

    from assetline.vi.datasets import Dataset
    from assetline_cli.context import Desk

COLUMNS = Columns(
    headings=("Dataset", "Name", "Assets", "Type", "Age"),
    dispensable=("Type", "Age"),
    right=frozenset({"Assets", "Age"}),
    if_any=("Type",),
    folded="Name",
)


def datasets(ctx: typer.Context, json: AsJson = False, stack: StackName = DEFAULT_STACK) -> None:
    """List the Vi datasets of your organisation.

    On a terminal it is a table; in a pipe, lines without a heading whose
    columns are set apart by tabs: dataset id, name, assets, type, when it was
    made.

    [bold]Examples[/bold]

      [cyan]assetline datasets[/cyan]
      [cyan]assetline datasets --json[/cyan]
    """
    desk: Desk = ctx.obj
    with errors_reported(desk), vi_of(desk, stack) as client:
        found = [*vi_datasets.datasets(client)]
        if json:
            for dataset in found:
                say_json(desk.out, asdict(dataset))
        elif not desk.out.is_terminal:
            for dataset in found:
                say_cells(desk.out, (*_names(dataset), _plain(dataset.assets), dataset.type, _made(dataset)))
        elif found:
            now = desk.clock.now()
            desk.out.print(COLUMNS.fitting(desk.out, [_cells(dataset, now) for dataset in found], lambda _: ""))
        if not found and not json:
            desk.complain("The organisation has no dataset.")


def _names(dataset: Dataset) -> tuple[str, str]:
    return printable(dataset.dataset_id), printable(dataset.name)


def _plain(figure: int | None) -> str:
    return "" if figure is None else str(figure)


def _made(dataset: Dataset) -> str:
    return moment_told(dataset.created)


def _cells(dataset: Dataset, now: datetime) -> tuple[str, ...]:
    made = moment_of(dataset.created)
    return (
        *_names(dataset),
        "" if dataset.assets is None else count(dataset.assets),
        dataset.type,
        "" if made is None else age((now - made).total_seconds()),
    )
