"""List the assets of a dataset."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from assetline.assets.asset_file import contents_of, metadata_of, size_of
from assetline.assets.conditions import moment_of
from assetline.assets.listing import Listing
from assetline_cli.assets.selection_options import (
    AssetSelection,
)
from assetline_cli.exit_codes import COMPLETE, FAILED
from assetline_cli.terminal.formatting import age, count, iso_time, size
from assetline_cli.terminal.output import printable
from assetline_cli.terminal.tables import ListLayout, TableColumns, print_list
from assetline_cli.vi_client import open_vi_client

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from assetline.assets.selection import Selection
    from assetline_cli.context import CliContext

LARGEST_PAGE = 1000  # Vi: assets of one page
COLUMNS = TableColumns(
    headings=("Asset", "Filename", "Size", "Dimensions", "Type", "Annotations", "Status", "Age"),
    dispensable=("Type", "Status", "Annotations", "Age", "Dimensions", "Size"),
    right=frozenset({"Size", "Dimensions", "Annotations", "Age"}),
    folded="Filename",
)


@dataclass
class LimitedListing:
    """The records of at most *limit* assets; a limit of 0 lists all.

    After the last record, `number` is their count, `more` is whether others follow, `unknown` has IDs without asset.
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


@dataclass(frozen=True)
class AssetOrder:
    """The order of a list, its page size and its limit; a limit of 0 lists all."""

    sort_by: str | None
    descending: bool
    page_size: int | None
    limit: int

    def wire_params(self) -> dict[str, str]:
        """Return the order as parameters of Vi's query."""
        params = {"sortBy": self.sort_by, "o": "desc" if self.descending else None}
        return {name: value for name, value in params.items() if value}

    def page_size_for(self, selected: Selection) -> int | None:
        """Return the page size, by default large enough for the limit, or None for Vi's."""
        fits_limit = self.limit and selected.where is None
        return self.page_size or (min(self.limit + 1, LARGEST_PAGE) if fits_limit else None)


def list_assets(  # noqa: PLR0913 - each is an option of the command
    context: CliContext,
    stack: str,
    selection: AssetSelection,
    dataset: str,
    order: AssetOrder,
    *,
    urls: bool,
    json: bool,
) -> int:
    """Print the selected assets and return the exit status: 1 if an ID has no asset."""
    with open_vi_client(context, stack) as client:
        selected = selection.of(dataset)
        listing = Listing(client, selected, urls)
        if order.wire_params():
            listing.order = order.wire_params()
        listing.page_size = order.page_size_for(selected)
        listing.admit()
        listed = LimitedListing(listing, order.limit)
        print_list(context.out, listed, layout(context.clock.now(), urls=urls), json=json, table=not urls)
    if not json:
        _print_hint(context, listed, is_filtered=bool(selection.given))
    if listed.unknown:
        context.print_message(f"The dataset has no asset with these IDs: {', '.join(map(printable, listed.unknown))}.")
    return FAILED if listed.unknown else COMPLETE


def _print_hint(context: CliContext, listed: LimitedListing, *, is_filtered: bool) -> None:
    if listed.more:
        context.print_message(f"These are the first {count(listed.number)} assets; --limit 0 lists all.")
    elif not listed.number and not listed.unknown:
        context.print_message("No asset matches the conditions." if is_filtered else "The dataset is empty.")
