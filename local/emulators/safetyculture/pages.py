"""Pages of the feeds: their start, their content, and their `next_page`.

Cursors contain the place they point to, so they outlive a restart of the emulator and a change of scenario. An export
that is resumed the next morning needs this. For clients a cursor is an opaque string.
"""

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Self

import orjson

from local.emulators.safetyculture.assets import asset, pipe_encoded
from local.emulators.safetyculture.feeds import record
from local.emulators.safetyculture.scenario import (
    CycleCursor,
    EndlessCircle,
    Fault,
    FeedScenario,
    ForeignNextPage,
    MoveRows,
    RepeatCursor,
    RowDrift,
)

ASSETS_PATH = "/feed/assets"

_PLACE = struct.Struct(">QI")
_SEAL_BYTES = 6


@dataclass(frozen=True, slots=True)
class PageStart:
    """The start of a page: its first row (from 0) and its page number (from 1)."""

    row: int = 0
    page: int = 1

    @property
    def cursor(self) -> str:
        """The opaque `next_page_token` of this page."""
        packed = _PLACE.pack(self.row, self.page)
        return urlsafe_b64encode(packed + _seal(packed)).decode()

    @classmethod
    def of(cls, cursor: str) -> Self:
        """Return the page of *cursor*; raises ValueError if the feed did not create it."""
        sealed = urlsafe_b64decode(cursor.encode())
        packed = sealed[:-_SEAL_BYTES]
        if len(packed) != _PLACE.size or sealed[-_SEAL_BYTES:] != _seal(packed):
            raise ValueError("not a cursor of this feed")
        return cls(*_PLACE.unpack(packed))


@dataclass(frozen=True, slots=True)
class EmulatedPage:
    """One page: its metadata and its rows."""

    path: str
    metadata: dict[str, Any]
    seed: int
    rows: range
    drifts: tuple[RowDrift, ...] = ()

    def render(self) -> bytes:
        """Return the body: `metadata` before `data`, as in every sample of the live feed."""
        data = _rendered_rows(self.path, self.seed, self.rows, self.drifts)
        return b'{"metadata":%b,"data":%b}' % (orjson.dumps(self.metadata), data)

    def render_without_data(self) -> bytes:
        """Return a body without `data` that is nevertheless complete JSON."""
        return orjson.dumps({"metadata": self.metadata})


def page_at(
    place: PageStart, limit: int, scenario: FeedScenario, faults: Iterable[Fault], url: tuple[str, str]
) -> EmulatedPage:
    """Return the page of *limit* rows at *place*, altered by those of *faults* that alter pages.

    *url* is the server's origin, which an absolute `next_page` begins with, and the path of the feed.
    """
    origin, path = url
    first, following, drifts = place.row, None, []
    base = origin if scenario.absolute_next_page else ""
    for fault in faults:
        match fault:
            case MoveRows():
                first = max(0, first - fault.rows)
            case RepeatCursor():
                following = place
            case CycleCursor():
                following = PageStart(max(0, place.row - limit), place.page - 1)
            case EndlessCircle():
                following = PageStart(0, place.page + 1)
            case ForeignNextPage():
                base = fault.origin
            case RowDrift():
                drifts.append(fault)
    rows = range(min(first, scenario.rows), min(first + limit, scenario.rows))
    if following is None and rows.stop < scenario.rows:
        following = PageStart(rows.stop, place.page + 1)
    metadata = _metadata(scenario, following, limit, base + path)
    if scenario.remaining_records:
        metadata["remaining_records"] = scenario.rows - rows.stop
    return EmulatedPage(path, metadata, scenario.seed, rows, tuple(drifts))


def _metadata(scenario: FeedScenario, following: PageStart | None, limit: int, address: str) -> dict[str, Any]:
    if following is None:
        end = None if scenario.end_of_feed == "null" else ""
        return {"next_page": end, "next_page_token": end}
    next_page = f"{address}?limit={limit}&next_page_token={following.cursor}"
    return {"next_page": next_page, "next_page_token": following.cursor}


@lru_cache(maxsize=256)
def _rendered_rows(path: str, seed: int, rows: range, drifts: tuple[RowDrift, ...]) -> bytes:
    if path == ASSETS_PATH:
        return orjson.dumps([_drifted(asset(index, seed), drifts) for index in rows])
    return orjson.dumps([_drifted(record(path, index, seed), drifts) for index in rows])


def _drifted(row: dict[str, Any], drifts: tuple[RowDrift, ...]) -> dict[str, Any]:
    for drift in drifts:
        if drift.inside == "row":
            row[drift.name] = drift.value
        else:
            added = pipe_encoded([{"name": drift.name, "value": drift.value, "field_id": f"drift-{drift.name}"}])
            row["fields"] = f"{row['fields']}|{added}" if row.get("fields") else added
    return row


def _seal(packed: bytes) -> bytes:
    return blake2b(packed, digest_size=_SEAL_BYTES).digest()
