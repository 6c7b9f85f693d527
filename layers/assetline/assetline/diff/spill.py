"""Byte strings that wait in order, in memory while they are few, on disk when they are not."""

import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from struct import Struct
from typing import BinaryIO

FASTEST = 1  # zlib's level: a quarter of the room for a few seconds a gigabyte

_FRAME = Struct("<QI")  # an entry's number and size; its bytes follow
_SIZE = Struct("<I")  # a block's packed size; the block follows


class Spill:
    """Numbered byte strings, given back in the order they came; at most one block of them is in memory.

    What is on disk has no name: it is gone with the process, however that ends.
    """

    def __init__(self, scratch: Path, block_bytes: int) -> None:
        self.entries = 0
        self.bytes = 0
        self._scratch = scratch
        self._block_bytes = block_bytes
        self._block = bytearray()
        self._file: BinaryIO | None = None

    def add(self, number: int, entry: bytes) -> None:
        """Let *entry* wait behind those before it."""
        self.entries += 1
        self.bytes += len(entry)
        self._block += _FRAME.pack(number, len(entry))
        self._block += entry
        if len(self._block) >= self._block_bytes:
            self._write_block()

    def drain(self) -> Iterator[tuple[int, bytes]]:
        """Yield every entry and its number, once: when the last is taken, the room is free again."""
        if self._file is not None:
            self._file.seek(0)
            while size := self._file.read(_SIZE.size):
                yield from _entries(zlib.decompress(self._file.read(_SIZE.unpack(size)[0])))
        yield from _entries(bytes(self._block))
        self.close()

    def close(self) -> None:
        """Forget what waits."""
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
