"""No command about exports lets a terminal obey what is in names, messages and files."""

import csv
import json
from pathlib import Path

import pytest

from assetline_cli.context import CliContext
from assetline_cli.terminal.output import Screen
from tests.cli.account import EXECUTION, SEVERAL, Account, Run
from tests.cli.screens import screen, shown_on
from tests.support.hostile_text import FORGED, HOSTILE, obeyed


def test_the_command_works_on_screens_on_which_text_has_no_power() -> None:
    desk = CliContext()
    assert isinstance(desk.out, Screen)
    assert isinstance(desk.err, Screen)


@pytest.mark.parametrize("words", [(), ("--limit", "1")])
def test_a_list_of_exports_obeys_nothing(account: Account, assetline: Run, words: tuple[str, ...]) -> None:
    account.opens(state="failed", error=HOSTILE, message=HOSTILE)
    ended, out = assetline("exports", *words), screen()
    assetline("exports", *words, out=out)
    assert "failed" in ended.stdout
    assert len(ended.stdout.splitlines()) == 1
    assert obeyed(ended.stdout + ended.stderr + shown_on(out)) == []


def test_json_is_exact_and_no_terminal_obeys_it(account: Account, assetline: Run) -> None:
    account.opens(state="failed", error=HOSTILE, message=HOSTILE)
    shown = assetline("exports", "--json").stdout
    assert json.loads(shown)["message"] == HOSTILE
    assert shown.removesuffix("\n").isprintable()


@pytest.mark.parametrize("cause", [HOSTILE, json.dumps({"errorMessage": HOSTILE})])
@pytest.mark.parametrize("terminal", [False, True])
def test_an_export_that_fails_while_it_is_watched_obeys_nothing(
    account: Account, assetline: Run, cause: str, terminal: bool
) -> None:
    account.opens()
    account.then(account.writes(1), account.fails(HOSTILE, cause))
    out = screen()
    ended = assetline("watch", EXECUTION, **({"out": out} if terminal else {}))
    assert FORGED in ended.stderr + ended.stdout + shown_on(out)
    assert obeyed(ended.stdout + ended.stderr + shown_on(out)) == []


@pytest.mark.parametrize("terminal", [False, True])
def test_exports_that_fail_side_by_side_obey_nothing(account: Account, assetline: Run, terminal: bool) -> None:
    account.exports_several("assets")
    account.then(account.feed("assets", state="failed", error=HOSTILE, message=HOSTILE))
    account.then(account.results({"feed": HOSTILE, "complete": False, "error": HOSTILE, "message": HOSTILE}))
    out = screen()
    ended = assetline("watch", SEVERAL, **({"out": out} if terminal else {}))
    assert ended.exit_code == 1
    assert obeyed(ended.stdout + ended.stderr + shown_on(out)) == []


def test_an_answer_of_aws_obeys_nothing(account: Account, assetline: Run) -> None:
    account.refuses("StartExecution", "AccessDeniedException", HOSTILE)()
    ended = assetline("export", "assets")
    assert FORGED in ended.stderr
    assert obeyed(ended.stdout + ended.stderr) == []


@pytest.mark.parametrize("terminal", [False, True])
def test_files_that_are_compared_obey_nothing(assetline: Run, tmp_path: Path, terminal: bool) -> None:
    for name, cell in (("old.csv", "1"), ("new.csv", HOSTILE)):
        with (tmp_path / name).open("w", newline="") as file:
            csv.writer(file).writerows([("id", f"name{HOSTILE}"), (HOSTILE, cell), (cell, "2"), (HOSTILE, "3")])
        manifest = {"complete": False, "feed": f"{name}{HOSTILE}", "keys": ["id"]}
        (tmp_path / name.replace("csv", "manifest.json")).write_text(json.dumps(manifest))
    out = screen()
    words = ("diff", str(tmp_path / "old.csv"), str(tmp_path / "new.csv"))
    ended = assetline(*words, **({"out": out} if terminal else {}))
    assert "Warning" in ended.stderr
    assert obeyed(ended.stdout + ended.stderr + shown_on(out)) == []
