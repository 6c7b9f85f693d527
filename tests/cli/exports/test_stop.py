"""Ctrl+C while an export is watched, and the command `stop`."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console
from typer.testing import Result

from assetline_cli.terminal.terminal import Keyboard
from tests.cli.account import EXECUTION, EXECUTION_NAME, Account, Run

EXPORT = "assets_20261121_003012"
PARTIAL = f"exports/assets/{EXPORT}.partial.csv"
QUESTION = "Stop the export, or only the watching? [s]top / [w]atching only / [c]ontinue"

CTRL_C, CTRL_D = KeyboardInterrupt(), EOFError()


def ctrl_c() -> None:
    raise KeyboardInterrupt


type Answer = str | BaseException | Callable[[], str]


class AnsweringTerminal:
    """A terminal with an operator who types *answers*."""

    def __init__(self, *answers: Answer) -> None:
        self.out = Console(force_terminal=True, width=100, file=io.StringIO(), color_system=None)
        self._answers = iter(answers)

    def _read_key(self) -> str:
        answer = next(self._answers)
        if isinstance(answer, BaseException):
            raise answer
        return answer if isinstance(answer, str) else answer()

    @property
    def things(self) -> dict[str, Any]:
        return {"out": self.out, "keyboard": Keyboard(lambda: True, self._read_key)}

    @property
    def shown(self) -> str:
        assert isinstance(self.out.file, io.StringIO)
        return self.out.file.getvalue()


@pytest.fixture
def watched(account: Account, assetline: Run) -> Callable[[AnsweringTerminal], Result]:
    """Return what watches an export at a terminal; it is interrupted at page 12."""
    account.opens()
    account.then(account.writes(12), ctrl_c)
    return lambda terminal: assetline("watch", EXECUTION, **terminal.things)


type Watched = Callable[[AnsweringTerminal], Result]


class TestCtrlC:
    def test_stop_stops_the_export_and_shows_the_partial_file(self, account: Account, watched: Watched) -> None:
        account.then(lambda: None, account.writes(12, state="partial", partial_key=PARTIAL))
        terminal = AnsweringTerminal("s")
        ended = watched(terminal)
        assert ended.exit_code == 1
        assert QUESTION in terminal.shown
        assert ended.stderr.splitlines() == [
            "Stopping. The checkpointed rows become a partial file.",
            f"Stopped {EXPORT} after page 12, 1,200 assets.",
            f"Partial file: s3://the-exports/{PARTIAL}",
        ]
        (request,) = account.stopped
        assert request == {"executionArn": EXECUTION, "cause": "Stopped by the operator, with the command assetline."}

    def test_a_late_partial_file_is_announced(self, account: Account, watched: Watched) -> None:
        account.then(*[lambda: None] * 40)
        ended = watched(AnsweringTerminal("stop"))
        assert ended.exit_code == 1
        assert ended.stderr.splitlines()[-1] == (
            f"The partial file appears within a minute, if anything was checkpointed: s3://the-exports/{PARTIAL}"
        )
        assert len(account.moments) == 10

    def test_ctrl_c_does_not_wait_for_the_partial_file(self, account: Account, watched: Watched) -> None:
        account.then(lambda: None, ctrl_c)
        ended = watched(AnsweringTerminal("s"))
        assert ended.exit_code == 1
        assert "The partial file appears within a minute" in ended.stderr

    def test_without_a_checkpoint_no_partial_file_exists(self, account: Account, watched: Watched) -> None:
        account.then(account.writes(12, state="partial"))
        assert "No partial file exists" in watched(AnsweringTerminal("s")).stderr

    def test_an_export_that_was_not_open_leaves_nothing(self, account: Account, assetline: Run) -> None:
        account.then(ctrl_c)
        ended = assetline("watch", EXECUTION, **AnsweringTerminal("s").things)
        assert ended.exit_code == 1
        assert ended.stderr.splitlines()[-1] == "Stopped before a file was opened. No partial file exists."

    def test_one_that_ended_while_the_question_stood_is_shown_as_it_ended(
        self, account: Account, watched: Watched
    ) -> None:
        def late() -> str:
            account.completes()
            return "s"

        terminal = AnsweringTerminal(late)
        ended = watched(terminal)
        assert ended.exit_code == 0
        assert "EXPORT COMPLETE!" in terminal.shown

    def test_watching_only_leaves_the_export_running(self, account: Account, watched: Watched) -> None:
        ended = watched(AnsweringTerminal("w"))
        assert ended.exit_code == 130
        assert ended.stderr == (
            f"\nStopped watching. AWS continues the export.\nWatch it again: assetline exports watch {EXECUTION_NAME}\n"
        )
        assert account.stopped == []

    @pytest.mark.parametrize("answer", [CTRL_C, CTRL_D])
    def test_ctrl_c_at_the_question_is_watching_only(
        self, account: Account, watched: Watched, answer: BaseException
    ) -> None:
        assert watched(AnsweringTerminal(answer)).exit_code == 130
        assert account.stopped == []

    def test_continue_goes_back_to_the_view(self, account: Account, watched: Watched) -> None:
        account.then(account.writes(15), account.completes)
        terminal = AnsweringTerminal("C ")
        assert watched(terminal).exit_code == 0
        assert "EXPORT COMPLETE!" in terminal.shown
        assert "1,500" in terminal.shown.split(QUESTION)[1]

    def test_it_asks_again_after_another_answer(self, watched: Watched) -> None:
        terminal = AnsweringTerminal("", "what?", "w")
        assert watched(terminal).exit_code == 130
        assert terminal.shown.count(QUESTION) == 3

    def test_a_denied_call_ends_the_watching_and_not_the_export(self, account: Account, watched: Watched) -> None:
        account.refuses("StopExecution", "AccessDeniedException", "no")()
        ended = watched(AnsweringTerminal("s"))
        assert ended.exit_code == 1
        assert ended.stderr.startswith("Error: AWS denied StopExecution (AccessDeniedException): no.")
        assert f"AWS continues the export. Watch it again: assetline exports watch {EXECUTION_NAME}" in ended.stderr

    def test_without_a_terminal_ctrl_c_stops_only_the_watching(self, account: Account, assetline: Run) -> None:
        account.then(ctrl_c)
        out = AnsweringTerminal().out
        assert assetline("watch", EXECUTION, out=out).exit_code == 130
        account.then(ctrl_c)
        assert assetline("watch", EXECUTION, keyboard=Keyboard(lambda: True)).exit_code == 130


class TestStop:
    @pytest.mark.parametrize("name", [EXECUTION, EXPORT])
    def test_by_the_execution_or_by_the_export(self, account: Account, assetline: Run, name: str) -> None:
        account.opens()
        account.then(account.writes(12, state="partial", partial_key=PARTIAL))
        ended = assetline("stop", name, "--yes")
        assert ended.exit_code == 0
        assert ended.stdout.endswith(f"Partial file: s3://the-exports/{PARTIAL}\n")
        assert account.status == "ABORTED"

    def test_the_export_of_a_dataset_is_found_by_its_execution(self, account: Account, assetline: Run) -> None:
        account.input = '{"source": "vi", "dataset_id": "ds1"}'
        id_ = "vi-ds1_20261121_003012"
        account.feed("vi-ds1", execution_arn=EXECUTION, pages=3, rows=300)()
        account.then(account.feed("vi-ds1", execution_arn=EXECUTION, state="partial", partial_key=PARTIAL))
        ended = assetline("stop", EXECUTION, "--yes")
        assert f"Stopped {id_} after page 0, 0 assets.\nPartial file: s3://the-exports/{PARTIAL}\n" in ended.stdout

    @pytest.mark.parametrize(("answer", "stops"), [("y", True), ("Y", True), ("n", False), ("", False), (CTRL_D, 0)])
    def test_it_asks_first(self, account: Account, assetline: Run, answer: str | BaseException, stops: bool) -> None:
        account.opens(state="partial", partial_key=PARTIAL)
        terminal = AnsweringTerminal(answer)
        ended = assetline("stop", EXPORT, **terminal.things)
        assert f"Stop {EXPORT} permanently? A stopped export cannot be resumed. [y]es / [n]o" in terminal.shown
        assert bool(account.stopped) is bool(stops)
        assert ended.exit_code == (0 if stops else 1)
        assert ("Nothing was stopped." in terminal.shown) is not bool(stops)

    def test_ctrl_c_at_the_question_stops_nothing(self, account: Account, assetline: Run) -> None:
        account.opens()
        assert assetline("stop", EXPORT, **AnsweringTerminal(CTRL_C).things).exit_code == 130
        assert account.stopped == []

    def test_without_a_terminal_yes_is_required(self, account: Account, assetline: Run) -> None:
        account.opens()
        ended = assetline("stop", EXPORT)
        assert ended.exit_code == 2
        assert "--yes" in ended.stderr
        assert account.stopped == []

    def test_an_export_stopped_earlier_shows_its_partial_file(self, account: Account, assetline: Run) -> None:
        account.writes(12, state="partial", partial_key=PARTIAL)()
        account.ends("ABORTED")
        ended = assetline("stop", EXPORT, "--yes")
        assert ended.exit_code == 0
        assert ended.stdout.startswith(f"{EXPORT} was already stopped.\n")
        assert f"Partial file: s3://the-exports/{PARTIAL}\n" in ended.stdout

    @pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED", "TIMED_OUT"])
    def test_one_that_has_ended_stays_as_it_is(self, account: Account, assetline: Run, status: str) -> None:
        account.opens()
        account.ends(status)
        ended = assetline("stop", EXPORT, "--yes")
        assert ended.exit_code == 1
        assert ended.stderr == f"Error: {EXPORT} has already ended ({status}). Nothing was stopped.\n"
        assert account.stopped == []

    @pytest.mark.parametrize(
        ("name", "words"),
        [
            (EXPORT, "Export"),
            (f"{EXECUTION}-not", "Execution"),
            ("x", "Export"),
        ],
    )
    def test_one_that_there_is_not(self, assetline: Run, name: str, words: str) -> None:
        ended = assetline("stop", name, "--yes")
        assert ended.exit_code == 1
        assert ended.stderr.startswith(f"Error: {words} '{name}' does not exist in ")


def test_a_watch_of_an_export_stopped_elsewhere_lists_the_partial_file(account: Account, assetline: Run) -> None:
    account.writes(12, state="partial", partial_key=PARTIAL)()
    account.ends("ABORTED")
    ended = assetline("watch", EXECUTION)
    assert ended.exit_code == 1
    assert "EXPORT STOPPED" in ended.stderr
    assert f"Partial file: s3://the-exports/{PARTIAL}\n" in ended.stderr
    assert "Resume it" not in ended.stderr
