"""The folder of a download: a file gets its name only after it is complete and verified."""

from __future__ import annotations

import errno
import os
import re
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from itertools import chain
from pathlib import PurePosixPath
from stat import S_ISREG
from typing import TYPE_CHECKING

from assetline.assets.asset_file import failed, names_with_id
from assetline.assets.file_names import UNDATED, folded
from assetline.download.fetch_file import Fetch, NotKept, VerifiedBody
from assetline.vi.crc32c import Crc32c
from assetline_cli.assets.renamed_files import keep_renamed
from assetline_cli.errors import CommandFailed
from assetline_cli.filesystem import part_of, remove_abandoned

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from assetline.assets.asset_file import AssetFile, FileOutcome
    from assetline_cli.assets.renamed_files import RenamedFile

PIECE = 1024**2
# The next file would fail with these errors, too.
_OF_ALL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EACCES, errno.EPERM, errno.EMFILE})


@dataclass
class FolderFetch(Fetch):
    """Downloads files to a folder; without `overwrite` it replaces no file by another."""

    place: DownloadFolder

    def download(self, file: AssetFile) -> FileOutcome:
        """Return the outcome of a file, under its name in the folder; raises as `Fetch.download`."""
        try:
            self.place.admit(file)
        except NotKept as failure:
            return failed(file, failure.reason, str(failure))
        if self.overwrite:
            return super().download(file)
        with self.place.free_name(file) as named:
            return super().download(named)


class DownloadFolder:
    """Puts files below *folder*; threads share one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._under_way: dict[str, str] = {}  # asset IDs, by the folded names reserved for them
        self._equal: dict[str, int] = {}  # checksums by name: no file is read twice

    def room(self, file: AssetFile) -> AbstractContextManager[object]:  # noqa: ARG002 - every place has it
        """Return at once: only one piece of a file is in memory."""
        return nullcontext()

    @contextmanager
    def free_name(self, file: AssetFile) -> Iterator[AssetFile]:
        """Yield *file* under its name; if another file has it, under the first free name with its ID."""
        named = self._free(file)
        try:
            yield named
        finally:
            self._equal.pop(named.name, None)
            del self._under_way[folded(named.name)]

    def _free(self, file: AssetFile) -> AssetFile:
        for name in chain([file.name], names_with_id(file)):
            if self._under_way.setdefault(folded(name), file.asset_id) == file.asset_id:
                named = file if name == file.name else file.model_copy(update={"name": name})
                if not self._is_another(named):
                    return named
                del self._under_way[folded(name)]
        raise AssertionError("the names do not end, so one of them is free")

    def _is_another(self, file: AssetFile) -> bool:
        """Return whether a different file has the name; without a checksum in Vi, the size decides."""
        try:
            found = (self._folder / file.name).stat()
        except OSError:
            return False
        if not S_ISREG(found.st_mode) or file.size not in {None, found.st_size}:
            return True
        if file.size is None or not file.crc32c:
            return False
        checksum = self._checksum(file.name)
        if checksum not in file.crc32c:
            return True
        self._equal[file.name] = checksum
        return False

    def _checksum(self, name: str) -> int | None:
        checksum = Crc32c()
        try:
            with (self._folder / name).open("rb") as existing:
                while piece := existing.read(PIECE):
                    checksum.update(piece)
        except OSError:
            return None
        return checksum.signed

    def held(self, file: AssetFile) -> int | None:
        """Return the signed CRC32C of the existing file if `free_name` found it equal, else None."""
        return self._equal.get(file.name)

    def put(self, file: AssetFile, arriving: VerifiedBody) -> None:
        """Write a file under a temporary name, and rename it after it is verified.

        Raises:
            NotKept: this file cannot be written.
            CommandFailed: no file can be written.
        """
        path = self._folder / file.name
        try:
            with part_of(path) as descriptor:
                _write(descriptor, arriving)
        except OSError as error:
            raise self._failure(error) from error

    def admit(self, file: AssetFile) -> None:
        """Refuse a file below a linked folder: the link may lead anywhere.

        Raises:
            NotKept: a folder of the file is a link.
        """
        parents = PurePosixPath(file.name).parents[:-1] if "/" in file.name else ()
        for parent in parents:
            path = self._folder / parent
            if path.is_symlink() or path.is_junction():
                raise NotKept(
                    "NotStored", f"Its folder {str(path)!r} is a link, which is not followed. Remove the link."
                )

    def remove_abandoned(self) -> int:
        """Remove files of killed runs from the folder and its folders by date; return their number."""
        try:
            return remove_abandoned(_and_by_date(self._folder))
        except OSError as error:
            raise self._failure(error) from error

    def keep_renamed(self, renamed: Iterable[RenamedFile]) -> None:
        """Record in the folder the files whose names differ from those of their assets; raises as `put`."""
        try:
            keep_renamed(self._folder, renamed)
        except OSError as error:
            raise self._failure(error) from error

    def _failure(self, error: OSError) -> Exception:
        if error.errno in _OF_ALL:
            return CommandFailed(
                f"Cannot write to {str(self._folder)!r} any more ({error.strerror}). Fix that and run the "
                "command again; complete files are skipped."
            )
        return NotKept("NotStored", f"{error.strerror}.")


def _write(descriptor: int, arriving: VerifiedBody) -> None:
    # System calls without a file object, which makes twice as many: each of them may switch threads.
    for piece in arriving:
        left = memoryview(piece)
        while left:  # a write may accept only a part
            left = left[os.write(descriptor, left) :]


def _and_by_date(folder: Path) -> Iterator[Path]:
    """Yield *folder* and its folders by date, but none behind a link."""
    yield folder
    for folders in ([UNDATED], [r"\d{4}", r"\d\d", r"\d\d"]):
        found = [folder]
        for pattern in folders:
            found = [below for parent in found for below in _below(parent, re.compile(pattern))]
        yield from found


def _below(folder: Path, pattern: re.Pattern[str]) -> list[Path]:
    with os.scandir(folder) as entries:
        return [
            folder / entry.name
            for entry in entries
            if pattern.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False)
        ]
