"""The progress of `drops upload`, on a screen and in a log."""

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from assetline_cli.clock import Clock
from assetline_cli.drops.local_files import LocalFile
from assetline_cli.drops.progress import following_frame, uploading_frame
from assetline_cli.drops.upload import DroppedFile, UploadProgress
from assetline_cli.drops.wait import IngestionProgress
from assetline_cli.terminal.progress_bar import FrameDisplay, LiveView, PlainView

AT = datetime(2026, 11, 21, 0, 30, 12, tzinfo=UTC)
DROPPED = DroppedFile(LocalFile(Path("photos/1.png"), "ds1/1.png", 1), f"{1:032x}", AT)


class TestProgress:
    def test_rate_and_time_left_are_of_bytes(self) -> None:
        uploading = UploadProgress(4, 40_000_000, AT, bytes_sent=10_000_000)
        uploading.dropped.append(DROPPED)
        picture = uploading_frame(uploading, "ds1", AT + timedelta(seconds=5))
        assert picture.line == "Uploading to ds1: 1 of 4 files | 10.0 MB of 40.0 MB | 2.0 MB/s | ETA 15s | 5s"

    def test_in_the_first_second_no_rate_is_made_up(self) -> None:
        picture = uploading_frame(UploadProgress(4, 40, AT, bytes_sent=10), "ds1", AT + timedelta(seconds=0.2))
        assert picture.line == "Uploading to ds1: 0 of 4 files | 10 B of 40 B | 0s"

    def test_empty_files_are_done_when_they_are_dropped(self) -> None:
        uploading = UploadProgress(1, 0, AT)
        assert uploading_frame(uploading, "ds1", AT).done < uploading_frame(uploading, "ds1", AT).total
        uploading.dropped.append(DROPPED)
        assert uploading_frame(uploading, "ds1", AT).done == uploading_frame(uploading, "ds1", AT).total

    def test_a_log_has_a_line_in_ten_seconds_if_anything_is_new(self) -> None:
        now = [AT]
        console = Console(file=io.StringIO(), width=20)
        with PlainView(console, FrameDisplay(console, Clock(now=lambda: now[0]))) as view:
            for second in range(61):
                now[0] = AT + timedelta(seconds=second)
                ingested = 5 if second >= 25 else 0
                view.show(following_frame(IngestionProgress(9, ingested, 0, 2, AT), "ds1", now[0]))
        assert isinstance(console.file, io.StringIO)
        assert console.file.getvalue().splitlines() == [
            "Ingesting into ds1: 0 of 9 ingested | 2 in a session | 7 waiting | 0s",
            "Ingesting into ds1: 5 of 9 ingested | 2 in a session | 2 waiting | 25s",
        ]

    @pytest.mark.parametrize(
        ("width", "lines"),
        [
            (
                40,
                [
                    " Ingesting into ds1",
                    "━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ 75%",
                    "2,000 of 4,000 ingested | 1,000",
                    "rejected | 200 in a session | 800",
                    "waiting | 1m 12s",
                    "No answer from AWS, retrying",
                ],
            ),
            (
                90,
                [
                    " Ingesting into ds1",
                    "━━━ 75%",
                    "2,000 of 4,000 ingested | 1,000 rejected | 200 in a session | 800 waiting | 1m 12s",
                ],
            ),
        ],
    )
    def test_narrow_or_wide_no_figure_is_cut(self, width: int, lines: list[str]) -> None:
        file = io.StringIO()
        console = Console(force_terminal=True, width=width, file=file, color_system=None, legacy_windows=False)
        followed = IngestionProgress(4000, 2000, 1000, 200, AT).without_answer()
        with LiveView(console, FrameDisplay(console, Clock())) as view:
            view.show(following_frame(followed, "ds1", AT + timedelta(seconds=72)))
        shown = file.getvalue().lower()
        assert [line for line in lines if line.lower().strip("━ ") not in shown] == []
        assert "…" not in shown
