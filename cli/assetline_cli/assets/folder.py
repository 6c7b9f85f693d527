"""A folder that files are downloaded to: a file has its name only when it is whole and proven."""

from __future__ import annotations

import errno
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING
from uuid import uuid4

from assetline.dataset.fetch import Arriving, NotKept
from assetline.vi.crc32c import Crc32c
from assetline_cli.errors import FolderFull

if TYPE_CHECKING:
    from io import BufferedWriter
    from pathlib import Path

    from assetline.dataset.files import AssetFile

PIECE = 1024**2
# What the next file would meet as well.
_OF_ALL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EACCES, errno.EPERM, errno.EMFILE})


class FolderPlace:
    """Puts files below *folder*."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def room(self, file: AssetFile) -> AbstractContextManager[object]:  # noqa: ARG002 - as every place has it
        """Return at once: of a file, one piece is in memory."""
        return nullcontext()

    def held(self, file: AssetFile) -> int | None:
        """Return the signed CRC32C of the file that is there, if it is of equal size and CRC32C; else None."""
        if file.size is None or not file.crc32c:
            return None
        path = self._folder / file.name
        try:
            if path.stat().st_size != file.size or not path.is_file():
                return None
            checksum = Crc32c()
            with path.open("rb") as there:
                while piece := there.read(PIECE):
                    checksum.update(piece)
        except OSError:
            return None
        return checksum.signed if checksum.signed in file.crc32c else None

    def put(self, file: AssetFile, arriving: Arriving) -> None:
        """Write a file beside its name, and rename it once it is proven.

        Raises:
            NotKept: this one cannot be written.
            FolderFull: none can.
        """
        path = self._folder / file.name
        part = path.with_name(f".{uuid4().hex}.part")
        try:
            try:
                _write(part, arriving)
                part.replace(path)
            except BaseException:
                part.unlink(missing_ok=True)
                raise
        except OSError as error:
            raise self._failure(error) from error

    def _failure(self, error: OSError) -> Exception:
        if error.errno in _OF_ALL:
            return FolderFull(
                f"Cannot write to {str(self._folder)!r} any more ({error.strerror}): put that right and start "
                "again. What is there is whole, and is skipped."
            )
        return NotKept("NotStored", f"{error.strerror}.")


def _write(part: Path, arriving: Arriving) -> None:
    with _opened(part) as writing:  # buffered: a raw file may take a part of a piece, and says so to who asks only
        for piece in arriving:
            writing.write(piece)


def _opened(part: Path) -> BufferedWriter:
    try:
        return part.open("xb")
    except FileNotFoundError:  # a folder by date, and the first file of its day
        part.parent.mkdir(parents=True, exist_ok=True)
        return part.open("xb")
