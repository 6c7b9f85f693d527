"""The keys written last, so that a row the feed moved to a later page is written once, in its newest version."""

import zlib
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Self

from assetline.table.cells import json_bytes

WINDOW_KEYS = 50_000  # ours: rows move by pages, not by fifties of thousands; the window costs 950 kB between turns
_DIGEST_BYTES = 15  # two keys of a feed share a digest once in 10^26 windows: as good as exact
_CONTENT_BYTES = 4  # that a newer version goes unnoticed is one in four thousand million

type Record = dict[str, Any]


@dataclass
class Sifted:
    """The records of a page: those that are new, and newer versions of those read lately; the rest are the same again.

    `replaced` counts those of which a newer version is on the same page, `keyless` those that have no key.
    """

    unseen: list[Record] = field(default_factory=list)
    newer: list[Record] = field(default_factory=list)
    replaced: int = 0
    keyless: int = 0


class KeyWindow:
    """Remembers the last *size* keys that were written, in their order, as digests, with checksums of the records."""

    def __init__(self, entries: Iterable[tuple[bytes, int]] = (), size: int = WINDOW_KEYS) -> None:
        self._contents = dict(entries)
        self._order = deque(self._contents)
        self._size = size

    def sift(self, records: Sequence[Record], key: Sequence[str]) -> Sifted:
        """Return which of the records are new or newer, and remember their keys; one without a key is always new."""
        sifted, places, contents = Sifted(), dict[bytes, int](), self._contents
        for record in records:
            digest = _digest(record, key)
            if digest is None:
                sifted.keyless += 1
                sifted.unseen.append(record)
                continue
            content = zlib.crc32(json_bytes(record))
            before = contents.get(digest)
            contents[digest] = content
            if before is None:
                self._remember(digest)
                places[digest] = len(sifted.unseen)
                sifted.unseen.append(record)
            elif before != content:
                if (place := places.get(digest)) is None:
                    sifted.newer.append(record)
                else:
                    sifted.unseen[place] = record
                    sifted.replaced += 1
        return sifted

    def to_bytes(self) -> bytes:
        """Return each digest and its record's checksum, end to end."""
        return b"".join(digest + self._contents[digest].to_bytes(_CONTENT_BYTES) for digest in self._order)

    @classmethod
    def from_bytes(cls, content: bytes, size: int = WINDOW_KEYS) -> Self:
        """Return the window that `to_bytes` described."""
        step = _DIGEST_BYTES + _CONTENT_BYTES
        entries = (content[at : at + step] for at in range(0, len(content), step))
        return cls(((one[:_DIGEST_BYTES], int.from_bytes(one[_DIGEST_BYTES:])) for one in entries), size)

    def _remember(self, digest: bytes) -> None:
        self._order.append(digest)
        if len(self._order) > self._size:
            del self._contents[self._order.popleft()]


def _digest(record: Record, key: Sequence[str]) -> bytes | None:
    values = [record.get(name) for name in key]
    if None in values or "" in values or not values:  # a feed that has no value sends either
        return None
    if len(values) == 1 and type(values[0]) is str:
        return blake2b(values[0].encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).digest()
    # repr tells 1 from "1", and where one value ends and the next begins.
    text = repr(values).encode("utf-8", "surrogatepass")
    return blake2b(text, digest_size=_DIGEST_BYTES, person=b"values").digest()
