"""List the Vi datasets of the organisation."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from assetline.assets.conditions import moment_of
from assetline.vi import datasets as vi_datasets
from assetline_cli.terminal.formatting import age, count, iso_time
from assetline_cli.terminal.tables import ListLayout, TableColumns, print_list
from assetline_cli.vi_client import open_vi_client

if TYPE_CHECKING:
    from datetime import datetime

    from assetline.vi.datasets import Dataset
    from assetline_cli.context import CliContext

COLUMNS = TableColumns(
    headings=("Dataset", "Name", "Assets", "Type", "Age"),
    dispensable=("Type", "Age"),
    right=frozenset({"Assets", "Age"}),
    if_any=("Type",),
    folded="Name",
)


def layout(now: datetime) -> ListLayout[Dataset]:
    """Return how datasets are listed."""
    return ListLayout(
        columns=COLUMNS, cells=lambda dataset: _cells(dataset, now), plain_cells=_plain_cells, as_json=asdict
    )


def _plain_cells(dataset: Dataset) -> tuple[str, ...]:
    assets = "" if dataset.assets is None else str(dataset.assets)
    return dataset.dataset_id, dataset.name, assets, dataset.type, iso_time(dataset.created)


def _cells(dataset: Dataset, now: datetime) -> tuple[str, ...]:
    made = moment_of(dataset.created)
    return (
        dataset.dataset_id,
        dataset.name,
        "" if dataset.assets is None else count(dataset.assets),
        dataset.type,
        "" if made is None else age((now - made).total_seconds()),
    )


def list_datasets(context: CliContext, stack: str, *, json: bool) -> None:
    """Print the datasets of the organisation."""
    with open_vi_client(context, stack) as client:
        found = [*vi_datasets.datasets(client)]
    print_list(context.out, found, layout(context.clock.now()), json=json)
    if not found and not json:
        context.print_message("The organisation has no dataset.")
