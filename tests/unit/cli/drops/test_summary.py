"""The summary of `drops upload`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from assetline.ingest.drop import Drop, DropState
from assetline_cli.drops.local_files import LocalFile, UndroppedFile
from assetline_cli.drops.summary import DropSummary
from assetline_cli.drops.upload import DroppedFile

AT = datetime(2026, 11, 21, 0, 30, 12, tzinfo=UTC)


def any_drop(number: int, state: DropState = "ingested", **values: Any) -> Drop:
    fixed: dict[str, Any] = {"bucket": "b", "key": f"ds1/{number}.png", "etag": "e", "size": 1, "dataset_id": "ds1"}
    times = {"dropped_at": AT, "updated_at": AT, "asset_filename": "a"}
    return Drop.model_validate(
        fixed | times | {"drop_id": f"{number:032x}", "state": state, "mime": "image/png"} | values
    )


def any_dropped(drop: Drop) -> DroppedFile:
    return DroppedFile(LocalFile(Path("photos") / Path(drop.key).name, drop.key, 1), drop.drop_id, AT)


def any_summary(*drops: Drop, not_dropped: tuple[UndroppedFile, ...] = ()) -> DropSummary:
    over = {drop.drop_id: drop for drop in drops if drop.state in {"ingested", "rejected"}}
    return DropSummary("ds1", [any_dropped(drop) for drop in drops], not_dropped, over)


class TestSummary:
    def test_a_hundred_percent_means_complete(self) -> None:
        drops = [any_drop(number) for number in range(2000)]
        summary = any_summary(*drops, any_drop(2000, "rejected", reason="EBADMIME"))
        assert list(summary.figures()) == [
            "Total Files:     2,001",
            "Succeeded:       2,000",
            "Failed:          1",
            "Success Rate:    99.9%",
            "Total Size:      2.0 kB",
            "Total Time:      0s",
        ]
        assert not summary.complete

    def test_all_of_them_is_a_success(self) -> None:
        assert any_summary(any_drop(1)).complete
        assert list(any_summary(any_drop(1)).figures())[3] == "Success Rate:    100.0%"

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
