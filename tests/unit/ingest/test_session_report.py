"""The report of a session, for people and for spreadsheets."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from assetline.ingest.session_report import files_csv, report_keys, summary, summary_json
from assetline.ingest.settlement import SettledFile, Settlement
from assetline.ingest.staging import SessionRef

OPENED = datetime(2026, 11, 21, 4, 5, 6, 789, tzinfo=UTC)


def any_file(name: str, state: Any = "ingested", reason: str | None = None) -> SettledFile:
    return SettledFile(
        drop_id=name,
        bucket="drops",
        key=f"ds1/{name}",
        asset_filename=name,
        state=state,
        reason=reason,
        message=f"Because of {reason}." if reason else None,
        counts_attempt=state == "dropped",
    )


def any_settlement(*files: SettledFile) -> Settlement:
    session = SessionRef(
        session_key="run-1",
        dataset_id="ds1",
        session_id="s1",
        ingestion_id="i1",
        bucket="exports",
        total=len(files),
        opened_at=OPENED,
    )
    settled_at = OPENED + timedelta(seconds=90)
    return Settlement(
        session=session, ended="finished", cancel=False, error=None, message=None, settled_at=settled_at, files=files
    )


def test_the_keys_are_named_by_the_dataset_the_second_and_the_session() -> None:
    keys = report_keys(any_settlement())
    assert keys.json_key == "reports/ds1/ds1_20261121_040506_s1.json"
    assert keys.csv_key == "reports/ds1/ds1_20261121_040506_s1.csv"


def test_the_summary_counts_each_file_once_and_lists_those_that_failed() -> None:
    summarised = summary(
        any_settlement(any_file("0"), any_file("1", "rejected", "EBADMIME"), any_file("2", "dropped", "E2"))
    )
    assert {name: summarised[name] for name in ("total", "succeeded", "failed", "returned", "success_rate")} == {
        "total": 3,
        "succeeded": 1,
        "failed": 1,
        "returned": 1,
        "success_rate": 33.33,
    }
    assert summarised["failed_files"] == [
        {"key": "ds1/1", "asset": "1", "reason": "EBADMIME", "message": "Because of EBADMIME."}
    ]
    assert [file["asset"] for file in summarised["returned_files"]] == ["2"]
    assert (summarised["opened_at"], summarised["settled_at"], summarised["seconds"]) == (
        "2026-11-21T04:05:06Z",
        "2026-11-21T04:06:36Z",
        90.0,
    )


def test_a_session_of_no_files_has_a_rate_too() -> None:
    assert summary(any_settlement())["success_rate"] == 0.0


def test_the_json_is_for_people_of_any_script() -> None:
    body = summary_json(any_settlement(any_file("\u5199\u771f.png", "rejected", "E")))
    assert "\u5199\u771f.png" in body.decode()
    assert json.loads(body)["failed"] == 1


def test_the_csv_holds_any_key_and_nothing_a_spreadsheet_would_run() -> None:
    names = ["=cmd()", 'a,"b"\nc.png', "\u00e9.png"]
    rows = [*csv.reader(io.StringIO(files_csv(any_settlement(*map(any_file, names))).decode(), newline=""))]
    assert rows[0] == ["key", "asset", "state", "reason", "message"]
    assert [row[1] for row in rows[1:]] == ["'=cmd()", *names[1:]]
