"""A folder that is downloaded to: a file is whole under its name, or nothing is left of it."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from assetline.dataset.fetch import Arriving, NotKept
from assetline.dataset.files import AssetFile
from assetline.vi import crc32c
from assetline_cli.assets.folder import FolderPlace

BODY = b"bytes" * 100_000


def file_of(name: str, body: bytes = BODY, asset_id: str = "a1", *, proven: bool = True) -> AssetFile:
    hash_ = {"algorithm": "crc32c", "contents": crc32c.of(body) if proven else None}
    record = {"assetId": asset_id, "filename": name, "metadata": {"fileSize": len(body), "hash": hash_}}
    return AssetFile.of(record, name)


def arriving(file: AssetFile, body: bytes = BODY) -> Arriving:
    return Arriving(iter([body]), file, lambda: False)


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let the system take the first *size* bytes of a file; Python ignores the signal that tells of it."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_piece_of_which_the_disk_takes_a_part_is_no_file(tmp_path: Path) -> None:
    file = file_of("a.png")
    with files_of_at_most(len(BODY) - 1), pytest.raises(NotKept):
        FolderPlace(tmp_path).put(file, arriving(file))
    assert not [*tmp_path.iterdir()]


def test_a_name_that_a_folder_has_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "a.png").mkdir()
    with pytest.raises(NotKept):
        FolderPlace(tmp_path).put(file_of("a.png"), arriving(file_of("a.png")))
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
