"""Folders in memory: the time of a disk is in no figure."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

IN_MEMORY = Path("/dev/shm")  # noqa: S108 - a new folder is made in it


@contextmanager
def memory_folder() -> Iterator[Path]:
    """Make a folder in memory for the block; on a machine without one, on a disk."""
    with tempfile.TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else None) as folder:
        yield Path(folder)
