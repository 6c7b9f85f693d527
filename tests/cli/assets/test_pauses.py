"""Vi asking for pauses, and giving no answer, while a command asks it."""

import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from rich.console import Console

from local.emulators.vi.scenario import ApiFault
from tests.cli.account import Account, Run
from tests.cli.assets.conftest import Held, files


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assetline.vi.client.PAUSE", 0)


@pytest.fixture
def waited(account: Account) -> Callable[[], float]:
    """Return a function that returns the seconds waited."""
    account.then(*[lambda: None] * 40)
    began = account.now
    return lambda: (account.now - began) / timedelta(seconds=1)


@pytest.mark.parametrize(
    "words",
    [("list", "ds1"), ("count", "ds1"), ("get", "ds1", "asset-000001"), ("list", "ds1", "--id", "asset-000001")],
)
def test_a_pause_that_vi_asks_for_is_waited_out(
    vi: Held, assetline: Run, waited: Callable[[], float], words: tuple[str, ...]
) -> None:
    vi.holds("a.png")
    vi.plays(ApiFault(path="/assets", status=429, retry_after=7, times=2))
    ended = assetline("assets", *words)
    assert (ended.exit_code, ended.stderr, waited()) == (0, "", 14)
    assert ended.stdout


def test_a_download_waits_as_well(vi: Held, assetline: Run, folder: Path, waited: Callable[[], float]) -> None:
    vi.holds("a.png", "b.png")
    vi.plays(ApiFault(path="/assets", status=429, retry_after=50, times=1))
    assert assetline("assets", "download", "ds1", str(folder)).exit_code == 0
    assert (sorted(files(folder)), waited()) == (["a.png", "b.png"], 50)


def test_a_terminal_shows_the_pause(vi: Held, assetline: Run, waited: Callable[[], float]) -> None:
    vi.holds("a.png")
    vi.plays(
        ApiFault(path="/assets", status=429, retry_after=7, times=1), ApiFault(path="/assets", status=503, times=3)
    )
    err = Console(force_terminal=True, width=100, file=io.StringIO(), color_system=None)
    assert assetline("assets", "list", "ds1", err=err).exit_code == 0
    assert isinstance(err.file, io.StringIO)
    printed = err.file.getvalue().splitlines()
    assert printed == ["Vi requested a pause. Retrying in 7s.", "Vi did not answer. Retrying in 2s."]
    assert waited() == 9


def test_a_renaming_that_vi_puts_off_is_done_later(vi: Held, assetline: Run, waited: Callable[[], float]) -> None:
    vi.holds("a.png")
    vi.plays(ApiFault(method="POST", path="/name", status=429, retry_after=3, times=1))
    assert assetline("assets", "rename", "ds1", "asset-000001", "b.png").exit_code == 0
    assert (vi.names(), waited()) == ({"b.png"}, 3)


def test_a_renaming_whose_answer_is_lost_is_not_sent_again(
    vi: Held, assetline: Run, waited: Callable[[], float]
) -> None:
    vi.holds("a.png")
    vi.plays(ApiFault(method="POST", path="/name", status=503))
    vi.vi.forget()
    assert assetline("assets", "rename", "ds1", "asset-000001", "b.png").exit_code == 1
    assert (len(vi.vi.requests("/name", "POST")), waited()) == (1, 0)


@pytest.mark.parametrize(
    ("requested", "seconds", "message"),
    [
        (3600.0, 0, "Vi requested a pause of 1h 00m 00s (429). Run the command again later."),
        (
            200.0,
            200,
            "Vi requested a pause of 3m 20s (429), after 3m 20s of waiting. Run the command again later.",
        ),
        (None, 271, "Vi requested a pause (429), after 4m 31s of waiting. Run the command again later."),
    ],
)
def test_it_is_not_waited_for_ever(
    vi: Held, assetline: Run, waited: Callable[[], float], requested: float | None, seconds: float, message: str
) -> None:
    vi.plays(ApiFault(path="/assets", status=429, retry_after=requested))
    ended = assetline("assets", "list", "ds1")
    assert (ended.exit_code, waited()) == (1, seconds)
    assert ended.stderr == f"Error: {message}\n"


def test_a_vi_that_falls_silent_is_waited_for_a_while(vi: Held, assetline: Run, waited: Callable[[], float]) -> None:
    vi.plays(ApiFault(path="/assets", status=503))
    ended = assetline("assets", "list", "ds1")
    assert (ended.exit_code, waited()) == (1, 15)
    assert "Error: Vi answered 503" in ended.stderr


def test_a_vi_that_never_answered_is_not_awaited(vi: Held, assetline: Run, waited: Callable[[], float]) -> None:
    vi.plays(ApiFault(status=503))
    assert (assetline("assets", "list", "ds1").exit_code, waited()) == (1, 0)


def test_waiting_for_an_asset_keeps_to_its_own_time(vi: Held, assetline: Run, waited: Callable[[], float]) -> None:
    vi.plays(ApiFault(path="/assets", status=429, retry_after=45))
    ended = assetline("assets", "get", "ds1", "asset-000001", "--wait", "--timeout", "60")
    assert (ended.exit_code, waited()) == (1, 60)
    assert "after 60 seconds" in ended.stderr
