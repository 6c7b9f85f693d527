"""The log lines of one export or ingestion session."""

import json
from datetime import timedelta
from typing import Any

from tests.cli.account import EXECUTION, Account, Run
from tests.cli.operations.conftest import OperatedStack

EXPORT = "assets_20261121_003012"


def has_lines(stack: OperatedStack) -> None:
    stack.account.opens(rows=5)
    stack.writes("open_export", "export_opened", execution_arn=EXECUTION, feed="assets")
    stack.account.now += timedelta(seconds=2)
    stack.writes("write_pages", "page_failed", level="WARNING", export_id=EXPORT, error="RateLimited")
    stack.writes("write_pages", "turn_ended", export_id="assets_20261121_003012_2", turn=1)  # another export


def test_the_lines_of_an_export_are_in_order_of_time(stack: OperatedStack, assetline: Run) -> None:
    has_lines(stack)
    ended = assetline("logs", EXPORT)
    assert ended.exit_code == 0
    assert [line.split("\t") for line in ended.stdout.splitlines()] == [
        [
            "2026-11-21T00:30:12+00:00",
            "open_export",
            "INFO",
            "export_opened",
            "feed assets",
        ],
        ["2026-11-21T00:30:14+00:00", "write_pages", "WARNING", "page_failed", "error RateLimited"],
    ]


def test_as_json_a_line_has_every_field(stack: OperatedStack, assetline: Run) -> None:
    has_lines(stack)
    lines = [json.loads(line) for line in assetline("logs", EXPORT, "--json").stdout.splitlines()]
    assert [line["event"] for line in lines] == ["export_opened", "page_failed"]
    assert lines[1]["export_id"] == EXPORT


def test_following_prints_new_lines_once_until_the_end(stack: OperatedStack, account: Account, assetline: Run) -> None:
    has_lines(stack)

    def completes() -> None:
        stack.writes("close_export", "export_complete", export_id=EXPORT, rows=5)
        account.completes()

    account.then(lambda: None, completes)
    ended = assetline("logs", EXPORT, "--follow")
    assert ended.exit_code == 0
    events = [line.split("\t")[3] for line in ended.stdout.splitlines()]
    assert events == ["export_opened", "page_failed", "export_complete"]


def test_a_session_has_its_lines(stack: OperatedStack, assetline: Run) -> None:
    stack.drops.session("ds1-1-1", "finished", session_id="s1")
    stack.writes("upload_assets", "slice_uploaded", session_key="ds1-1-1", uploaded=5)
    assert "uploaded 5" in assetline("logs", "ds1-1-1").stdout
    assert "uploaded 5" in assetline("logs", "s1").stdout


def test_an_unknown_name_gets_the_next_command(stack: OperatedStack, assetline: Run) -> None:
    for name in ("assets_20200101_000000", "nothing"):
        ended = assetline("logs", name)
        assert ended.exit_code == 1
        assert "assetline exports list" in ended.stderr


def test_an_export_without_lines_gets_a_message(stack: OperatedStack, assetline: Run) -> None:
    stack.account.opens(rows=5)
    ended = assetline("logs", EXPORT)
    assert (ended.exit_code, ended.stdout) == (0, "")
    assert "LogRetentionDays" in ended.stderr


def test_the_report_is_written_where_it_is_asked_for(stack: OperatedStack, assetline: Run, tmp_path: Any) -> None:
    has_lines(stack)
    path = tmp_path / "reports" / "monday.html"
    ended = assetline("report", EXPORT, "--output", str(path))
    assert (ended.exit_code, ended.stdout) == (0, f"{path}\n")
    assert "RateLimited" in path.read_text()
