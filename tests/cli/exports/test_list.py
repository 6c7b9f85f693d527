"""The command `exports`: what there is in the table, on a terminal, in a pipe and as JSON."""

import io
import json
from datetime import timedelta
from typing import Any

import pytest
from rich.console import Console

from assetline.export.export_names import export_ids
from tests.cli.account import OUTPUTS, STARTED, Account, Run


def has(account: Account, feed: str = "assets", *, ago: timedelta = timedelta(0), **progress: Any) -> str:
    """Put an export in the table that started *ago*, and return its id."""
    started_at = account.now - ago
    id_ = next(export_ids(feed, started_at))
    times = {"started_at": started_at, "updated_at": started_at}
    account.opens(export_id=id_, feed=feed, **times | progress)
    return id_


def three(account: Account) -> tuple[str, str, str]:
    finished = STARTED - timedelta(hours=2) + timedelta(seconds=252)
    sizes: dict[str, Any] = {"rows": 2000, "bytes": 2491837}
    complete = has(account, ago=timedelta(hours=2), state="complete", finished_at=finished, **sizes)
    failure: dict[str, Any] = {"error": "TokenRefused", "message": "The token was refused."}
    later = STARTED - timedelta(days=5) + timedelta(seconds=9)
    failed = has(account, "users", ago=timedelta(days=5), state="failed", updated_at=later, rows=300, **failure)
    fresh: dict[str, Any] = {"updated_at": STARTED, "rows": 1200, "bytes": 9, "rows_per_second": 980.0}
    return has(account, ago=timedelta(minutes=3), **fresh), complete, failed


class TestInAPipe:
    def test_a_line_an_export_the_newest_first_its_columns_between_tabs(self, account: Account, assetline: Run) -> None:
        running, complete, failed = three(account)
        ended = assetline("exports")
        assert ended.exit_code == 0
        assert [line.split("\t") for line in ended.stdout.splitlines()] == [
            [running, "assets", "running", "1200", "3m", "980 rows/s", "9 B", ""],
            [complete, "assets", "complete", "2000", "2h", "4m 12s", "2.5 MB", ""],
            [failed, "users", "failed", "300", "5d", "9s", "", "TokenRefused"],
        ]
        assert ended.stderr == ""

    @pytest.mark.parametrize(
        ("figures", "expected"),
        [
            ({"rows": 1200, "bytes": 0}, ("", None)),  # of a CSV whose columns are not decided yet
            ({"rows": 0, "bytes": 0}, ("0 B", 0)),
            ({"rows": 1200, "bytes": 81_000}, ("81.0 kB", 81_000)),
        ],
    )
    def test_a_size_that_is_not_known_yet_is_left_out(
        self, account: Account, assetline: Run, figures: dict[str, Any], expected: tuple[str, int | None]
    ) -> None:
        has(account, **figures)
        (line,) = assetline("exports").stdout.splitlines()
        listed = json.loads(assetline("exports", "--json").stdout)
        assert (line.split("\t")[6], listed.get("bytes")) == expected

    @pytest.mark.parametrize(
        ("words", "expected"),
        [
            (["--feed", "users"], [2]),
            (["--state", "complete"], [1]),
            (["--limit", "2"], [0, 1]),
            (["--feed", "assets", "--limit", "1"], [0]),
        ],
    )
    def test_only_what_is_wanted(self, account: Account, assetline: Run, words: list[str], expected: list[int]) -> None:
        ids = three(account)
        lines = assetline("exports", *words).stdout.splitlines()
        assert [line.split("\t")[0] for line in lines] == [ids[index] for index in expected]

    def test_a_table_of_many_pages_is_read_to_its_end(self, account: Account, assetline: Run) -> None:
        message = "x" * 300_000  # DynamoDB: a page of a scan is 1 MB
        ids = [has(account, ago=timedelta(minutes=n), state="failed", message=message) for n in range(9)]
        lines = assetline("exports", "--limit", "100").stdout.splitlines()
        assert [line.split("\t")[0] for line in lines] == ids

    def test_other_items_are_skipped(self, account: Account, assetline: Run) -> None:
        id_ = has(account)
        for item in (
            {"export_id": "latest#assets", "feed": "assets", "state": "complete"},
            {"export_id": "assets_20261121_003013"},
        ):
            account.table.put_item(Item=item)
        assert assetline("exports").stdout.startswith(f"{id_}\t")
        assert assetline("exports").stdout.count("\n") == 1

    @pytest.mark.parametrize(
        ("status", "error", "shown"),
        [
            ("FAILED", "TokenRefused", ["failed", "TokenRefused"]),
            ("TIMED_OUT", None, ["failed", "TIMED_OUT"]),
            ("ABORTED", None, ["partial", "ABORTED"]),
        ],
    )
    def test_a_silent_export_has_the_state_of_its_execution(
        self, account: Account, assetline: Run, status: str, error: str | None, shown: list[str]
    ) -> None:
        has(account, ago=timedelta(hours=3))
        account.ends(status)
        account.error = error
        cells = assetline("exports").stdout.rstrip("\n").split("\t")
        assert [cells[2], cells[7]] == shown

    def test_a_silent_export_without_an_execution_has_failed(self, account: Account, assetline: Run) -> None:
        has(account, ago=timedelta(days=100))
        account.known = False
        assert "\tfailed\t" in assetline("exports").stdout
        assert "ExecutionExpired" in assetline("exports", "--state", "failed").stdout

    def test_an_unknown_state_is_shown_unchanged(self, account: Account, assetline: Run) -> None:
        has(account, state="paused")
        assert "\tpaused\t" in assetline("exports").stdout

    def test_a_silent_running_export_has_a_question_mark(self, account: Account, assetline: Run) -> None:
        id_ = has(account, ago=timedelta(hours=1))
        has(account, "users", ago=timedelta(minutes=50), pause_seconds=3600)
        ended = assetline("exports")
        assert "\trunning\t" in ended.stdout.splitlines()[0]
        assert "\trunning?\t" in ended.stdout.splitlines()[1]
        assert ended.stderr == (
            f"running? means no update for more than 20 minutes. See its result: assetline exports watch {id_}\n"
        )


