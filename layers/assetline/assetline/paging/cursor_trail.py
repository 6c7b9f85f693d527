"""The cursors an export has followed, remembered in eight bytes each: a feed that leads in a circle is noticed."""

import struct
from hashlib import blake2b
from typing import Self

_DIGEST_BYTES = 8  # of a million cursors, two look alike once in some forty million exports


class CursorTrail:
    """The cursors of the pages read so far, in their order.

    It is a function of these cursors alone: a turn that is repeated leaves the same bytes behind.
    """

    def __init__(self) -> None:
        # A dict, for its order: which page a cursor led to is only asked for when it comes again.
        self._digests: dict[int, None] = {}

    def __contains__(self, cursor: str) -> bool:
        return _digest(cursor) in self._digests

    def __len__(self) -> int:
        return len(self._digests)

    def add(self, cursor: str) -> None:
        """Remember that the page at *cursor* has been read."""
        self._digests[_digest(cursor)] = None

    def page_number(self, cursor: str) -> int:
        """Return which page *cursor* led to, from 1; ValueError if to none."""
        return [*self._digests].index(_digest(cursor)) + 1

    def to_bytes(self) -> bytes:
        """Return what `from_bytes` makes the same trail of: 800 kB for 100,000 pages."""
        return struct.pack(f">{len(self)}Q", *self._digests)

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Return the trail that `to_bytes` made *raw* of; ValueError if it never did."""
        if len(raw) % _DIGEST_BYTES:
            raise ValueError(f"{len(raw)} bytes are no trail of cursors")
        trail = cls()
        trail._digests.update(dict.fromkeys(struct.unpack(f">{len(raw) // _DIGEST_BYTES}Q", raw)))
        return trail


def _digest(cursor: str) -> int:
    return int.from_bytes(blake2b(cursor.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).digest())
