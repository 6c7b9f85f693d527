"""Write files so that each gets its name only after it is complete.

Until then a file, a part, has a temporary name. A killed run leaves its parts. The next run into that folder removes
them, but no part that is being written.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from assetline_cli.errors import CommandFailed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PART = re.compile(r"\.[0-9a-f]{32}\.part")
OLD_SECONDS = 86_400  # ours: on a disk without locks, a part unchanged for so long is abandoned


@contextmanager
def part_of(path: Path) -> Iterator[int]:
    """Yield a descriptor to write the file of *path* to, which gets its name at the end, or is removed.

    Raises:
        OSError: the file cannot be written.
    """
    part, descriptor = _opened(path)
    try:
        try:
            yield descriptor
        finally:
            os.close(descriptor)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def remove_abandoned(folders: Iterable[Path]) -> int:
    """Remove the abandoned parts in *folders*, not below them, and return their number."""
    removed = 0
    for folder in folders:
        with os.scandir(folder) as entries:
            parts = [folder / entry.name for entry in entries if PART.fullmatch(entry.name)]
        removed += sum(map(_removed, parts))
    return removed


def _opened(path: Path) -> tuple[Path, int]:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)  # the last on Windows only
    while True:
        part = path.with_name(f".{uuid4().hex}.part")
        try:
            descriptor = os.open(part, flags, 0o666)
        except FileNotFoundError:  # the first file of a folder
            path.parent.mkdir(parents=True, exist_ok=True)
            continue
        if _is_kept(descriptor):
            return part, descriptor
        os.close(descriptor)  # another run removed it between the two calls, as abandoned


if sys.platform == "win32":  # Windows removes no file that is open

    def _is_kept(descriptor: int) -> bool:
        del descriptor
        return True

    def _removed(part: Path) -> bool:
        try:
            part.unlink()
        except OSError:
            return False
        return True
else:
    import fcntl

    def _is_kept(descriptor: int) -> bool:
        """Lock a new file until it is closed or the program ends; return whether it still exists."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # a disk without locks
            return True
        return os.fstat(descriptor).st_nlink > 0

    def _removed(part: Path) -> bool:
        try:
            descriptor = os.open(part, os.O_RDWR | os.O_NOFOLLOW)
        except OSError:  # it has just got its name, or it is another user's
            return False
        try:
            abandoned = _is_abandoned(descriptor)
            if abandoned:
                part.unlink(missing_ok=True)
        finally:
            os.close(descriptor)
        return abandoned

    def _is_abandoned(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return time.time() - os.fstat(descriptor).st_mtime > OLD_SECONDS
        return True


def ready_folder(folder: Path, another: str = "Name another folder with --to") -> None:
    """Create *folder* if missing, and check that it can be written to, before an export takes hours.

    *another* is the advice of the error.

    Raises:
        CommandFailed: it cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise CommandFailed(
            f"Cannot write to {str(folder)!r} ({error.strerror}). {another} that you may write to."
        ) from error
