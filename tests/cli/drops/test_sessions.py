"""The command `sessions`: ingestion sessions on a terminal, in a pipe and as JSON."""

import json
from datetime import timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

from assetline_cli.main import app
from tests.cli.account import STARTED, Run
from tests.cli.drops.drop_account import DropAccount
from tests.cli.screens import screen, shown_on

REPORT = "reports/ds1/ds1_20261120_223012_s1.json"


def three(drops: DropAccount) -> None:
    """Have an open session, a finished one and one that failed, and what else is in their table."""
    drops.session("ds1-1763685000-1", "open", ago=timedelta(seconds=90), total=5000)
    finished: dict[str, Any] = {
        "finished_at": STARTED - timedelta(hours=2) + timedelta(seconds=252),
        "report_key": REPORT,
    }
    figures: dict[str, Any] = {"total": 1234, "ingested": 1230, "rejected": 3, "returned": 1}
    drops.session("ds1-1763678000-1", ago=timedelta(hours=2), **figures, **finished)
    drops.session("ds2-1-1", "failed", ago=timedelta(days=1), dataset_id="ds2", total=1, returned=1, error="ViRefused")
    drops.sessions.note_dataset("ds1")
    drops.sessions.table.put_item(Item={"session_key": "permit#1", "free_at": 1, "holder": "x"})


class TestInAPipe:
    def test_a_line_a_session_the_newest_first_its_columns_between_tabs(
        self, drops: DropAccount, assetline: Run
    ) -> None:
        three(drops)
        ended = assetline("sessions")
        assert ended.exit_code == 0
        assert [line.split("\t") for line in ended.stdout.splitlines()] == [
            ["ds1-1763685000-1", "ds1", "open", "5000", "0", "0", "0", "1m", "1m 30s", "", ""],
            ["ds1-1763678000-1", "ds1", "finished", "1234", "1230", "3", "1", "2h", "4m 12s", "", REPORT],
            ["ds2-1-1", "ds2", "failed", "1", "0", "0", "1", "1d", "0s", "ViRefused", ""],
        ]
        assert ended.stderr == ""

    @pytest.mark.parametrize(
        ("words", "expected"),
        [
            (["--dataset", "ds2"], ["ds2-1-1"]),
            (["--state", "finished"], ["ds1-1763678000-1"]),
            (["--limit", "1"], ["ds1-1763685000-1"]),
        ],
    )
    def test_only_what_is_wanted(
        self, drops: DropAccount, assetline: Run, words: list[str], expected: list[str]
    ) -> None:
        three(drops)
        lines = assetline("sessions", *words).stdout.splitlines()
        assert [line.split("\t")[0] for line in lines] == expected

    def test_a_table_of_many_pages_is_read_to_its_end(self, drops: DropAccount, assetline: Run) -> None:
        keys = [f"ds1-{number}-1" for number in range(9)]
        for number, key in enumerate(keys):
            drops.session(key, ago=timedelta(minutes=number), message="x" * 300_000)  # DynamoDB: a page is 1 MB
        lines = assetline("sessions").stdout.splitlines()
        assert [line.split("\t")[0] for line in lines] == keys

    def test_an_unknown_state_is_shown_unchanged(self, drops: DropAccount, assetline: Run) -> None:
        drops.session("ds1-1-1", "paused")
        drops.sessions.table.put_item(Item={"session_key": "no-session"})
        assert assetline("sessions").stdout.split("\t")[2] == "paused"


def test_as_json_an_object_a_line_with_everything(drops: DropAccount, assetline: Run) -> None:
    three(drops)
    printed = [json.loads(line) for line in assetline("sessions", "--json").stdout.splitlines()]
    assert [item["state"] for item in printed] == ["open", "finished", "failed"]
    assert printed[1]["report_key"] == REPORT
    assert printed[2]["execution_arn"].endswith(":ds2-1-1")


@pytest.mark.parametrize("width", [40, 80, 160])
def test_a_narrow_screen_has_fewer_columns_and_uncut_figures(drops: DropAccount, assetline: Run, width: int) -> None:
    three(drops)
    out = screen(width)
    assert assetline("sessions", out=out).exit_code == 0
    shown = shown_on(out)
    assert "…" not in shown
    assert max(map(len, shown.splitlines())) <= width
    words = {40: ["finished"], 80: ["1,234", "1,230", "Returned"], 160: [REPORT, "4m 12s", "ViRefused"]}
    assert [word for word in words[width] if word not in shown] == []


def test_an_empty_list_shows_the_next_command(drops: DropAccount, assetline: Run) -> None:
    ended = assetline("sessions")
    assert (ended.exit_code, ended.stdout) == (0, "")
    assert ended.stderr.startswith("No ingestion sessions yet. Upload a folder: assetline drops upload photos")
    three(drops)
    assert assetline("sessions", "--state", "fnished").stderr.startswith("No session matches.")
    assert assetline("sessions", "--state", "fnished", "--json").stderr == ""


@pytest.mark.parametrize("words", [["drops", "upload"], ["drops", "list"], ["drops", "retry"], ["sessions", "list"]])
def test_help_teaches_by_example_without_touching_aws(words: list[str]) -> None:
    ended = CliRunner().invoke(app, [*words, "--help"], env={"AWS_PROFILE": "nobody", "TERM": "dumb"})
    assert ended.exit_code == 0
    assert "Examples" in ended.stdout
    assert f"assetline {' '.join(words)}" in ended.stdout


def test_the_main_help_shows_an_upload() -> None:
    shown = CliRunner().invoke(app, ["--help"], env={"TERM": "dumb"}).stdout
    assert "assetline drops upload photos --dataset ds1" in shown
