from datetime import UTC, datetime
from decimal import Decimal

import pytest
from botocore.exceptions import EndpointConnectionError

from assetline.export.checkpoint import Checkpoint, Export
from assetline.export.export_item import ExportProgress
from assetline.export.previous_export import Latest
from assetline.export.progress_reporter import Report
from assetline.export.request import ExportRequest
from assetline.paging.page import Page
from tests.support.clock import ManualClock

STARTED = datetime(2026, 11, 21, 3, 0, 0, 123_000, UTC)


def any_progress() -> ExportProgress:
    return ExportProgress(
        export_id="assets_20261121_030000",
        feed="assets",
        format="csv",
        state="running",
        execution_arn="arn:execution",
        bucket="bucket",
        key="exports/assets/assets_20261121_030000.csv",
        manifest_key="exports/assets/assets_20261121_030000.manifest.json",
        started_at=STARTED,
        updated_at=STARTED,
        rows=200,
        page_seconds=0.451,
    )


def test_an_item_of_the_table_reads_as_it_was_written() -> None:
    item = any_progress().to_item()
    assert ExportProgress.from_item(item) == any_progress()
    assert item["page_seconds"] == Decimal("0.451")
    assert "eta_seconds" not in item


def test_fields_of_a_later_version_are_ignored() -> None:
    assert ExportProgress.from_item(any_progress().to_item() | {"upload_id": "u", "mood": "good"}) == any_progress()


class Table:
    """Stores the updates, as the exports table does."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.updates: list[dict[str, object]] = []
        self._failure = failure

    def update(self, _export: Export, **measures: object) -> None:
        if self._failure:
            raise self._failure
        self.updates.append(measures)


def any_page(rows: int, remaining: int | None = None) -> Page:
    return Page([{}] * rows, "/next", remaining, seconds=0.25)


def any_export(previous_rows: int | None = None) -> Export:
    previous = (
        None if previous_rows is None else Latest(watermark=STARTED, whole_export_id="before", rows=previous_rows)
    )
    return Export(
        export_id="assets_1",
        execution_arn="arn:execution",
        request=ExportRequest(feed="assets"),
        bucket="bucket",
        key="key",
        manifest_key="manifest",
        started_at=STARTED,
        previous=previous,
    )


def report_to(
    table: Table, clock: ManualClock, earlier: Checkpoint | None = None, export: Export | None = None
) -> Report:
    return Report(table, export or any_export(), earlier or Checkpoint(cursor="/1"), clock)  # type: ignore[arg-type]


def test_rates_are_of_this_turn_and_the_eta_is_what_remains_at_that_rate() -> None:
    table, clock = Table(), ManualClock(100.0)
    earlier = Checkpoint(cursor="/5", pages=40, rows=4000, turns=2)
    with report_to(table, clock, earlier) as report:
        clock.now += 2
        report.page_arrived(any_page(100, remaining=900), pages=41, rows=4100, bytes_=50_000)
    (updates,) = table.updates
    assert (updates["pages"], updates["rows"], updates["page_rows"], updates["turns"]) == (41, 4100, 100, 3)
    assert (updates["pages_per_second"], updates["rows_per_second"], updates["eta_seconds"]) == (0.5, 50.0, 18.0)


def test_without_remaining_records_there_is_no_eta() -> None:
    table, clock = Table(), ManualClock(100.0)
    with report_to(table, clock) as report:
        clock.now += 2
        report.page_arrived(any_page(100), pages=1, rows=100, bytes_=1)
    assert (table.updates[0]["remaining"], table.updates[0]["eta_seconds"]) == (None, None)


def test_without_a_remaining_count_the_eta_uses_the_last_export() -> None:
    table, clock = Table(), ManualClock(100.0)
    with report_to(table, clock, export=any_export(previous_rows=1000)) as report:
        clock.now += 2
        report.page_arrived(any_page(100), pages=1, rows=100, bytes_=1)
    assert (table.updates[0]["remaining"], table.updates[0]["eta_seconds"]) == (None, 18.0)


def test_fast_pages_are_reported_once_a_second() -> None:
    table, clock = Table(), ManualClock(100.0)
    with report_to(table, clock) as report:
        for page in range(1, 13):
            clock.now += 0.25
            report.page_arrived(any_page(1), pages=page, rows=page, bytes_=page)
            if report._sending is not None:
                report._sending.result()
    assert [updates["pages"] for updates in table.updates] == [1, 5, 9]


def test_the_end_of_a_turn_is_reported_with_its_checkpoint() -> None:
    table, clock = Table(), ManualClock(100.0)
    with report_to(table, clock) as report:
        report.page_arrived(any_page(1), pages=1, rows=1, bytes_=1)
        report.page_arrived(any_page(1), pages=2, rows=2, bytes_=2)
        updates = report.at_the_end(Checkpoint(cursor="/3", pages=2, rows=2, bytes=2, turns=1, pause_seconds=30))
        assert [updates["pages"] for updates in table.updates] == [1]
    assert (updates["pages"], updates["pause_seconds"]) == (2, 30)


@pytest.mark.parametrize("failure", [EndpointConnectionError(endpoint_url="http://table")])
def test_a_failed_update_of_the_table_does_not_affect_the_export(failure: Exception) -> None:
    table = Table(failure)
    with report_to(table, ManualClock(100.0)) as report:
        report.page_arrived(any_page(1), pages=1, rows=1, bytes_=1)
    assert table.updates == []
