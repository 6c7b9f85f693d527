"""Assets listed: a table on a terminal, lines of tab-separated columns in a pipe, or JSON lines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from assetline.dataset.files import contents_of, metadata_of, size_of
from assetline.dataset.rows import flat
from assetline.dataset.where import moment_of
from assetline_cli.columns import Columns
from assetline_cli.figures import age, count, size
from assetline_cli.screen import pass_on, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from assetline.dataset.listing import Listing
    from assetline_cli.desk import Desk

COLUMNS = Columns(
    headings=("Asset", "Filename", "Size", "Dimensions", "Type", "Annotations", "Status", "Age"),
    dispensable=("Type", "Status", "Annotations", "Age", "Dimensions", "Size"),
    right=frozenset({"Size", "Dimensions", "Annotations", "Age"}),
    folded="Filename",
)


def first_of(listing: Listing, limit: int) -> tuple[list[dict[str, Any]], bool]:
    """Return the records of at most *limit* assets, all if that is 0, and whether there are more."""
    records: list[dict[str, Any]] = []
    for page in listing.pages():
        records += page.records
        if limit and (len(records) > limit or (len(records) == limit and page.next_cursor)):
            return records[:limit], True
    return records, False


def print_assets(desk: Desk, records: Sequence[Mapping[str, Any]], *, urls: bool) -> None:
    """Print a table where the lines go to a terminal, and else a line an asset; *urls* are lines, too."""
    now = desk.clock.now()
    if urls:
        for record in records:
            contents = contents_of(record)
            told = (contents.url, moment_told(contents.expiry)) if contents else ("", "")
            pass_on(desk.out, "\t".join((*_names(record), *told)))
    elif not desk.out.is_terminal:
        for record in records:
            pass_on(desk.out, "\t".join(_plain(record)))
    else:
        desk.out.print(COLUMNS.fitting(desk.out, [_cells(record, now) for record in records], lambda _: ""))


def print_assets_json(desk: Desk, records: Sequence[Mapping[str, Any]]) -> None:
    """Print a record a line, as Vi tells it."""
    for record in records:
        pass_on(desk.out, json.dumps(record, ensure_ascii=False))


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
