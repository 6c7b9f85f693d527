"""A folder that is downloaded to: a file is complete under its name, or leaves nothing."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from assetline.assets.asset_file import AssetFile
from assetline.download.fetch_file import NotKept, VerifiedBody
from assetline.vi import crc32c
from assetline_cli.assets.download_folder import DownloadFolder

BODY = b"bytes" * 100_000


def file_of(name: str, body: bytes = BODY, asset_id: str = "a1", *, verified: bool = True) -> AssetFile:
    hash_ = {"algorithm": "crc32c", "contents": crc32c.of(body) if verified else None}
    record = {"assetId": asset_id, "filename": name, "metadata": {"fileSize": len(body), "hash": hash_}}
    return AssetFile.of(record, name)


def arriving(file: AssetFile, body: bytes = BODY) -> VerifiedBody:
    return VerifiedBody(iter([body]), file, lambda: False)


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let the system take the first *size* bytes of a file; Python ignores the signal for it."""
    earlier = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, earlier[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, earlier)


def test_a_piece_of_which_the_disk_takes_a_part_is_no_file(tmp_path: Path) -> None:
    file = file_of("a.png")
    with files_of_at_most(len(BODY) - 1), pytest.raises(NotKept):
        DownloadFolder(tmp_path).put(file, arriving(file))
    assert not [*tmp_path.iterdir()]


def test_a_name_that_a_folder_has_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "a.png").mkdir()
    with pytest.raises(NotKept):
        DownloadFolder(tmp_path).put(file_of("a.png"), arriving(file_of("a.png")))
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def named(place: DownloadFolder, file: AssetFile) -> str:
    with place.free_name(file) as free:
        return free.name


def test_a_name_is_free_until_another_file_has_it_or_is_about_to(tmp_path: Path) -> None:
    place, file = DownloadFolder(tmp_path), file_of("a.png")
    assert named(place, file) == "a.png"
    with place.free_name(file_of("a~a1.png", asset_id="a2")):
        (tmp_path / "a.png").write_bytes(b"another")
        assert named(place, file) == "a~a1~2.png"
    assert named(place, file) == "a~a1.png"
    (tmp_path / "a~a1.png").mkdir()
    assert named(place, file) == "a~a1~2.png"


def test_a_name_by_date_stays_in_its_folder(tmp_path: Path) -> None:
    file = file_of("a.png").model_copy(update={"name": "2026/11/21/a.png"})
    (tmp_path / "2026/11/21").mkdir(parents=True)
    (tmp_path / file.name).write_bytes(b"another")
    assert named(DownloadFolder(tmp_path), file) == "2026/11/21/a~a1.png"


def test_an_indistinguishable_file_counts_as_equal(tmp_path: Path) -> None:
    place, file = DownloadFolder(tmp_path), file_of("a.png", verified=False)
    (tmp_path / "a.png").write_bytes(b"?" * len(BODY))
    assert named(place, file) == "a.png"
    assert named(place, file_of("a.png")) == "a~a1.png"
    (tmp_path / "a.png").write_bytes(b"of another size")
    assert named(place, file) == "a~a1.png"
    assert named(place, file.model_copy(update={"size": None})) == "a.png"


def test_an_equal_file_is_held_while_its_name_is_reserved(tmp_path: Path) -> None:
    place, file = DownloadFolder(tmp_path), file_of("a.png")
    (tmp_path / "a.png").write_bytes(BODY)
    with place.free_name(file) as free:
        assert place.held(free) == crc32c.of(BODY)
