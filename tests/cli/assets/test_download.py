"""`assetline assets download`: complete and verified files under their names, or none."""

import errno
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from assetline_cli.assets.renamed_files import renamed_in
from assetline_cli.clock import Clock
from local.emulators.vi.scenario import DownloadFault, ViScenario
from tests.cli.account import Account, Run
from tests.cli.assets.conftest import Held, files
from tests.cli.screens import screen, shown_on


def test_every_file_is_there_and_a_repeat_fetches_none(vi: Held, assetline: Run, folder: Path) -> None:
    vi.holds("a.png", "sub/b.png")
    first = assetline("assets", "download", "ds1", str(folder))
    assert (first.exit_code, files(folder)) == (0, {"a.png": b"bytes of a.png", "sub_b.png": b"bytes of sub/b.png"})
    assert f"Downloaded 2 files (32 B) to {folder}." in first.stdout
    vi.vi.forget()
    repeated = assetline("assets", "download", "ds1", str(folder))
    assert "skipped 2 that exist already" in repeated.stdout
    assert not vi.vi.requests("_objects", "GET")


def test_a_differing_file_is_kept_and_replaced_only_with_overwrite(vi: Held, assetline: Run, folder: Path) -> None:
    vi.holds("a.png", "b.png")
    folder.mkdir()
    mine = b"Bytes of a.png"  # of equal size
    (folder / "a.png").write_bytes(mine)
    (folder / "b.png").write_bytes(b"bytes of b.png")
    ended = assetline("assets", "download", "ds1", str(folder))
    assert "Downloaded 1 file (14 B)" in ended.stdout
    assert ended.stderr == "Another file is named a.png. Saved this one as a~asset-000001.png.\n"
    beside = {"a.png": mine, "a~asset-000001.png": b"bytes of a.png", "b.png": b"bytes of b.png"}
    assert files(folder) == beside
    repeated = assetline("assets", "download", "ds1", str(folder))
    assert ("skipped 2 that exist already" in repeated.stdout, repeated.stderr, files(folder)) == (True, "", beside)
    assert "Downloaded 2 files" in assetline("assets", "download", "ds1", str(folder), "--overwrite").stdout
    assert files(folder)["a.png"] == b"bytes of a.png"


def test_a_narrower_download_replaces_no_file_of_another_asset(vi: Held, assetline: Run, folder: Path) -> None:
    vi.holds("b.png", content=b"one")
    vi.holds("b.png", content=b"two")
    narrower = ("assets", "download", "ds1", str(folder), "--id", "asset-000002")
    assert assetline("assets", "download", "ds1", str(folder)).exit_code == 0
    assert "skipped 1 that exist already" in assetline(*narrower).stdout
    (folder / "b~asset-000002.png").unlink()
    assert "Downloaded 1 file" in assetline(*narrower).stdout
    assert files(folder) == {"b.png": b"one", "b~asset-000002.png": b"two"}


@pytest.mark.parametrize("what", ["short", "wrong", "expired", "status"])
def test_a_failed_file_leaves_nothing_and_is_reported(
    vi: Held, assetline: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, what: Any
) -> None:
    monkeypatch.setattr("random.uniform", lambda *_: 0.0)
    vi.holds("a.png", "b.png")
    vi.plays(DownloadFault(filename="b.png", what=what))
    ended = assetline("assets", "download", "ds1", str(folder))
    assert (ended.exit_code, files(folder)) == (1, {"a.png": b"bytes of a.png"})
    assert "Not downloaded: b.png: " in ended.stderr
    assert "Run the command again to download the missing files." in ended.stderr
    vi.plays()
    assert assetline("assets", "download", "ds1", str(folder)).exit_code == 0
    assert files(folder)["b.png"] == b"bytes of b.png"


def test_names_stay_in_the_folder_and_equal_names_get_ids(vi: Held, assetline: Run, folder: Path) -> None:
    vi.holds("../a.png", "b.png", "b.png")
    assert assetline("assets", "download", "ds1", str(folder)).exit_code == 0
    assert files(folder).keys() == {".._a.png", "b.png", "b~asset-000003.png"}
    assert {path.name for path in folder.parent.iterdir()} == {"photos"}


