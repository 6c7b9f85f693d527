"""The exports table as the command reads it, whichever version of the stack has written it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from assetline.export.export_item import ExportProgress
from assetline_cli.exports.table import ExportItem

STARTED = datetime(2026, 11, 21, 0, 30, 12, tzinfo=UTC)

WRITTEN = ExportProgress(
    export_id="assets_20261121_003012",
    feed="assets",
    format="csv.gz",
    state="running",
    execution_arn="arn:e",
    bucket="b",
    key="k",
    manifest_key="m",
    started_at=STARTED,
    updated_at=STARTED,
    rows=1200,
    page_seconds=0.05,
    remaining=800,
)


def any_item(**attributes: Any) -> ExportItem:
    return ExportItem.model_validate(WRITTEN.to_item() | attributes)


def test_items_of_the_stack_are_read_unchanged() -> None:
    read = ExportItem.model_validate(WRITTEN.to_item()).model_dump(exclude={"export"})  # that is beside it
    assert read == {name: value for name, value in WRITTEN.model_dump().items() if name in read}
    assert set(read) <= set(ExportProgress.model_fields)


def test_an_unknown_state_is_kept_as_text() -> None:
    assert any_item(state="paused", something="new").state == "paused"


@pytest.mark.parametrize(
    "item",
    [
        {"export_id": "latest#assets", "feed": "assets", "state": "running"},
        {"export_id": "assets_20261121_003012"},
        WRITTEN.to_item() | {"export_id": "assets"},
        WRITTEN.to_item() | {"rows": "many"},
        {},
    ],
)
def test_other_items_are_not_listed(item: dict[str, Any]) -> None:
    assert ExportItem.listed(item) is None


@pytest.mark.parametrize(
    ("attributes", "minutes", "silent"),
    [
        ({}, 20, False),
        ({}, 21, True),
        ({"pause_seconds": 600}, 29, False),
        ({"pause_seconds": 600}, 31, True),
        ({"state": "failed"}, 999, False),
    ],
)
def test_a_running_export_without_updates_is_silent(attributes: dict[str, Any], minutes: int, silent: bool) -> None:
    assert any_item(**attributes).silent(STARTED + timedelta(minutes=minutes)) is silent
