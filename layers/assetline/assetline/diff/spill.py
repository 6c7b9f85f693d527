"""Numbered byte strings in order: a few in memory, the rest on disk."""

import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from struct import Struct
from typing import BinaryIO

FASTEST = 1  # zlib's level: a quarter of the size for a few seconds per gigabyte

_FRAME = Struct("<QI")  # an entry's number and size; its bytes follow
_SIZE = Struct("<I")  # a block's compressed size; the block follows


class Spill:
    """Numbered byte strings, returned in the order of their arrival; at most one block is in memory.

    The file on disk has no name: the system deletes it when the process ends.
    """

    def __init__(self, scratch: Path, block_bytes: int) -> None:
        self.entries = 0
        self.bytes = 0
        self._scratch = scratch
        self._block_bytes = block_bytes
        self._block = bytearray()
        self._file: BinaryIO | None = None

    def add(self, number: int, entry: bytes) -> None:
        """Append *entry*."""
        self.entries += 1
        self.bytes += len(entry)
        self._block += _FRAME.pack(number, len(entry))
        self._block += entry
        if len(self._block) >= self._block_bytes:
            self._write_block()

    def drain(self) -> Iterator[tuple[int, bytes]]:
        """Yield every entry with its number, once; afterwards the space is free."""
        if self._file is not None:
            self._file.seek(0)
            while size := self._file.read(_SIZE.size):
                yield from _entries(zlib.decompress(self._file.read(_SIZE.unpack(size)[0])))
        yield from _entries(bytes(self._block))
        self.close()

    def close(self) -> None:
        """Delete all entries."""
        self._block = bytearray()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write_block(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(dir=self._scratch)  # noqa: SIM115 - open until drained
        packed = zlib.compress(self._block, FASTEST)
        self._file.write(_SIZE.pack(len(packed)) + packed)
        self._block = bytearray()


def _entries(block: bytes) -> Iterator[tuple[int, bytes]]:
    at, end = 0, len(block)
    while at < end:
        number, size = _FRAME.unpack_from(block, at)
        at += _FRAME.size
        yield number, block[at : at + size]
        at += size
