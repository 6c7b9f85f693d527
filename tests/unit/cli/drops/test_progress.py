"""What the command `drop` says: its summary, its progress, and what it takes for no picture."""

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from assetline.ingest.drop import Drop, DropState
from assetline.vi.media_types import EXTENSIONS
from assetline_cli.clock import Clock
from assetline_cli.drops.local_files import NOT_MEDIA, LocalFile, UndroppedFile
from assetline_cli.drops.progress import following_frame, uploading_frame
from assetline_cli.drops.summary import DropSummary
from assetline_cli.drops.upload import DroppedFile, UploadProgress
from assetline_cli.drops.wait import IngestionProgress
from assetline_cli.terminal.output import printable
from assetline_cli.terminal.progress_bar import FrameDisplay, LiveView, PlainView

AT = datetime(2026, 11, 21, 0, 30, 12, tzinfo=UTC)


def any_drop(number: int, state: DropState = "ingested", **told: Any) -> Drop:
    fixed: dict[str, Any] = {"bucket": "b", "key": f"ds1/{number}.png", "etag": "e", "size": 1, "dataset_id": "ds1"}
    times = {"dropped_at": AT, "updated_at": AT, "asset_filename": "a"}
    return Drop.model_validate(
        fixed | times | {"drop_id": f"{number:032x}", "state": state, "mime": "image/png"} | told
    )


def any_dropped(drop: Drop) -> DroppedFile:
    return DroppedFile(LocalFile(Path("photos") / Path(drop.key).name, drop.key, 1), drop.drop_id, AT)


def any_summary(*drops: Drop, not_dropped: tuple[UndroppedFile, ...] = ()) -> DropSummary:
    over = {drop.drop_id: drop for drop in drops if drop.state in {"ingested", "rejected"}}
    return DropSummary("ds1", [any_dropped(drop) for drop in drops], not_dropped, over)


class TestSummary:
    def test_a_hundred_percent_is_said_of_what_is_whole(self) -> None:
        drops = [any_drop(number) for number in range(2000)]
        summary = any_summary(*drops, any_drop(2000, "rejected", reason="EBADMIME"))
        assert list(summary.figures()) == [
            "Total Files:     2,001",
            "Succeeded:       2,000",
            "Failed:          1",
            "Success Rate:    99.9%",
        ]
        assert not summary.complete

    def test_all_of_them_is_a_success(self) -> None:
        assert any_summary(any_drop(1)).complete
        assert list(any_summary(any_drop(1)).figures())[-1] == "Success Rate:    100.0%"

    def test_a_file_that_was_not_dropped_failed(self) -> None:
        lost = UndroppedFile(Path("photos/x.png"), "Unreadable", "Permission denied.")
        summary = any_summary(any_drop(1), not_dropped=(lost,))
        assert list(summary.figures())[:3] == ["Total Files:     2", "Succeeded:       1", "Failed:          1"]
        assert list(summary.failed_lines()) == ["  photos/x.png: Unreadable: Permission denied."]
        assert list(summary.advice("assetline")) == [
            "They stay rejected until you fix the files and upload them again."
        ]

    def test_a_great_many_failures_are_counted_and_listed_elsewhere(self) -> None:
        summary = any_summary(*(any_drop(number, "rejected", reason="ENOQUOTA") for number in range(60)))
        assert list(summary.failed_lines())[-2:] == ["  photos/49.png: ENOQUOTA", "  … and 10 more"]
        assert list(summary.advice("dev")) == [
            "Retry the drops that Vi may accept now: assetline drops retry --dataset ds1 --stack dev",
            "List them all: assetline drops list --dataset ds1 --state rejected --stack dev --limit 60",
        ]


class TestProgress:
    def test_rate_and_time_left_are_of_bytes(self) -> None:
        uploading = UploadProgress(4, 40_000_000, AT, bytes_sent=10_000_000)
        uploading.dropped.append(any_dropped(any_drop(1)))
        picture = uploading_frame(uploading, "ds1", AT + timedelta(seconds=5))
        assert picture.line == "Uploading to ds1: 1 of 4 files | 10.0 MB of 40.0 MB | 2.0 MB/s | ETA 15s | 5s"

    def test_in_the_first_second_no_rate_is_made_up(self) -> None:
        picture = uploading_frame(UploadProgress(4, 40, AT, bytes_sent=10), "ds1", AT + timedelta(seconds=0.2))
        assert picture.line == "Uploading to ds1: 0 of 4 files | 10 B of 40 B | 0s"

    def test_empty_files_are_done_when_they_are_dropped(self) -> None:
        uploading = UploadProgress(1, 0, AT)
        assert uploading_frame(uploading, "ds1", AT).done < uploading_frame(uploading, "ds1", AT).total
        uploading.dropped.append(any_dropped(any_drop(1)))
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
                    "No answer from AWS, trying again",
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
    def test_narrow_or_wide_every_figure_is_whole(self, width: int, lines: list[str]) -> None:
        file = io.StringIO()
        console = Console(force_terminal=True, width=width, file=file, color_system=None, legacy_windows=False)
        followed = IngestionProgress(4000, 2000, 1000, 200, AT).without_answer()
        with LiveView(console, FrameDisplay(console, Clock())) as view:
            view.show(following_frame(followed, "ds1", AT + timedelta(seconds=72)))
        shown = file.getvalue().lower()
        assert [line for line in lines if line.lower().strip("━ ") not in shown] == []
        assert "…" not in shown


def test_what_vi_takes_is_never_skipped() -> None:
    assert {extension for extension in EXTENSIONS if extension in NOT_MEDIA} == set()


def test_a_key_on_the_screen_gives_the_terminal_no_orders() -> None:
    assert printable("ä b.png") == "ä b.png"
    assert printable("\x1b[2J\t\n\udce9") == "\\x1b[2J\\t\\n\\udce9"
