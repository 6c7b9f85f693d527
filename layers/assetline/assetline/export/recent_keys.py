"""The keys written last, so that a row the feed moved to a later page is written once."""

from collections import deque
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any, Self

WINDOW_KEYS = 50_000  # ours: rows move by pages, not by fifties of thousands; the window costs 800 kB between turns
_DIGEST_BYTES = 16  # two keys of a feed share a digest once in 10^29 windows: as good as exact


class KeyWindow:
    """Remembers the digests of the last *size* keys that were written, in their order."""

    def __init__(self, digests: Iterable[bytes] = (), size: int = WINDOW_KEYS) -> None:
        self._order = deque(digests)
        self._digests = set(self._order)
        self._size = size

    def unseen(self, records: Sequence[dict[str, Any]], key: Sequence[str]) -> list[dict[str, Any]]:
        """Return the records whose key was not written lately, and remember theirs; one without a key always passes."""
        kept = []
        for record in records:
            digest = _digest(record, key)
            if digest is not None:
                if digest in self._digests:
                    continue
                self._remember(digest)
            kept.append(record)
        return kept

    def to_bytes(self) -> bytes:
        """Return the digests end to end."""
        return b"".join(self._order)

    @classmethod
    def from_bytes(cls, content: bytes, size: int = WINDOW_KEYS) -> Self:
        """Return the window that `to_bytes` described."""
        digests = (content[at : at + _DIGEST_BYTES] for at in range(0, len(content), _DIGEST_BYTES))
        return cls(digests, size)

    def _remember(self, digest: bytes) -> None:
        self._order.append(digest)
        self._digests.add(digest)
        if len(self._order) > self._size:
            self._digests.discard(self._order.popleft())


def _digest(record: dict[str, Any], key: Sequence[str]) -> bytes | None:
    values = [record.get(name) for name in key]
    if None in values or "" in values or not values:  # a feed that has no value sends either
        return None
    if len(values) == 1 and type(values[0]) is str:
        return blake2b(values[0].encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).digest()
    # repr tells 1 from "1", and where one value ends and the next begins.
    text = repr(values).encode("utf-8", "surrogatepass")
    return blake2b(text, digest_size=_DIGEST_BYTES, person=b"values").digest()
