"""The stable address of the newest file of a feed."""

import json
import re
from typing import Any

import pytest

from assetline.aws import join_objects
from assetline.export.latest_file import LatestFile
from assetline.export.previous_export import Latest
from local.emulators.safetyculture.scenario import FeedScenario
from local.emulators.safetyculture.server import FeedEmulator
from tests.contract.template import ROOT
from tests.handlers.conftest import BUCKET, ExportAccount, ExportMachine

POINTER = "exports/assets/latest.json"
EARLIER, LATER = "2026-11-21T03:00:00Z", "2026-11-21T04:00:00Z"


def pointer(aws: ExportAccount) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(aws.text(POINTER))
    return document


def test_the_newest_export_is_named(aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator) -> None:
    feed_api.has(FeedScenario(rows=5))
    machine.run({"feed": "assets"}, EARLIER)
    feed_api.has(FeedScenario(rows=7))
    result = machine.run({"feed": "assets"}, LATER)
    document = pointer(aws)
    assert document.pop("finished_at")
    assert document == {
        "export_id": result["export_id"],
        "feed": "assets",
        "bucket": BUCKET,
        "key": result["key"],
        "manifest_key": result["manifest_key"],
        "format": "csv",
        "rows": 7,
    }


def test_an_earlier_export_that_ends_late_does_not_replace_it(
    aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator
) -> None:
    feed_api.has(FeedScenario(rows=5))
    newest = machine.run({"feed": "assets"}, LATER)
    machine.run({"feed": "assets"}, EARLIER)
    assert pointer(aws)["export_id"] == newest["export_id"]


def test_an_earlier_export_repairs_what_its_killed_attempt_replaced(
    aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator
) -> None:
    feed_api.has(FeedScenario(rows=5))
    newest = machine.run({"feed": "assets"}, LATER)
    aws.s3.put_object(Bucket=BUCKET, Key=POINTER, Body=b'{"export_id": "an earlier one"}')
    machine.run({"feed": "assets"}, EARLIER)
    assert pointer(aws)["export_id"] == newest["export_id"]


def test_an_export_with_a_filter_does_not_replace_it(
    aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator
) -> None:
    feed_api.has(FeedScenario(rows=5))
    machine.run({"feed": "inspections", "params": {"archived": "both"}}, EARLIER)
    assert not [key for key in aws.keys("exports/") if "latest" in key]


def test_an_export_of_changes_does_not_replace_it(
    aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator
) -> None:
    feed_api.has(FeedScenario(rows=5))
    complete = machine.run({"feed": "inspections"}, EARLIER)
    machine.run({"feed": "inspections", "since": "last"}, LATER)
    assert json.loads(aws.text("exports/inspections/latest.json"))["export_id"] == complete["export_id"]


def test_the_file_itself_is_published_if_the_parameter_is_set(
    aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBLISH_LATEST_FILE", "true")
    feed_api.has(FeedScenario(rows=5))
    result = machine.run({"feed": "assets", "format": "csv.gz"})
    assert aws.bytes("exports/assets/latest.csv.gz") == aws.bytes(result["key"])
    assert pointer(aws)["latest_key"] == "exports/assets/latest.csv.gz"
    head = aws.s3.head_object(Bucket=BUCKET, Key="exports/assets/latest.csv.gz")
    assert head["ContentType"] == aws.s3.head_object(Bucket=BUCKET, Key=result["key"])["ContentType"]


def test_the_document_has_the_documented_fields(
    aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBLISH_LATEST_FILE", "true")
    feed_api.has(FeedScenario(rows=5))
    machine.run({"feed": "assets"})
    (shown,) = re.findall(r"```json\n(.*?)```", (ROOT / "docs/newest-file.md").read_text(), re.DOTALL)
    assert list(pointer(aws)) == list(json.loads(shown))


def test_a_large_file_is_copied_in_parts(
    aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBLISH_LATEST_FILE", "true")
    monkeypatch.setattr(join_objects, "COPY_BYTES", 5 * 1024**2)
    feed_api.has(FeedScenario(rows=12_000, max_page_size=1000))
    result = machine.run({"feed": "assets"})
    assert result["bytes"] > join_objects.COPY_BYTES
    assert aws.bytes("exports/assets/latest.csv") == aws.bytes(result["key"])


def test_a_writer_that_was_overtaken_publishes_the_newer_export(
    aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed_api.has(FeedScenario(rows=5))
    put_document, overtaking = LatestFile._put, list[Any]()

    def overtaken(newest: Any, latest: Latest) -> None:
        if not overtaking:
            overtaking.append(None)  # the newer export ends between the record and the document of the earlier one
            overtaking.append(machine.run({"feed": "assets"}, LATER))
        put_document(newest, latest)

    monkeypatch.setattr(LatestFile, "_put", overtaken)
    machine.run({"feed": "assets"}, EARLIER)
    assert pointer(aws)["export_id"] == overtaking[1]["export_id"]
