"""The progress as the operator sees it, on a screen and in a pipe."""

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from assetline_cli.clock import Clock
from assetline_cli.executions import Execution, ExecutionFailure, ExportOutput
from assetline_cli.exports.progress_view import ExportDisplay, page_line
from assetline_cli.exports.snapshot import Snapshot, Stage
from assetline_cli.exports.table import ExportItem
from assetline_cli.terminal.progress_bar import LiveView, PlainView, view_on

STARTED = datetime(2026, 11, 21, 0, 30, 12, tzinfo=UTC)


def any_progress(**measures: Any) -> ExportItem:
    fixed: dict[str, Any] = {"export_id": "assets_20261121_003012", "feed": "assets", "format": "csv"}
    places = {"execution_arn": "arn:e", "bucket": "b", "key": "k", "manifest_key": "m", "state": "running"}
    return ExportItem.model_validate(fixed | places | {"started_at": STARTED, "updated_at": STARTED} | measures)


def any_execution(**values: Any) -> Execution:
    return Execution.model_validate(
        {"arn": "arn:e", "status": "RUNNING", "feed": "assets", "started_at": STARTED} | values
    )


def screen(width: int, *snapshots: Snapshot, seconds: float = 72) -> str:
    console = Console(force_terminal=True, width=width, file=io.StringIO(), color_system=None, legacy_windows=False)
    clock = Clock(now=lambda: STARTED + timedelta(seconds=seconds))
    with LiveView(console, ExportDisplay(console, clock)) as view:
        for snapshot in snapshots:
            view.show(snapshot)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


HALF_WAY = any_progress(
    pages=12,
    rows=1200,
    page_rows=100,
    turns=3,
    page_seconds=0.05,
    pages_per_second=9.8,
    rows_per_second=980,
    remaining=800,
    eta_seconds=0.8,
)


class TestLines:
    def test_the_line_of_a_page_is_the_scripts(self) -> None:
        assert page_line(HALF_WAY) == (
            "Page 12: 100 assets | Total: 1,200 | Remaining: 800 | Rate: 9.8 pages/sec, 980 rows/s"
            " | Page time: 0.05s | ETA: 1s"
        )

    def test_unknown_figures_are_left_out(self) -> None:
        line = page_line(any_progress(feed="inspection_items", pages=1, rows=25, page_rows=25))
        assert line == "Page 1: 25 inspection items | Total: 25"

    def test_lines_are_not_wrapped(self) -> None:
        console = Console(file=io.StringIO(), width=20)
        with PlainView(console, ExportDisplay(console, Clock())) as view:
            view.show(Snapshot(any_execution(), HALF_WAY, Stage.EXPORTING))
        assert isinstance(console.file, io.StringIO)
        assert console.file.getvalue() == f"{page_line(HALF_WAY)}\n"

    def test_only_a_terminal_that_can_be_redrawn_gets_the_live_view(self, monkeypatch: pytest.MonkeyPatch) -> None:
        display = ExportDisplay(Console(), Clock())
        assert isinstance(view_on(Console(force_terminal=True), display), LiveView)
        assert isinstance(view_on(Console(file=io.StringIO()), display), PlainView)
        monkeypatch.setenv("TERM", "dumb")
        assert isinstance(view_on(Console(force_terminal=True), display), PlainView)


class TestLiveView:
    def test_every_figure_is_on_the_screen(self) -> None:
        shown = screen(100, Snapshot(any_execution(), HALF_WAY, Stage.EXPORTING))
        for words in ("Assets  exporting  turn 3", " 60%", "Page      12", "1,200", "800", "9.8 pages/s", "980 rows/s"):
            assert words in shown
        assert "Elapsed 1m 12s" in shown

    def test_a_narrow_terminal_loses_no_figure(self) -> None:
        shown = screen(50, Snapshot(any_execution(), HALF_WAY, Stage.EXPORTING))
        for words in ("9.8 pages/s", "980 rows/s", "1,200", "800", "1m 12s", "0.05s"):
            assert words in shown
        assert "…" not in shown

    def test_while_the_export_opens_nothing_is_made_up(self) -> None:
        shown = screen(80, Snapshot(any_execution(), None, Stage.OPENING))
        assert "Assets  opening" in shown
        assert "%" not in shown

    def test_a_feed_without_remaining_records_has_no_percentage(self) -> None:
        shown = screen(80, Snapshot(any_execution(), any_progress(pages=3, rows=300), Stage.EXPORTING))
        assert "%" not in shown
        assert "300" in shown

    def test_a_pause_is_shown_with_its_length(self) -> None:
        paused = any_progress(pages=3, rows=300, pause_seconds=90)
        shown = screen(80, Snapshot(any_execution(), paused, Stage.WAITING))
        assert "waiting for the feed, which requested a pause of 1m 30s" in shown

    def test_a_failed_export_shows_how_far_it_was_and_no_eta(self) -> None:
        failed = any_execution(
            status="FAILED",
            stopped_at=STARTED + timedelta(seconds=5),
            failure=ExecutionFailure(error="TokenRefused", message="no"),
        )
        shown = screen(80, Snapshot(failed, HALF_WAY, Stage.FAILED))
        assert "✗ Assets  failed" in shown
        assert " 60%" in shown
        assert "Elapsed 5s" in shown
        assert "ETA     -" in shown

    def test_a_complete_export_is_a_full_bar_even_of_an_empty_feed(self) -> None:
        result = ExportOutput(
            export_id="i", feed="assets", bucket="b", key="k", manifest_key="m", rows=0, pages=1, bytes=9, turns=1,
            complete=True,
        )  # fmt: skip
        done = any_execution(status="SUCCEEDED", stopped_at=STARTED, result=result)
        assert "100%" in screen(80, Snapshot(done, any_progress(pages=1, rows=0), Stage.COMPLETE))

    def test_a_clock_behind_that_of_aws_does_not_count_backwards(self) -> None:
        assert "Elapsed 0s" in screen(80, Snapshot(any_execution(), None, Stage.OPENING), seconds=-3)
