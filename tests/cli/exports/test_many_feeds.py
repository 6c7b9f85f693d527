"""Several feeds exported side by side by the operator's command."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from assetline.export.export_names import export_ids, manifest_key, object_key
from assetline_cli.terminal.terminal import Keyboard
from tests.cli.account import CSV, OUTPUTS, SEVERAL, SEVERAL_MACHINE, SEVERAL_NAME, STARTED, Account, Run


def file_of(feed: str, *, rows: int = 2000, complete: bool = True) -> dict[str, Any]:
    id_ = next(export_ids(feed, STARTED))
    names = {"key": object_key(feed, id_, "csv"), "manifest_key": manifest_key(feed, id_)}
    figures = {"rows": rows, "pages": 20, "bytes": len(CSV), "turns": 2, "complete": complete}
    return {"export_id": id_, "feed": feed, "bucket": "the-exports"} | names | figures


def failure_of(feed: str, error: str = "FeedForbidden", message: str = "Not in your plan.") -> dict[str, Any]:
    return {"feed": feed, "complete": False, "error": error, "message": message}


def screen(width: int = 100, height: int = 30) -> Console:
    file = io.StringIO()
    return Console(force_terminal=True, width=width, height=height, file=file, color_system=None)


def shown_on(out: Console) -> str:
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


class TestStarting:
    def test_the_machine_of_several_is_given_the_feeds_each_once(self, account: Account, assetline: Run) -> None:
        ended = assetline("export", "assets", "users", "assets", "--format", "csv.gz", "--since", "last")
        assert ended.stdout == f"{SEVERAL}\nWatch it: assetline exports watch {SEVERAL_NAME}\n"
        (request,) = account.started
        assert request["stateMachineArn"] == SEVERAL_MACHINE
        assert json.loads(request["input"]) == {"feeds": ["assets", "users"], "format": "csv.gz", "since": "last"}
        assert request["name"].startswith("feeds-20261121-003012-")

    def test_all_is_every_feed(self, account: Account, assetline: Run) -> None:
        assetline("export", "all")
        assert json.loads(account.started[0]["input"]) == {"feeds": "all"}

    def test_a_feed_named_twice_is_one_feed(self, account: Account, assetline: Run) -> None:
        assetline("export", "assets", "assets")
        assert json.loads(account.started[0]["input"]) == {"feed": "assets"}

    @pytest.mark.parametrize(
        "words",
        [
            ["all", "assets"],
            ["all", "--param", "a=b"],
            ["assets", "users", "--page-size", "9"],
            ["assets", "--since", "last", "--changes"],
            ["--watch"],
        ],
    )
    def test_exclusive_options_are_refused(self, account: Account, assetline: Run, words: list[str]) -> None:
        assert assetline("export", *words).exit_code == 2
        assert account.started == []

    def test_a_stack_that_is_older(self, account: Account, assetline: Run) -> None:
        account.stacks["assetline"] = {name: value for name, value in OUTPUTS.items() if value != SEVERAL_MACHINE}
        ended = assetline("export", "assets", "users")
        assert ended.exit_code == 1
        assert "is missing output ExportFeedsStateMachineArn, which exports of several feeds need" in ended.stderr
        assert assetline("export", "assets").exit_code == 0


class TestWatching:
    def test_beginnings_and_ends_and_the_closing_table(self, account: Account, assetline: Run) -> None:
        account.then(
            account.feed("assets"),
            account.feed("assets", rows=100, pages=1),
            account.feed("users", state="failed", error="FeedForbidden", message="Not in your plan."),
            account.feed("assets", state="complete", rows=2000, pages=20),
            account.results(file_of("assets"), failure_of("users"), failure_of("sites", "TokenRefused", "No.")),
        )
        ended = assetline("export", "assets", "users", "sites", "--watch")
        assert ended.exit_code == 1
        file = object_key("assets", "assets_20261121_003012", "csv")
        assert ended.stdout.splitlines() == [
            f"Exporting 3 feeds: {SEVERAL}",
            "assets: started, assets_20261121_003012",
            "users: failed: FeedForbidden | Total: 0",
            "assets: complete | Total: 2,000",
            "=" * 80,
            "EXPORT INCOMPLETE: 1 of 3 feeds",
            "=" * 80,
            f"assets  2,000 rows  16.0 kB  s3://the-exports/{file}",
            "users            -        -  FeedForbidden: Not in your plan.",
            "sites            -        -  TokenRefused: No.",
            "Total Rows: 2,000",
            "Total Size: 16.0 kB",
            "Total Time: 15.00s (0.25 minutes)",
            "Resume users: assetline exports resume users_20261121_003012 --watch",
            "=" * 80,
        ]

    def test_all_complete_is_a_success(self, account: Account, assetline: Run) -> None:
        account.then(account.results(file_of("assets"), file_of("users", rows=3)))
        ended = assetline("export", "all", "--watch")
        assert ended.exit_code == 0
        assert "EXPORT COMPLETE! 2 of 2 feeds\n" in ended.stdout
        assert "Total Rows: 2,003\n" in ended.stdout

    def test_an_incomplete_file_is_not_a_success(self, account: Account, assetline: Run) -> None:
        account.then(account.results(file_of("assets"), file_of("users", complete=False)))
        ended = assetline("export", "all", "--watch")
        assert ended.exit_code == 1
        assert "(not all rows of the feed)\n" in ended.stdout

    def test_a_log_has_one_line_a_minute(self, account: Account, assetline: Run) -> None:
        account.then(account.feed("assets", rows=100), *[lambda: None] * 40)
        account.then(account.feed("assets", state="complete", rows=100), account.results(file_of("assets")))
        ended = assetline("export", "assets", "users", "--watch")
        assert ended.stdout.count("0 of 2 feeds complete | Total: 100 rows\n") == 2

    def test_it_is_watched_again_by_its_arn(self, account: Account, assetline: Run) -> None:
        account.exports_several("assets")
        account.results(file_of("assets"))()
        assert assetline("watch", SEVERAL).exit_code == 0

    def test_silence_of_aws_is_borne(self, account: Account, assetline: Run) -> None:
        account.exports_several("assets")
        account.then(account.feed("assets"))
        account.then(account.refuses("DescribeExecution", "ServiceUnavailable", "later", 503), lambda: None)
        account.then(account.relents, account.results(file_of("assets")))
        ended = assetline("watch", SEVERAL)
        assert ended.exit_code == 0
        assert ended.stdout.count("No answer from AWS, retrying\n") == 1

    def test_an_input_that_is_refused(self, account: Account, assetline: Run) -> None:
        account.then(account.fails("UnknownFeed", json.dumps({"errorMessage": "No feed is called 'asets'."})))
        account.exports_several("asets", "users")  # a stack of another version may have fewer feeds
        ended = assetline("watch", SEVERAL)
        assert ended.exit_code == 1
        assert ended.stderr.splitlines()[1:-1] == [
            "EXPORTS FAILED",
            "=" * 80,
            "UnknownFeed: No feed is called 'asets'.",
            f"Execution: {SEVERAL}",
        ]

    def test_an_unknown_result_is_a_failure(self, account: Account, assetline: Run) -> None:
        account.then(account.results({"feed": "assets", "complete": False, "error": None}))
        ended = assetline("export", "all", "--watch")
        assert ended.exit_code == 1
        assert "assets  -  -  FAILED: The execution failed without a reason.\n" in ended.stdout


class TestTheScreen:
    def test_a_line_a_feed(self, account: Account, assetline: Run) -> None:
        account.then(
            account.feed("assets", rows=1200, pages=12, rows_per_second=980.0),
            account.feed("users", pages=1, rows=5, pause_seconds=90),
            account.feed("users", state="paused", rows=7),
            account.results(file_of("assets"), file_of("users")),
        )
        out = screen()
        ended = assetline("export", "assets", "users", "sites", "--watch", out=out)
        assert ended.exit_code == 0
        shown = shown_on(out)
        for words in (
            "0 of 3 feeds complete",
            "1,200 rows  980 rows/s  exporting",
            "waiting for the feed, which requested a pause of 1m 30s",
            "paused",
            "not started",
            "EXPORT COMPLETE! 2 of 2 feeds",
        ):
            assert words in shown

    def test_a_low_screen_shows_what_moves_and_how_many_do_not(self, account: Account, assetline: Run) -> None:
        feeds = [f"feed_{letter}" for letter in "abcdefghij"]
        for feed in feeds[:8]:
            account.feed(feed, state="complete")()
        account.feed("feed_i", rows=7)()
        account.exports_several(*feeds)
        account.then(account.results(*map(file_of, feeds)))
        out = screen(height=8)
        assetline("watch", SEVERAL, out=out)
        drawn = shown_on(out).split("EXPORT COMPLETE!")[0]
        assert "feed_i" in drawn
        assert "feed_j" in drawn
        assert "feed_h" not in drawn
        assert "… and 6 more" in drawn


class TestStopping:
    def test_stop_stops_all_and_lists_the_partial_files(self, account: Account, assetline: Run) -> None:
        def interrupt() -> None:
            raise KeyboardInterrupt

        partial = "exports/users/users_20261121_003012.partial.csv"
        account.then(account.feed("assets", state="complete"), account.feed("users", rows=5, pages=1), interrupt)
        account.then(account.feed("users", rows=5, pages=1, state="partial", partial_key=partial))
        out = screen()
        ended = assetline("export", "assets", "users", "--watch", out=out, keyboard=Keyboard(lambda: True, lambda: "s"))
        assert ended.exit_code == 1
        assert "Stop the exports, or only the watching?" in shown_on(out)
        assert ended.stderr.splitlines()[1:] == [
            "assets_20261121_003012 was already complete.",
            "Stopped users_20261121_003012 after page 1, 5 users.",
            f"Partial file: s3://the-exports/{partial}",
        ]
        assert account.status == "ABORTED"

    def test_every_nested_export_is_stopped_first(self, account: Account, assetline: Run) -> None:
        account.exports_several("assets", "users")
        nested = {"input": json.dumps({"feed": "users", "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID": SEVERAL})}
        running = account.executes("nested-1", "RUNNING", **nested)
        another = account.executes("another", "RUNNING", input='{"feed": "users"}')
        account.then(lambda: None)
        ended = assetline("stop", SEVERAL, "--yes")
        assert ended.exit_code == 0
        assert [request["executionArn"] for request in account.stopped] == [SEVERAL, running]
        assert account.executions[another]["status"] == "RUNNING"

    def test_an_export_that_does_not_stop_is_named(self, account: Account, assetline: Run) -> None:
        account.exports_several("assets")
        nested = {"input": json.dumps({"feed": "assets", "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID": SEVERAL})}
        account.executes("nested-1", "RUNNING", can_stop=False, **nested)
        account.then(*[lambda: None] * 31)
        ended = assetline("stop", SEVERAL, "--yes")
        assert ended.exit_code == 1
        assert "Still running: nested-1. Run the command again." in ended.stderr

    def test_by_the_command(self, account: Account, assetline: Run) -> None:
        account.exports_several("assets")
        ended = assetline("stop", SEVERAL, "--yes")
        assert ended.exit_code == 0
        assert ended.stdout.endswith("Stopped before a file was opened. No partial file exists.\n")

    def test_a_stopped_export_lists_the_partial_files(self, account: Account, assetline: Run) -> None:
        account.exports_several("assets")
        account.feed("assets", state="partial", rows=5, pages=1)()
        account.ends("ABORTED")
        ended = assetline("watch", SEVERAL)
        assert ended.exit_code == 1
        assert "EXPORTS STOPPED" in ended.stderr
        assert "Stopped assets_20261121_003012 after page 1, 5 assets.\n" in ended.stderr


class TestDownloading:
    def test_every_file_arrives(self, account: Account, assetline: Run, tmp_path: Path) -> None:
        account.then(account.results(file_of("assets"), failure_of("sites"), file_of("users")))
        ended = assetline("export", "assets", "users", "sites", "--to", str(tmp_path))
        assert ended.exit_code == 1
        assert sorted(path.name for path in tmp_path.iterdir()) == [
            f"{feed}_20261121_003012.{kind}" for feed in ("assets", "users") for kind in ("csv", "manifest.json")
        ]
        assert ended.stdout.count("Downloaded to: ") == 4

    def test_one_that_does_not_arrive_keeps_none_of_the_others_back(
        self, account: Account, assetline: Run, tmp_path: Path
    ) -> None:
        def end() -> None:
            account.results(file_of("assets"), file_of("users"))()
            account.session.client("s3").delete_object(Bucket="the-exports", Key=file_of("assets")["key"])

        account.then(end)
        ended = assetline("export", "all", "--to", str(tmp_path))
        assert ended.exit_code == 1
        assert "EXPORT COMPLETE! 2 of 2 feeds" in ended.stdout
        assert ended.stderr.startswith("Error: assets: The export is complete, and its file could not be downloaded.")
        assert (tmp_path / "users_20261121_003012.csv").read_bytes() == CSV
