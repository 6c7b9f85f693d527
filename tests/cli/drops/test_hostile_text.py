"""No command about drops lets a terminal obey what is in keys, reasons and messages."""

import json
from pathlib import Path

import pytest

from tests.cli.account import Run
from tests.cli.drops.drop_account import DropAccount
from tests.cli.screens import screen, shown_on
from tests.support.hostile_text import HOSTILE, obeyed


def add_hostile_drops(drops: DropAccount) -> None:
    drops.drop(f"ds1/{HOSTILE}.png", "rejected", reason=HOSTILE, message=HOSTILE)
    drops.session("ds1-1-1", "failed", error=HOSTILE, message=HOSTILE, report_key=HOSTILE)


@pytest.mark.parametrize("command", ["drops", "sessions"])
def test_a_list_obeys_nothing(drops: DropAccount, assetline: Run, command: str) -> None:
    add_hostile_drops(drops)
    ended, out = assetline(command), screen(200)
    assetline(command, out=out)
    assert len(ended.stdout.splitlines()) == 1
    assert obeyed(ended.stdout + ended.stderr + shown_on(out)) == []


@pytest.mark.parametrize("command", ["drops", "sessions"])
def test_json_is_exact_and_no_terminal_obeys_it(drops: DropAccount, assetline: Run, command: str) -> None:
    add_hostile_drops(drops)
    shown = assetline(command, "--json").stdout
    listed = json.loads(shown)
    assert HOSTILE in {listed.get("error"), listed.get("reason")}
    assert shown.removesuffix("\n").isprintable()


@pytest.mark.parametrize("terminal", [False, True])
def test_drops_that_are_waited_for_obey_nothing(
    drops: DropAccount, photos: Path, assetline: Run, terminal: bool
) -> None:
    drops.then(drops.run_fails(HOSTILE, HOSTILE), *[lambda: None] * 20)
    drops.then(drops.becomes(state="rejected", reason=HOSTILE))
    out = screen()
    ended = assetline("drop", str(photos), "--dataset", "ds1", **({"out": out} if terminal else {}))
    assert "The last run failed" in ended.stdout + shown_on(out)
    assert obeyed(ended.stdout + ended.stderr + shown_on(out)) == []


def test_drops_that_are_retried_obey_nothing(drops: DropAccount, assetline: Run) -> None:
    add_hostile_drops(drops)
    ended = assetline("drops", "retry", "--dataset", "ds1")
    assert obeyed(ended.stdout + ended.stderr) == []
