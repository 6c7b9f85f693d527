"""Cuts rendered bytes into parts: each is uploaded while the next one fills."""

import zlib
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from assetline.errors import PartsExhausted
from assetline.export.checkpoint import Checkpoint
from assetline.export.sealed_parts import MIN_PART_BYTES, SealedPart, part_bytes


class PartWriter:
    """Cuts bytes into parts from a checkpoint on; holds at most two parts: filled or uploaded.

    *put* stores a part under its number. Leaving the writer without an error means that every sealed part is stored; an
    error of *put* is raised then. *parts* are the parts sealed before; the writer adds its own. `bytes` and `crc32`
    cover all bytes since the start of the export.
    """

    def __init__(
        self, checkpoint: Checkpoint, tail: bytes, parts: list[SealedPart], put: Callable[[int, bytes], object]
    ) -> None:
        self.next_part = checkpoint.next_part
        self._parts = parts
        self.bytes = checkpoint.bytes
        self.crc32 = checkpoint.crc32
        self._last_part = checkpoint.last_part
        self._filling = bytearray(tail)
        self._put = put
        self._uploading: list[Future[object]] = []  # two at the end of a feed, else one at most
        self._noting: Future[None] | None = None
        self._ending = False
        self._threads = ThreadPoolExecutor(max_workers=3, thread_name_prefix="upload")  # two parts, and a callback

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._wait()
        finally:
            self._threads.shutdown(cancel_futures=True)

    def write(self, rendered: bytes) -> None:
        """Add bytes; raises an error of *put* for an earlier part."""
        self.bytes += len(rendered)
        self.crc32 = zlib.crc32(rendered, self.crc32)
        self._filling += rendered
        while len(self._filling) >= (size := part_bytes(self.next_part)):
            self._seal(size)

    def tail(self) -> bytes:
        """Return the bytes that are not a part yet."""
        return bytes(self._filling)

    def when_stored(self, note: Callable[[], None]) -> None:
        """Call *note* after all parts sealed so far are stored, unless the turn ends first; delays no writing.

        An error of *note* is raised like an error of *put*.
        """
        uploading = [*self._uploading]

        def stored() -> None:
            if all(upload.exception() is None for upload in uploading) and not self._ending:
                note()

        self._noting = self._threads.submit(stored)

    def end_turn(self) -> bytes:
        """Seal the rest if it is large enough for a part, and return the tail, under 5 MiB.

        A callback of `when_stored` has run or never runs, so that the caller may store the next checkpoint.
        """
        self._ending = True
        if self._noting is not None:
            self._noting.result()
        if len(self._filling) >= MIN_PART_BYTES:
            self._seal(len(self._filling))
        return bytes(self._filling)

    def end_feed(self) -> None:
        """Seal the rest as the last part, which may have any size; it is uploaded beside the part before it."""
        self._ending = True
        if self._filling:
            self._upload(len(self._filling))

    def _seal(self, size: int) -> None:
        self._wait()
        self._upload(size)

    def _upload(self, size: int) -> None:
        if self.next_part > self._last_part:
            raise PartsExhausted(f"The export does not fit in {self._last_part} parts. Export it in smaller pieces.")
        sealed = bytes(memoryview(self._filling)[:size])
        del self._filling[:size]
        self._uploading.append(self._threads.submit(self._put, self.next_part, sealed))
        self._parts.append(SealedPart(size, zlib.crc32(sealed)))
        self.next_part += 1

    def _wait(self) -> None:
        for pending in (*self._uploading, self._noting):
            if pending is not None:
                pending.result()
        self._uploading, self._noting = [], None
