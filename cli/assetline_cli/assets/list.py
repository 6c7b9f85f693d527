"""Assets listed: a table on a terminal, lines of tab-separated columns in a pipe, or JSON lines."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from assetline.assets.asset_file import contents_of, metadata_of, size_of
from assetline.assets.asset_rows import flat
from assetline.assets.conditions import moment_of
from assetline_cli.terminal.formatting import age, count, size
from assetline_cli.terminal.output import printable, say_cells, say_json
from assetline_cli.terminal.tables import Columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from assetline.assets.listing import Listing
    from assetline_cli.context import Desk

COLUMNS = Columns(
    headings=("Asset", "Filename", "Size", "Dimensions", "Type", "Annotations", "Status", "Age"),
    dispensable=("Type", "Status", "Annotations", "Age", "Dimensions", "Size"),
    right=frozenset({"Size", "Dimensions", "Annotations", "Age"}),
    folded="Filename",
)


@dataclass
class Listed:
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


def print_assets(desk: Desk, records: Iterable[Mapping[str, Any]], *, urls: bool) -> None:
    """Print a table where the lines go to a terminal, and else a line an asset as it comes; *urls* are lines, too."""
    if urls:
        for record in records:
            contents = contents_of(record)
            told = (contents.url, moment_told(contents.expiry)) if contents else ("", "")
            say_cells(desk.out, (*_names(record), *told))
    elif not desk.out.is_terminal:
        for record in records:
            say_cells(desk.out, _plain(record))
    else:
        now = desk.clock.now()
        desk.out.print(COLUMNS.fitting(desk.out, [_cells(record, now) for record in records], lambda _: ""))


def print_assets_json(desk: Desk, records: Iterable[Mapping[str, Any]]) -> None:
    """Print a record a line as it comes, as Vi tells it."""
    for record in records:
        say_json(desk.out, record)


def print_details(desk: Desk, record: dict[str, Any]) -> None:
    """Print what Vi says of an asset, a line each, under the names of the columns that an export has."""
    told = [(name, _text(value)) for name, value in flat(record).items()]
    said = [(name, text) for name, text in told if text]
    width = max((len(name) for name, _ in said), default=0)
    for name, text in said:
        desk.say(f"{name:<{width}}  {text}")


def moment_told(milliseconds: Any) -> str:
    """Return a time of Vi's in ISO 8601; what is none, as it is."""
    moment = moment_of(milliseconds)
    return "" if milliseconds is None else str(milliseconds) if moment is None else f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _text(value: Any) -> str:
    if value is None or value in ("", [], {}):
        return ""
    return printable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _names(record: Mapping[str, Any]) -> Iterator[str]:
    return (printable(str(record.get(name) or "")) for name in ("assetId", "filename"))


def _facts(record: Mapping[str, Any]) -> tuple[int | None, str, str, Any, str, Any]:
    metadata = metadata_of(record)
    width, height = metadata.get("width"), metadata.get("height")
    annotations = metadata.get("annotations")
    return (
        size_of(metadata.get("fileSize")),
        f"{width}x{height}" if width and height else "",
        printable(str(metadata.get("mimeType") or "")),
        annotations.get("total") if isinstance(annotations, dict) else None,
        printable(str(metadata.get("status") or "")),
        metadata.get("timeCreated"),
    )


def _plain(record: Mapping[str, Any]) -> tuple[str, ...]:
    bytes_, dimensions, mime, annotations, status, created = _facts(record)
    figures = ["" if figure is None else str(figure) for figure in (bytes_, annotations)]
    return *_names(record), figures[0], dimensions, mime, figures[1], status, moment_told(created)


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
