"""The account, the screen and the files that the commands for drops are tested with."""

from pathlib import Path

import pytest

from tests.cli.account import Account
from tests.cli.drops.drop_account import DropAccount


@pytest.fixture
def drops(account: Account) -> DropAccount:
    return DropAccount(account)


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with two pictures, and be beside it."""
    monkeypatch.chdir(tmp_path)
    has(Path("photos"), "a.png", "sub/b.jpg")
    return Path("photos")


def has(folder: Path, *names: str) -> None:
    """Put files into *folder*."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"bytes of " + name.encode(errors="surrogateescape"))
