"""`assetline assets verify`: names, sizes and checksums, both ways."""

import json
import os
from pathlib import Path

import pytest

from assetline.ingest.asset_names import asset_filename
from tests.cli.account import Account, Run
from tests.cli.assets.conftest import Held
from tests.cli.screens import screen, shown_on


@pytest.fixture
def downloaded(vi: Held, assetline: Run, folder: Path) -> Path:
    vi.holds("a.png", "b.png", "b.png", "sub/c.png")
    assert assetline("assets", "download", "ds1", str(folder)).exit_code == 0
    return folder


def test_a_complete_download_is_equal(vi: Held, assetline: Run, downloaded: Path) -> None:
    (downloaded / f".{'0a' * 16}.part").write_bytes(b"half")
    (downloaded / ".DS_Store").write_bytes(b"of another program")
    verified = assetline("assets", "verify", "ds1", str(downloaded))
    assert (verified.exit_code, verified.stdout) == (0, "")
    assert verified.stderr == f"4 files of ds1 are equal in {downloaded}.\n"


def test_a_folder_just_uploaded_is_equal_without_skipped_files(vi: Held, assetline: Run, downloaded: Path) -> None:
    for name in ("notes.txt", "Thumbs.db", ".hidden"):
        (downloaded / name).write_bytes(b"beside the pictures")
    verified = assetline("assets", "verify", "ds1", str(downloaded))
    assert (verified.exit_code, verified.stdout) == (0, "")
    assert verified.stderr == (
        f"4 files of ds1 are equal in {downloaded}; 2 files that `assetline drops upload` skips.\n"
    )


def test_every_difference_is_reported_and_ends_with_1(vi: Held, assetline: Run, downloaded: Path) -> None:
    (downloaded / "a.png").write_bytes(b"Bytes of a.png")
    (downloaded / "b.png").write_bytes(b"shorter")
    (downloaded / "sub_c.png").unlink()
    (downloaded / "of nobody.png").write_bytes(b"")
    verified = assetline("assets", "verify", "ds1", str(downloaded))
    assert verified.exit_code == 1
    assert [line.split("\t")[:2] for line in verified.stdout.splitlines()] == [
        ["checksum differs", "a.png"],
        ["size differs", "b.png"],
        ["missing in Vi", "of nobody.png"],
        ["missing there", "sub_c.png"],
    ]
    kinds = "1 with another checksum; 1 of another size; 1 missing in Vi; 1 missing there."
    assert verified.stderr == f"1 file of ds1 is equal in {downloaded}; {kinds}\n"
    printed = [
        json.loads(line) for line in assetline("assets", "verify", "ds1", str(downloaded), "--json").stdout.splitlines()
    ]
    assert printed[1] == {
        "name": "b.png",
        "kind": "size differs",
        "asset_id": "asset-000002",
        "in_vi": "14",
        "there": "7",
    }


def test_a_prefix_in_s3_by_what_is_stored_or_else_by_its_bytes(vi: Held, assetline: Run, account: Account) -> None:
    vi.holds("a.png", "b.png", "c.png")
    s3 = account.session.client("s3")
    for name, content in {"a.png": b"bytes of a.png", "b.png": b"Bytes of b.png", "c.png": b"bytes of c.png"}.items():
        s3.put_object(Bucket="the-exports", Key=f"downloads/ds1/{name}", Body=content)
    s3.put_object(Bucket="the-exports", Key="downloads/ds1.manifest.json", Body=b"{}")
    verified = assetline("assets", "verify", "ds1", "s3://the-exports/downloads/ds1")
    assert (verified.exit_code, verified.stdout.split("\t")[:2]) == (1, ["checksum differs", "b.png"])
    assert len(verified.stdout.splitlines()) == 1


def test_only_selected_assets_are_compared_by_date(vi: Held, assetline: Run, folder: Path) -> None:
    vi.holds("a.png", "b.jpg")
    words = ("ds1", str(folder), "--name", "*.png", "--by-date")
    assert assetline("assets", "download", *words).exit_code == 0
    assert assetline("assets", "verify", *words).exit_code == 0
    assert assetline("assets", "verify", "ds1", str(folder)).exit_code == 1


def test_an_unreadable_target_is_one_message(vi: Held, assetline: Run, folder: Path) -> None:
    vi.holds("a.png")
    nowhere = assetline("assets", "verify", "ds1", str(folder))
    assert (nowhere.exit_code, nowhere.stderr) == (
        1,
        f"Error: Folder {str(folder)!r} does not exist. Name a folder with downloaded files.\n",
    )
    assert "Bucket 'nope' does not exist" in assetline("assets", "verify", "ds1", "s3://nope/x").stderr
    assert "no dataset 'nope'" in assetline("assets", "verify", "nope", "s3://the-exports/").stderr


