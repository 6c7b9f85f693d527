"""The cursors that an export has followed, stored in eight bytes each, to detect a circle."""

import struct
from hashlib import blake2b
from typing import Self

_DIGEST_BYTES = 8  # of a million cursors, two collide once in some forty million exports


class CursorTrail:
    """The cursors of the pages read so far, in their order.

    The trail is a function of these cursors alone: a repeated turn stores the same bytes.
    """

    def __init__(self) -> None:
        # A dict keeps the order: the page number of a cursor is needed only if the cursor repeats.
        self._digests: dict[int, None] = {}

    def __contains__(self, cursor: str) -> bool:
        return _digest(cursor) in self._digests

    def __len__(self) -> int:
        return len(self._digests)

    def add(self, cursor: str) -> None:
        """Store that the page at *cursor* has been read."""
        self._digests[_digest(cursor)] = None

    def page_number(self, cursor: str) -> int:
        """Return the number of the page at *cursor*, from 1. Raise ValueError if it is not in the trail."""
        return [*self._digests].index(_digest(cursor)) + 1

    def to_bytes(self) -> bytes:
        """Return the serialised trail: 800 kB for 100,000 pages."""
        return struct.pack(f">{len(self)}Q", *self._digests)

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Return the trail serialised as *raw*. Raise ValueError if *raw* is not one."""
        if len(raw) % _DIGEST_BYTES:
            raise ValueError(f"{len(raw)} bytes are not a trail of cursors")
        trail = cls()
        trail._digests.update(dict.fromkeys(struct.unpack(f">{len(raw) // _DIGEST_BYTES}Q", raw)))
        return trail


def _digest(cursor: str) -> int:
    return int.from_bytes(blake2b(cursor.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).digest())
