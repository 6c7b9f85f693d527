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
    """Cuts bytes into parts from a checkpoint on; holds one part being filled and one being uploaded.

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
        self._uploading: Future[object] | None = None
        self._noting: Future[None] | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="upload")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._wait()
        finally:
            self._thread.shutdown(cancel_futures=True)

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
        """Call *note* after all parts sealed so far are stored, without delaying the writer.

        An error of *note* is raised like an error of *put*.
        """
        uploading = self._uploading

        def stored() -> None:
            if uploading is None or uploading.exception() is None:
                note()

        self._noting = self._thread.submit(stored)  # the single thread has stored the part by then

    def end_turn(self) -> bytes:
        """Seal the rest if it is large enough for a part, and return the tail, under 5 MiB.

        All callbacks of `when_stored` have run by then, so that the caller may store the next checkpoint.
        """
        if self._noting is not None:
            self._noting.result()
            self._noting = None
        if len(self._filling) >= MIN_PART_BYTES:
            self._seal(len(self._filling))
        return bytes(self._filling)

    def end_feed(self) -> None:
        """Seal the rest as the last part, which may have any size."""
        if self._filling:
            self._seal(len(self._filling))

    def _seal(self, size: int) -> None:
        if self.next_part > self._last_part:
            raise PartsExhausted(f"The export does not fit in {self._last_part} parts. Export it in smaller pieces.")
        self._wait()
        sealed = bytes(memoryview(self._filling)[:size])
        del self._filling[:size]
        self._uploading = self._thread.submit(self._put, self.next_part, sealed)
        self._parts.append(SealedPart(size, zlib.crc32(sealed)))
        self.next_part += 1

    def _wait(self) -> None:
        for pending in (self._uploading, self._noting):
            if pending is not None:
                pending.result()
        self._uploading = self._noting = None