def test_an_asset_whose_name_begins_with_a_dot_is_no_hidden_file(vi: Held, assetline: Run, folder: Path) -> None:
    vi.holds(".x.png", f".{'0a' * 16}.png")
    assert assetline("assets", "download", "ds1", str(folder)).exit_code == 0
    verified = assetline("assets", "verify", "ds1", str(folder))
    assert (verified.exit_code, verified.stderr) == (0, f"2 files of ds1 are equal in {folder}.\n")


def test_a_disk_that_decomposes_accents_has_the_files(vi: Held, assetline: Run, folder: Path) -> None:
    vi.holds("\u00e9.png")
    folder.mkdir()
    (folder / "e\u0301.png").write_bytes("bytes of \u00e9.png".encode())
    assert assetline("assets", "verify", "ds1", str(folder)).exit_code == 0


def test_files_are_found_under_the_paths_they_were_dropped_under(vi: Held, assetline: Run, folder: Path) -> None:
    paths = {"one.png": b"1", "more/four.png": b"4", "more__four.png": b"another", "a/b/c.png": b"3"}
    for path, content in paths.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
        vi.holds(asset_filename(path), content=content)
    verified = assetline("assets", "verify", "ds1", str(folder))
    assert (verified.exit_code, verified.stderr) == (0, f"4 files of ds1 are equal in {folder}.\n")
    (folder / "more/four.png").write_bytes(b"!")
    verified = assetline("assets", "verify", "ds1", str(folder))
    assert verified.stderr.startswith("3 files of ds1 are equal")
    assert verified.exit_code == 1


def test_a_name_that_is_not_utf_8_is_missing_in_vi(vi: Held, assetline: Run, downloaded: Path) -> None:
    (downloaded / os.fsdecode(b"\xff.png")).write_bytes(b"")
    verified = assetline("assets", "verify", "ds1", str(downloaded))
    assert (verified.exit_code, verified.stdout) == (1, "missing in Vi\t\\udcff.png\t\t\t0\n")


def test_a_file_beside_another_of_its_name_is_the_asset(vi: Held, assetline: Run, folder: Path) -> None:
    vi.holds("a.png")
    folder.mkdir()
    (folder / "a.png").write_bytes(b"mine")
    assert assetline("assets", "download", "ds1", str(folder)).exit_code == 0
    verified = assetline("assets", "verify", "ds1", str(folder))
    assert (verified.exit_code, verified.stdout) == (1, "missing in Vi\ta.png\t\t\t4\n")
    assert verified.stderr == f"1 file of ds1 is equal in {folder}; 1 missing in Vi.\n"
    (folder / "a.png").unlink()
    assert assetline("assets", "verify", "ds1", str(folder)).exit_code == 0


def test_two_assets_of_one_content_are_not_one_file(vi: Held, assetline: Run, folder: Path) -> None:
    vi.holds("more__four.png", asset_filename("more__four.png"), content=b"4")
    folder.mkdir()
    (folder / "more__four.png").write_bytes(b"4")
    verified = assetline("assets", "verify", "ds1", str(folder))
    assert [line.split("\t")[0] for line in verified.stdout.splitlines()] == ["missing there"]


def test_an_id_that_no_asset_has_is_a_difference(vi: Held, assetline: Run, folder: Path) -> None:
    vi.holds("a.png")
    folder.mkdir()
    verified = assetline("assets", "verify", "ds1", str(folder), "--id", "nope")
    assert (verified.exit_code, verified.stdout) == (1, "no such asset\t\tnope\t\t\n")
    assert verified.stderr == f"0 files of ds1 are equal in {folder}; 1 with an ID that no asset has.\n"
    out = screen()
    assetline("assets", "verify", "ds1", str(folder), "--id", "nope", out=out)
    assert shown_on(out).startswith("no such asset     nope\n")


def test_a_record_without_an_id_cannot_be_compared(vi: Held, assetline: Run, downloaded: Path) -> None:
    vi.holds("d.png")[0].asset_id = ""
    verified = assetline("assets", "verify", "ds1", str(downloaded))
    assert verified.exit_code == 1
    assert verified.stderr == f"4 files of ds1 are equal in {downloaded}; 1 without an ID, which cannot be compared.\n"
