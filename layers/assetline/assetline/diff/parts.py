"""Deals rows to parts by a digest of their key, so that equal keys of both files are in the same part."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from assetline.diff.records import Records
from assetline.diff.spill import Spill

DIGEST_BYTES = 16  # ours: with 128 bits, two keys of a feed do not collide
ROW_OVERHEAD_BYTES = 400  # measured: Python's memory per row besides its bytes


@dataclass(frozen=True)
class DiffLimits:
    """The memory limits of a comparison: *budget_bytes* of rows, and *block_bytes* for each part being written.

    Two dealings of 40 parts and two files stay below the 256 open files of macOS, and hold 100 GiB.
    """

    budget_bytes: int = 64 * 1024**2
    parts: int = 40
    block_bytes: int = 256 * 1024


LIMITS = DiffLimits()


class DiffPart:
    """The rows of both files in this part, in the order of their files.

    An entry is the digest of the key, followed by the row. Its number is the row's, counted from 1.
    """

    def __init__(self, scratch: Path, block_bytes: int) -> None:
        self.old = Spill(scratch, block_bytes)
        self.new = Spill(scratch, block_bytes)
        self.one_key = True
        self._digest: bytes | None = None

    @property
    def cost(self) -> int:
        """The memory needed to compare this part: the old rows, and notes on the new ones."""
        return self.old.bytes + ROW_OVERHEAD_BYTES * (self.old.entries + self.new.entries)

    def add(self, spill: Spill, number: int, digest: bytes, entry: bytes) -> None:
        """Add a row to one of this part's spills."""
        if digest != self._digest:
            self.one_key = self._digest is None
            self._digest = digest
        spill.add(number, entry)

    def close(self) -> None:
        """Delete the rows."""
        self.old.close()
        self.new.close()


class Deal:
    """One dealing of rows to parts: the rows of both files, or those of a part that is too large."""

    def __init__(self, scratch: Path, limits: DiffLimits, level: int = 0) -> None:
        self.level = level
        self.parts = [DiffPart(scratch, limits.block_bytes) for _ in range(limits.parts)]

    def deal(self, records: Records, *, new: bool) -> int:
        """Deal all rows of a file, and return their number."""
        parts = [(part, part.new if new else part.old) for part in self.parts]
        number, count, level = 0, len(parts), self.level
        for number, (key, row) in enumerate(records, start=1):
            digest = _digest(key)
            part, spill = parts[digest[level] % count]
            part.add(spill, number, digest, digest + row)
        return number

    def deal_again(self, large: DiffPart) -> None:
        """Deal the rows of a part, and empty it."""
        count, level = len(self.parts), self.level
        for number, entry in large.old.drain():
            part = self.parts[entry[level] % count]
            part.add(part.old, number, entry[:DIGEST_BYTES], entry)
        for number, entry in large.new.drain():
            part = self.parts[entry[level] % count]
            part.add(part.new, number, entry[:DIGEST_BYTES], entry)

    def close(self) -> None:
        """Delete the remaining rows."""
        for part in self.parts:
            part.close()


def _digest(key: Sequence[str]) -> bytes:
    # The lengths distinguish ("ab", "c") from ("a", "bc"). A JSON string may contain half of a surrogate pair.
    text = key[0] if len(key) == 1 else "".join(f"{len(cell)}:{cell}" for cell in key)
    return blake2b(text.encode(errors="surrogatepass"), digest_size=DIGEST_BYTES).digest()