def test_a_list_in_the_folder_has_the_renamed_files(vi: Held, assetline: Run, folder: Path) -> None:
    vi.holds("a:b.png", "CON.png", "c.png", "a?b.png", "x.png.")
    words = ("assets", "download", "ds1", str(folder))
    for more in ((), ("--id", "asset-000002")):
        assert assetline(*words, *more).exit_code == 0
        assert renamed_in(folder) == [
            ("_CON.png", "CON.png", "asset-000002"),
            ("a_b.png", "a:b.png", "asset-000001"),
            ("a_b~asset-000004.png", "a?b.png", "asset-000004"),
            ("x.png_", "x.png.", "asset-000005"),
        ]
    assert assetline("assets", "verify", "ds1", str(folder)).exit_code == 0


def test_a_full_disk_ends_it_with_a_message_and_no_half_file(
    vi: Held, assetline: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vi.vi.has(ViScenario(holds={"ds1": 600}))
    original = os.write

    def nearly_full(descriptor: int, piece: bytes) -> int:
        if len(list(folder.glob("*.png"))) < 3:
            return original(descriptor, piece[:100])  # a part of it is taken: the rest is for the next call
        original(descriptor, piece[:5])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", nearly_full)
    ended = assetline("assets", "download", "ds1", str(folder))
    assert ended.exit_code == 1
    assert f"Error: Cannot write to {str(folder)!r} any more (No space left on device)" in ended.stderr
    assert len(vi.vi.requests("_objects", "GET")) < 600
    held, written = vi.vi.assets("ds1"), files(folder)
    assert len(written) >= 3
    assert all(content == held[name].content.read() for name, content in written.items())


def test_only_selected_assets_arrive_in_folders_by_date(vi: Held, assetline: Run, folder: Path) -> None:
    small, large = vi.holds("a.png", content=b"a"), vi.holds("b.png", content=b"b" * 1000)
    for asset in small + large:
        asset.created = int(datetime(2026, 11, 20, 23, 30, tzinfo=UTC).timestamp() * 1000)
    words = ("--min-bytes", "100", "--uploaded-after", "2026-11-20", "--uploaded-before", "2026-11-21", "--by-date")
    ended = assetline("assets", "download", "ds1", str(folder), *words)
    assert files(folder).keys() == {"2026/11/20/b.png"}
    assert "excluded 1 by the conditions" in ended.stdout
    assert assetline("assets", "download", "ds1", str(folder), "--id", "asset-nope").exit_code == 1


def test_an_error_of_every_file_is_one_message(vi: Held, assetline: Run, folder: Path, account: Account) -> None:
    vi.holds("a.png")
    unknown = assetline("assets", "download", "nope", str(folder))
    assert (unknown.exit_code, unknown.stderr) == (
        1,
        "Error: Vi has no dataset 'nope': check its id. `assetline datasets list` lists them.\n",
    )
    vi.plays(key="dtvi_another")
    assert "Error: Vi refused the key (401)" in assetline("assets", "download", "ds1", str(folder)).stderr
    malformed = assetline("assets", "download", "ds1", str(folder), "--id", "a", "--filter", "b")
    assert "`ids` cannot be combined" in malformed.stderr
    account.parameters = {}
    assert "which commands for Vi need. Redeploy it" in assetline("assets", "count", "ds1").stderr
    assert files(folder) == {}


def test_a_file_is_no_folder_to_download_into(vi: Held, assetline: Run, folder: Path) -> None:
    vi.holds("a.png")
    folder.write_bytes(b"a file")
    ended = assetline("assets", "download", "ds1", str(folder))
    assert (ended.exit_code, ended.stderr) == (
        1,
        f"Error: Cannot write to {str(folder)!r} (File exists). Name another folder that you may write to.\n",
    )


def test_a_record_without_an_id_is_reported_and_ends_with_1(vi: Held, assetline: Run, folder: Path) -> None:
    vi.holds("a.png", "b.png")[1].asset_id = ""
    ended = assetline("assets", "download", "ds1", str(folder))
    assert (ended.exit_code, files(folder)) == (1, {"a.png": b"bytes of a.png"})
    assert ended.stderr == "Vi listed 1 asset without an ID, which cannot be downloaded.\n"


def test_a_terminal_shows_how_far_it_is(
    vi: Held, assetline: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("random.uniform", lambda *_: 0.0)
    vi.holds("a.png", "b.png", "c.png")
    vi.plays(DownloadFault(filename="c.png", what="status"))
    words = ("assets", "download", "ds1", str(folder))
    assert assetline(*words, "--id", "asset-000001").exit_code == 0
    out = screen()
    assert assetline(*words, out=out).exit_code == 1
    seen = ("✓ Downloading ds1", "100%", "3 of 3 files", "42 B of 42 B", "1 skipped", "1 failed")
    assert [word for word in seen if word not in shown_on(out)] == []
    quiet = screen()
    assetline(*words, "--no-progress", out=quiet)
    assert "Downloading ds1" not in shown_on(quiet)


def test_nothing_of_an_interrupted_download_is_half_there(vi: Held, assetline: Run, folder: Path) -> None:
    vi.holds(*(f"{number}.png" for number in range(200)))
    calls = 0

    def now() -> datetime:
        nonlocal calls
        calls += 1
        if calls == 5:
            raise KeyboardInterrupt
        return datetime(2026, 11, 21, tzinfo=UTC)

    ended = assetline("assets", "download", "ds1", str(folder), clock=Clock(now=now))
    assert ended.exit_code == 130
    assert all(content == f"bytes of {name}".encode() for name, content in files(folder).items())


def test_the_next_download_removes_files_of_a_killed_one(vi: Held, assetline: Run, folder: Path) -> None:
    vi.holds("a.png")
    left = [f".{'0' * 32}.part", f"2026/11/21/.{'1' * 32}.part", f"undated/.{'2' * 32}.part"]
    mine = [f"sub/.{'3' * 32}.part", ".mine.part", f"linked/11/21/.{'4' * 32}.part"]
    for name in left + mine:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"half")
    (folder / "2025").symlink_to(folder / "linked", target_is_directory=True)
    assert assetline("assets", "download", "ds1", str(folder)).exit_code == 0
    assert files(folder).keys() == {"a.png", *mine}


def test_a_linked_folder_is_not_followed(vi: Held, assetline: Run, folder: Path, tmp_path: Path) -> None:
    (asset,) = vi.holds("a.png")
    asset.created = int(datetime(2026, 11, 20, tzinfo=UTC).timestamp() * 1000)
    (tmp_path / "elsewhere/11/20").mkdir(parents=True)
    (tmp_path / "elsewhere/11/20/a.png").write_bytes(b"bytes of a.png")
    folder.mkdir()
    (folder / "2026").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    for words in ((), ("--overwrite",)):
        ended = assetline("assets", "download", "ds1", str(folder), "--by-date", *words)
        assert ended.exit_code == 1
        assert f"Its folder {str(folder / '2026')!r} is a link, which is not followed" in ended.stderr
    assert files(tmp_path / "elsewhere") == {"11/20/a.png": b"bytes of a.png"}
    assert assetline("assets", "verify", "ds1", str(folder), "--by-date").exit_code == 1
    asset.filename = "b.png"
    assert assetline("assets", "download", "ds1", str(folder)).exit_code == 0
    assert files(tmp_path / "elsewhere").keys() == {"11/20/a.png"}


def test_sixteen_thousand_and_one_assets_arrive_completely(vi: Held, assetline: Run, folder: Path) -> None:
    vi.vi.has(ViScenario(holds={"ds1": 16_001}))
    ended = assetline("assets", "download", "ds1", str(folder), "--no-progress")
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert files(folder) == {name: asset.content.read() for name, asset in vi.vi.assets("ds1").items()}
    assert len(vi.vi.requests("_objects", "GET")) == 16_001
