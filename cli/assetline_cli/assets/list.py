"""Assets listed: a table on a terminal, lines of tab-separated columns in a pipe, or JSON lines."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import typer

from assetline.assets.asset_file import contents_of, metadata_of, size_of
from assetline.assets.conditions import moment_of
from assetline.assets.listing import Listing
from assetline_cli.assets.selection_options import (
    CONDITION_OPTIONS,
    ID_OPTIONS,
    VI_QUERY_OPTIONS,
    AssetSelection,
    AssetsLimit,
    Dataset,
    Descending,
    PageOf,
    SortBy,
    Url,
    selection_options,
)
from assetline_cli.error_reporting import errors_reported
from assetline_cli.exit_codes import FAILED
from assetline_cli.options import AsJson, StackName
from assetline_cli.stack import DEFAULT_STACK
from assetline_cli.terminal.formatting import age, count, iso_time, size
from assetline_cli.terminal.formatting import count as figure
from assetline_cli.terminal.output import printable
from assetline_cli.terminal.tables import Columns, ListLayout, print_list
from assetline_cli.vi_client import open_vi_client

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from assetline.assets.selection import Selection
    from assetline.vi.client import ViClient
    from assetline_cli.context import CliContext

COLUMNS = Columns(
    headings=("Asset", "Filename", "Size", "Dimensions", "Type", "Annotations", "Status", "Age"),
    dispensable=("Type", "Status", "Annotations", "Age", "Dimensions", "Size"),
    right=frozenset({"Size", "Dimensions", "Annotations", "Age"}),
    folded="Filename",
)


@dataclass
class LimitedListing:
    """The records of at most *limit* assets, all if that is 0, as they are listed; the rest is known after the last.

    There is `more` than that, `number` is how many they were, `unknown` are ids of which there is no asset.
    """

    listing: Listing
    limit: int
    number: int = 0
    more: bool = False
    unknown: list[str] = field(default_factory=list)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for page in self.listing.pages():
            self.unknown += page.unknown
            for record in page.records:
                self.more = self._is_full
                if self.more:
                    return
                self.number += 1
                yield record
            self.more = self._is_full and page.next_cursor is not None
            if self.more:
                return

    @property
    def _is_full(self) -> bool:
        return 0 < self.limit <= self.number


def layout(now: datetime, *, urls: bool) -> ListLayout[Mapping[str, Any]]:
    """Return how assets are listed; JSON has Vi's records."""
    return ListLayout(
        columns=COLUMNS,
        cells=lambda record: _cells(record, now),
        plain_cells=_url_cells if urls else _plain,
        as_json=lambda record: record,
    )


def _url_cells(record: Mapping[str, Any]) -> tuple[str, ...]:
    contents = contents_of(record)
    return *_names(record), *((contents.url, iso_time(contents.expiry)) if contents else ("", ""))


def _names(record: Mapping[str, Any]) -> Iterator[str]:
    return (str(record.get(name) or "") for name in ("assetId", "filename"))


def _facts(record: Mapping[str, Any]) -> tuple[int | None, str, str, Any, str, Any]:
    metadata = metadata_of(record)
    width, height = metadata.get("width"), metadata.get("height")
    annotations = metadata.get("annotations")
    return (
        size_of(metadata.get("fileSize")),
        f"{width}x{height}" if width and height else "",
        str(metadata.get("mimeType") or ""),
        annotations.get("total") if isinstance(annotations, dict) else None,
        str(metadata.get("status") or ""),
        metadata.get("timeCreated"),
    )


def _plain(record: Mapping[str, Any]) -> tuple[str, ...]:
    bytes_, dimensions, mime, annotations, status, created = _facts(record)
    figures = ["" if figure is None else str(figure) for figure in (bytes_, annotations)]
    return *_names(record), figures[0], dimensions, mime, figures[1], status, iso_time(created)


def _cells(record: Mapping[str, Any], now: datetime) -> tuple[str, ...]:
    bytes_, dimensions, mime, annotations, status, created = _facts(record)
    moment = moment_of(created)
    return (
        *_names(record),
        "" if bytes_ is None else size(bytes_),
        dimensions,
        mime,
        count(annotations) if isinstance(annotations, int) else "",
        status,
        "" if moment is None else age((now - moment).total_seconds()),
    )


@selection_options(**VI_QUERY_OPTIONS, **ID_OPTIONS, **CONDITION_OPTIONS)
def list_(  # noqa: PLR0913 - typer: one argument an option
    ctx: typer.Context,
    *,
    dataset: Dataset,
    selection: AssetSelection,
    sort_by: SortBy = None,
    descending: Descending = False,
    limit: AssetsLimit = 20,
    page_size: PageOf = None,
    url: Url = False,
    json: AsJson = False,
    stack: StackName = DEFAULT_STACK,
) -> None:
    """List the assets of a Vi dataset, page after page.

    On a terminal it is a table; in a pipe, lines without a heading whose
    columns are set apart by tabs: asset id, filename, bytes, dimensions, type,
    annotations, status, when it was uploaded. With --url the columns are asset
    id, filename, a signed URL that opens the file to whoever has it, and when
    that ends. `assetline assets export` writes all there is into a file. Exit
    status: 0 it is listed; 1 it could not be, or there is no asset of an id.

    [bold]Examples[/bold]

      [cyan]assetline assets list ds1[/cyan]
      [cyan]assetline assets list ds1 --min-bytes 1000000 --aspect square --limit 0[/cyan]
      [cyan]assetline assets list ds1 --sort-by metadata.fileSize --descending[/cyan]
      [cyan]assetline assets list ds1 --filter '{"status": "error"}' --json[/cyan]
    """
    context: CliContext = ctx.obj
    with errors_reported(context), open_vi_client(context, stack) as client:
        listing = _listing(client, selection.of(dataset), sort_by, descending=descending, contents=url)
        listing.page_size = page_size or (min(limit + 1, 1000) if limit and not selection.where() else None)
        listing.admit()
        listed = LimitedListing(listing, limit)
        print_list(context.out, listed, layout(context.clock.now(), urls=url), json=json, table=not url)
        if not json:
            _hint(context, listed, selection)
        if listed.unknown:
            context.complain(f"The dataset has no asset of these ids: {', '.join(map(printable, listed.unknown))}.")
            raise typer.Exit(FAILED)


def _listing(client: ViClient, wanted: Selection, sort_by: str | None, *, descending: bool, contents: bool) -> Listing:
    order = {name: value for name, value in (("sortBy", sort_by), ("o", "desc" if descending else None)) if value}
    listing = Listing(client, wanted, contents)
    if order:
        listing.order = order
    return listing


def _hint(context: CliContext, listed: LimitedListing, selection: AssetSelection) -> None:
    if listed.more:
        context.complain(f"These are the first {figure(listed.number)}; --limit 0 lists all.")
    elif not listed.number and not listed.unknown:
        context.complain("No asset meets the conditions." if selection.given else "The dataset holds no asset.")