class TestAsJson:
    def test_an_object_a_line_with_everything(self, account: Account, assetline: Run) -> None:
        _, _, failed = three(account)
        ended = assetline("exports", "--json")
        printed = [json.loads(line) for line in ended.stdout.splitlines()]
        assert [entry["state"] for entry in printed] == ["running", "complete", "failed"]
        assert printed[2]["export_id"] == failed
        assert printed[2]["message"] == "The token was refused."
        assert printed[1]["bytes"] == 2491837
        assert printed[0]["silent"] is False

    def test_nothing_is_no_line(self, assetline: Run) -> None:
        ended = assetline("exports", "--json")
        assert (ended.exit_code, ended.stdout, ended.stderr) == (0, "", "")


class TestOnATerminal:
    @pytest.mark.parametrize("width", [40, 70, 120])
    def test_a_narrow_screen_has_fewer_columns_and_uncut_figures(
        self, account: Account, assetline: Run, width: int
    ) -> None:
        ids = three(account)
        out = Console(force_terminal=True, width=width, file=io.StringIO(), color_system=None)
        assert assetline("exports", out=out).exit_code == 0
        assert isinstance(out.file, io.StringIO)
        shown = out.file.getvalue()
        assert all(id_ in shown for id_ in ids)
        assert "…" not in shown
        words = {40: ["State", "failed"], 70: ["4m 12s", "Age", "TokenRefused"], 120: ["Feed", "980 rows/s", "2.5 MB"]}
        assert all(word in shown for word in words[width])

    def test_no_column_of_errors_where_there_are_none(self, account: Account, assetline: Run) -> None:
        has(account)
        out = Console(force_terminal=True, width=100, file=io.StringIO(), color_system=None)
        assetline("exports", out=out)
        assert isinstance(out.file, io.StringIO)
        assert "Error" not in out.file.getvalue()


class TestNothingToShow:
    def test_an_empty_table_shows_the_first_command(self, account: Account, assetline: Run) -> None:
        account.stacks["dev"] = OUTPUTS
        ended = assetline("exports", "--stack", "dev")
        assert (ended.exit_code, ended.stdout) == (0, "")
        assert ended.stderr == "No exports yet. Start one: assetline exports start assets --watch --stack dev\n"

    def test_a_state_without_items_has_a_hint(self, account: Account, assetline: Run) -> None:
        has(account)
        assert assetline("exports", "--state", "failed", "--feed", "users").stderr.startswith("No export matches.")


class TestExecutionsWithoutAnExport:
    """Executions that ended before they opened an export have no item in the table."""

    def fails(self, account: Account) -> str:
        cause = json.dumps({"errorMessage": "SafetyCulture refused the token (401)."})
        return account.executes("nightly-1", "FAILED", input='{"feed": "users"}', error="TokenRefused", cause=cause)

    def test_they_are_listed_with_their_error(self, account: Account, assetline: Run) -> None:
        self.fails(account)
        (export,) = [json.loads(line) for line in assetline("exports", "--json").stdout.splitlines()]
        assert (export["export_id"], export["feed"], export["state"]) == ("nightly-1", "users", "failed")
        assert (export["error"], export["message"]) == ("TokenRefused", "SafetyCulture refused the token (401).")
        assert export["resumable"] is False

    def test_the_filters_apply(self, account: Account, assetline: Run) -> None:
        self.fails(account)
        assert assetline("exports", "--feed", "assets").stdout == ""
        assert "nightly-1" in assetline("exports", "--feed", "users", "--state", "failed").stdout

    def test_an_export_with_an_item_is_listed_once(self, account: Account, assetline: Run) -> None:
        arn = self.fails(account)
        account.opens(execution_arn=arn, state="failed", error="TokenRefused")
        assert len(assetline("exports").stdout.splitlines()) == 1

    def test_the_first_execution_of_a_resumed_export_is_not_listed(self, account: Account, assetline: Run) -> None:
        cause = json.dumps({"errorMessage": "refused"})
        account.executes("first", "FAILED", input='{"feed": "assets"}', error="TokenRefused", cause=cause)
        account.opens(execution_arn="arn:of-the-execution-that-resumes-it", state="complete")
        assert [line.split("\t")[0] for line in assetline("exports").stdout.splitlines()] == ["assets_20261121_003012"]


def test_json_has_the_documented_fields_and_no_text_in_text(account: Account, assetline: Run) -> None:
    account.opens(state="failed", error="TokenRefused", message="refused", rows=5)
    export = json.loads(assetline("exports", "--json").stdout)
    assert export["resumable"] is True
    assert "export" not in export
    assert not [value for value in export.values() if isinstance(value, str) and value.startswith("{")]


def test_an_export_with_far_fewer_rows_is_marked(account: Account, assetline: Run) -> None:
    earlier = "assets_20261120_003012"
    account.opens(state="complete", rows=9000, rows_before=30_000, export_id_before=earlier)
    ended = assetline("exports")
    assert ended.stdout.split("\t")[2] == "complete, shrunk"
    assert ended.stderr == (
        f"assets_20261121_003012 has 9,000 rows, far fewer than 30,000 in {earlier}. Compare them: assetline exports "
        f"diff {earlier} assets_20261121_003012\n"
    )
