"""The last keys written, so that a row that the feed moved to a later page is written once, in its newest version."""

import zlib
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Self

from assetline.table.cells import json_bytes

WINDOW_KEYS = 50_000  # ours: rows move by pages, not by fifties of thousands; the window takes 950 kB between turns
_DIGEST_BYTES = 15  # two keys of a feed collide once in 10^26 windows
_CONTENT_BYTES = 4  # a newer version is missed once in four thousand million

type Record = dict[str, Any]


@dataclass
class Sifted:
    """The records of a page: new ones, and newer versions of recent ones; unchanged repeats are left out.

    `replaced` counts the records with a newer version on the same page, `keyless` those without a key.
    """

    unseen: list[Record] = field(default_factory=list)
    newer: list[Record] = field(default_factory=list)
    replaced: int = 0
    keyless: int = 0


class KeyWindow:
    """Holds the last *size* keys written, in their order, as digests, with checksums of the records."""

    def __init__(self, entries: Iterable[tuple[bytes, int]] = (), size: int = WINDOW_KEYS) -> None:
        self._contents = dict(entries)
        self._order = deque(self._contents)
        self._size = size

    def sift(self, records: Sequence[Record], key: Sequence[str]) -> Sifted:
        """Return the new and the newer records, and store their keys; a record without a key is always new."""
        sifted, places, contents = Sifted(), dict[bytes, int](), self._contents
        for record in records:
            digest = _digest(record, key)
            if digest is None:
                sifted.keyless += 1
                sifted.unseen.append(record)
                continue
            content = zlib.crc32(json_bytes(record))
            previous = contents.get(digest)
            contents[digest] = content
            if previous is None:
                self._remember(digest)
                places[digest] = len(sifted.unseen)
                sifted.unseen.append(record)
            elif previous != content:
                if (place := places.get(digest)) is None:
                    sifted.newer.append(record)
                else:
                    sifted.unseen[place] = record
                    sifted.replaced += 1
        return sifted

    def to_bytes(self) -> bytes:
        """Return each digest and its record's checksum, joined."""
        return b"".join(digest + self._contents[digest].to_bytes(_CONTENT_BYTES) for digest in self._order)

    @classmethod
    def from_bytes(cls, content: bytes, size: int = WINDOW_KEYS) -> Self:
        """Return the window serialised by `to_bytes`."""
        step = _DIGEST_BYTES + _CONTENT_BYTES
        entries = (content[at : at + step] for at in range(0, len(content), step))
        return cls(((entry[:_DIGEST_BYTES], int.from_bytes(entry[_DIGEST_BYTES:])) for entry in entries), size)

    def _remember(self, digest: bytes) -> None:
        self._order.append(digest)
        if len(self._order) > self._size:
            del self._contents[self._order.popleft()]


def _digest(record: Record, key: Sequence[str]) -> bytes | None:
    values = [record.get(name) for name in key]
    if None in values or "" in values or not values:  # a feed sends either for a missing value
        return None
    if len(values) == 1 and type(values[0]) is str:
        return blake2b(values[0].encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).digest()
    # repr distinguishes 1 from "1", and marks the limits of the values.
    text = repr(values).encode("utf-8", "surrogatepass")
    return blake2b(text, digest_size=_DIGEST_BYTES, person=b"values").digest()
