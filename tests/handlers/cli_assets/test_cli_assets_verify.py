"""`assetline assets verify`: names, sizes and checksums, both ways."""

import json
from pathlib import Path

import pytest

from tests.handlers.cli_account import Account, Run
from tests.handlers.cli_assets.conftest import Held


@pytest.fixture
def downloaded(vi: Held, assetline: Run, folder: Path) -> Path:
    vi.holds("a.png", "b.png", "b.png", "sub/c.png")
    assert assetline("assets", "download", "ds1", str(folder)).exit_code == 0
    return folder


def test_what_was_downloaded_is_equal(vi: Held, assetline: Run, downloaded: Path) -> None:
    (downloaded / ".hidden.part").write_bytes(b"half")
    verified = assetline("assets", "verify", "ds1", str(downloaded))
    assert (verified.exit_code, verified.stdout) == (0, "")
    assert verified.stderr == f"4 files of ds1 are equal in {downloaded}.\n"


def test_every_difference_is_told_and_ends_with_1(vi: Held, assetline: Run, downloaded: Path) -> None:
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
    told = [
        json.loads(line) for line in assetline("assets", "verify", "ds1", str(downloaded), "--json").stdout.splitlines()
    ]
    assert told[1] == {
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


def test_only_what_is_meant_by_date(vi: Held, assetline: Run, folder: Path) -> None:
    vi.holds("a.png", "b.jpg")
    words = ("ds1", str(folder), "--name", "*.png", "--by-date")
    assert assetline("assets", "download", *words).exit_code == 0
    assert assetline("assets", "verify", *words).exit_code == 0
    assert assetline("assets", "verify", "ds1", str(folder)).exit_code == 1


def test_what_cannot_be_compared_with_is_one_message(vi: Held, assetline: Run, folder: Path) -> None:
    vi.holds("a.png")
    nowhere = assetline("assets", "verify", "ds1", str(folder))
    assert (nowhere.exit_code, nowhere.stderr) == (1, f"Error: There is no folder {str(folder)!r} to compare with.\n")
    assert "There is no bucket 'nope'" in assetline("assets", "verify", "ds1", "s3://nope/x").stderr
    assert "no dataset 'nope'" in assetline("assets", "verify", "nope", "s3://the-exports/").stderr
