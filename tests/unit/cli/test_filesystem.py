"""Files under way: complete under their names, or removed; by the next run, where a run was killed."""

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from assetline_cli.filesystem import OLD_SECONDS, part_of, remove_abandoned

ABANDONED = f".{'0' * 32}.part"
WRITER = """
import os, sys, time
from pathlib import Path
from assetline_cli.filesystem import part_of
with part_of(Path(sys.argv[1]) / "a.png") as part:
    os.write(part, b"half")
    print("writing", flush=True)
    time.sleep(60)
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_complete_file_gets_its_name(tmp_path: Path) -> None:
    with part_of(tmp_path / "2026/11/a.png") as part:
        os.write(part, b"whole")
        assert names(tmp_path / "2026/11") != ["a.png"]
    assert (tmp_path / "2026/11/a.png").read_bytes() == b"whole"
    assert names(tmp_path / "2026/11") == ["a.png"]


def test_an_incomplete_file_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="short"), part_of(tmp_path / "a.png"):
        raise ValueError("short")
    assert names(tmp_path) == []


def test_the_part_of_a_killed_run_is_removed_and_not_that_of_a_live_one(tmp_path: Path) -> None:
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE)
    try:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"writing\n"
        (tmp_path / ABANDONED).write_bytes(b"half")
        assert remove_abandoned([tmp_path]) == 1
        assert len(names(tmp_path)) == 1
    finally:
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
    assert remove_abandoned([tmp_path]) == 1
    assert names(tmp_path) == []


def test_only_parts_are_removed(tmp_path: Path) -> None:
    for name in ("a.part", ".b.part", f"{'0' * 32}.part"):
        (tmp_path / name).write_bytes(b"mine")
    (tmp_path / f".{'1' * 32}.part").symlink_to(tmp_path / "a.part")
    assert remove_abandoned([tmp_path]) == 0
    assert len(names(tmp_path)) == 4


def test_a_part_that_another_run_removed_as_it_was_made_is_made_once_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, removed = fcntl.flock, list[Path]()

    def late(descriptor: int, how: int) -> None:
        if not removed:
            removed.extend(tmp_path.iterdir())
            removed[0].unlink()
        lock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with part_of(tmp_path / "a.png") as part:
        os.write(part, b"whole")
    assert (tmp_path / "a.png").read_bytes() == b"whole"


def test_without_locks_only_an_old_part_is_abandoned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(*_: int) -> None:
        raise OSError("no locks")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    part = tmp_path / ABANDONED
    part.write_bytes(b"half")
    assert remove_abandoned([tmp_path]) == 0
    os.utime(part, (0, part.stat().st_mtime - OLD_SECONDS - 60))
    assert remove_abandoned([tmp_path]) == 1
