import json
import zlib
from typing import Any

import pytest

from assetline.errors import FeedUnavailable, PartsMismatch, StagedGone
from assetline.execution_input import parse
from assetline.export.checkpoint import Checkpoint, Export
from assetline.export.dependencies import exports_table
from assetline.export.request import ExportRequest
from assetline.export.staging import ExportStaging
from assetline.paging import reader
from local.emulators.safetyculture.scenario import (
    FeedScenario,
    Maintenance,
    RowDrift,
    TooManyRequests,
    Truncated,
    Unavailable,
)
from local.emulators.safetyculture.server import FeedEmulator
from tests.handlers.conftest import BUCKET, ExportAccount, ExportMachine
from tests.support.feed_file import holds_the_feed, rows_of

IN_MANY_TURNS = {"feed": "assets", "page_size": 10, "max_turn_seconds": 1e-9}  # a turn always reads one page


def is_the_feed(aws: ExportAccount, result: dict[str, Any], rows: int) -> bool:
    manifest = json.loads(aws.text(result["manifest_key"]))
    return holds_the_feed(aws.text(result["key"]), manifest, range(rows))


def test_a_feed_becomes_a_csv_with_the_same_values(
    aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator
) -> None:
    feed_api.has(FeedScenario(rows=95))
    result = machine.run({"feed": "assets", "page_size": 10})
    assert result == {
        "export_id": "assets_20261121_030000",
        "feed": "assets",
        "bucket": BUCKET,
        "key": "exports/assets/assets_20261121_030000.csv",
        "manifest_key": "exports/assets/assets_20261121_030000.manifest.json",
        "rows": 95,
        "pages": 10,
        "bytes": len(aws.text(result["key"]).encode()),
        "turns": 1,
        "complete": True,
    }
    assert is_the_feed(aws, result, 95)


def test_many_turns_write_the_same_bytes_as_one(
    aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator
) -> None:
    feed_api.has(FeedScenario(rows=95))
    in_one = machine.run({"feed": "assets"})
    in_many = machine.run(IN_MANY_TURNS)
    assert (in_one["turns"], in_many["turns"]) == (1, 10)
    assert aws.text(in_many["key"]) == aws.text(in_one["key"])


def test_parts_of_megabytes_and_tails_between_turns_join(
    aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator
) -> None:
    feed_api.has(FeedScenario(rows=20_000, max_page_size=1000))
    in_one = machine.run({"feed": "assets", "page_size": 1000})
    in_many = machine.run(IN_MANY_TURNS | {"page_size": 1000})
    assert machine.checkpoints[-1]["next_part"] > 2
    assert aws.text(in_many["key"]) == aws.text(in_one["key"])


def test_the_same_feed_with_nothing_in_it_is_a_header_and_complete(
    aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator
) -> None:
    feed_api.has(FeedScenario(rows=0))
    result = machine.run({"feed": "assets"})
    assert (result["rows"], result["pages"], result["complete"]) == (0, 1, True)
    (header,) = aws.text(result["key"]).splitlines()
    assert header.startswith("id,code,type_id,type_name,Display name,")
    assert header.endswith(",created_at,modified_at,site_id,state,status_options,extra")


def test_the_manifest_describes_the_file(aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator) -> None:
    feed_api.has(FeedScenario(rows=95))
    result = machine.run(IN_MANY_TURNS)
    manifest = json.loads(aws.text(result["manifest_key"]))
    content = aws.text(result["key"]).encode()
    assert manifest["complete"] is True
    assert (manifest["rows"], manifest["pages"], manifest["turns"], manifest["parts"]) == (95, 10, 10, 1)
    assert (manifest["bytes"], manifest["crc32"]) == (len(content), f"{zlib.crc32(content):08x}")
    assert [column["header"] for column in manifest["columns"]] == list(rows_of(content.decode())[0])
    assert parse(ExportRequest, manifest["input"]) == parse(ExportRequest, IN_MANY_TURNS)
    assert manifest["keys"] == ["id"]
    assert manifest["execution_arn"] == "arn:execution-1"


def test_a_complete_item_has_the_figures_of_the_result(
    aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator
) -> None:
    feed_api.has(FeedScenario(rows=95, remaining_records=True))
    result = machine.run(IN_MANY_TURNS)
    item = aws.item(result["export_id"])
    assert (item["state"], item["rows"], item["pages"], item["turns"]) == ("complete", 95, 10, 10)
    assert {"finished_at", "execution_arn", "manifest_key"} <= set(item)
    assert not {"remaining", "eta_seconds"} & set(item)


def test_the_item_shows_progress_after_every_turn(
    aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator
) -> None:
    feed_api.has(FeedScenario(rows=95, remaining_records=True))
    state = machine.open({"execution_arn": "arn:1", "started_at": "2026-11-21T03:00:00Z", "input": IN_MANY_TURNS})
    machine.write(machine.write(state))
    item = aws.item("assets_20261121_030000")
    assert (item["state"], item["pages"], item["rows"], item["remaining"]) == ("running", 2, 20, 75)
    assert item["pages_per_second"] > 0
    assert item["eta_seconds"] > 0


def test_the_finished_file_is_announced(aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator) -> None:
    feed_api.has(FeedScenario(rows=5))
    result = machine.run({"feed": "assets"})
    (entry,) = aws.announced
    assert (entry["Source"], entry["DetailType"], json.loads(entry["Detail"])) == (
        "assetline",
        "Export Complete",
        result,
    )


def test_a_state_carries_addresses_and_no_bytes(machine: ExportMachine, feed_api: FeedEmulator) -> None:
    feed_api.has(FeedScenario(rows=95))
    machine.run(IN_MANY_TURNS)
    assert max(len(json.dumps(checkpoint)) for checkpoint in machine.checkpoints) < 1_000


def test_a_key_the_feed_never_had_is_kept_in_extra(
    aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator
) -> None:
    feed_api.has(FeedScenario(rows=30, faults=(RowDrift(page=2, name="criticality", value="high"),)))
    rows = rows_of(aws.text(machine.run(IN_MANY_TURNS)["key"]))
    assert [row["extra"] for row in rows] == [""] * 10 + ['{"criticality":"high"}'] * 20


def test_a_turn_that_is_repeated_changes_nothing(
    aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator
) -> None:
    feed_api.has(FeedScenario(rows=95))
    undisturbed = aws.text(machine.run({"feed": "assets"})["key"])
    state = machine.open({"execution_arn": "arn:2", "started_at": "2026-11-21T04:00:00Z", "input": IN_MANY_TURNS})
    while state["checkpoint"]["cursor"] is not None:
        machine.write(state)  # its answer is lost
        state = machine.write(state)
    assert aws.text(machine.close(state)["key"]) == undisturbed


def test_parts_a_killed_turn_left_behind_are_not_taken(
    aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator
) -> None:
    feed_api.has(FeedScenario(rows=20))
    undisturbed = aws.text(machine.run({"feed": "assets"})["key"])
    state = machine.open({"execution_arn": "arn:2", "started_at": "2026-11-21T04:00:00Z", "input": {"feed": "assets"}})
    ExportStaging(aws.s3, BUCKET, state["export"]["export_id"]).keep("part-00002", b"left behind")
    assert aws.text(machine.close(machine.write(state))["key"]) == undisturbed


def test_opening_again_opens_the_same_export(machine: ExportMachine) -> None:
    opening = {"execution_arn": "arn:1", "started_at": "2026-11-21T03:00:00Z", "input": {"feed": "assets"}}
    assert machine.open(opening) == machine.open(opening)


def test_two_exports_of_one_second_get_names_of_their_own(aws: ExportAccount, machine: ExportMachine) -> None:
    opening = {"started_at": "2026-11-21T03:00:00Z", "input": {"feed": "assets"}}
    ids = [machine.open(opening | {"execution_arn": f"arn:{n}"})["export"]["export_id"] for n in range(3)]
    assert ids == ["assets_20261121_030000", "assets_20261121_030000_2", "assets_20261121_030000_3"]


def test_closing_again_gives_the_same_result(machine: ExportMachine, feed_api: FeedEmulator) -> None:
    feed_api.has(FeedScenario(rows=5))
    opening = {"execution_arn": "arn:1", "started_at": "2026-11-21T03:00:00Z", "input": {"feed": "assets"}}
    state = machine.write(machine.open(opening))
    assert machine.close(state) == machine.close(state)


def test_a_turn_taken_for_dead_cannot_reopen_a_complete_export(
    aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator
) -> None:
    feed_api.has(FeedScenario(rows=95))
    result = machine.run(IN_MANY_TURNS)
    earlier = aws.item(result["export_id"])
    export = Export.model_validate_json(earlier["export"])
    exports_table().update(export, pages=1, rows=10)
    exports_table().save(export, Checkpoint(cursor="/1", turns=99))
    assert aws.item(result["export_id"]) == earlier


def test_bytes_that_are_not_those_rendered_are_never_published(
    aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator
) -> None:
    feed_api.has(FeedScenario(rows=5))
    opening = {"execution_arn": "arn:1", "started_at": "2026-11-21T03:00:00Z", "input": {"feed": "assets"}}
    state = machine.write(machine.open(opening))
    (key,) = aws.keys("staging/export/assets_20261121_030000/part-")
    aws.s3.put_object(Bucket=BUCKET, Key=key, Body=b"x" * state["checkpoint"]["bytes"])
    with pytest.raises(PartsMismatch, match="does not hold the bytes"):
        machine.close(state)
    assert aws.keys("exports/") == []
    assert "Uploads" not in aws.s3.list_multipart_uploads(Bucket=BUCKET)


def test_a_part_that_is_missing_is_noticed(aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator) -> None:
    feed_api.has(FeedScenario(rows=5))
    opening = {"execution_arn": "arn:1", "started_at": "2026-11-21T03:00:00Z", "input": {"feed": "assets"}}
    state = machine.write(machine.open(opening))
    state["checkpoint"] |= {"next_part": 3, "turns": 9}
    with pytest.raises(PartsMismatch, match="in 2 parts"):
        machine.close(state)


def test_a_part_that_expired_is_named(aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator) -> None:
    feed_api.has(FeedScenario(rows=5))
    opening = {"execution_arn": "arn:1", "started_at": "2026-11-21T03:00:00Z", "input": {"feed": "assets"}}
    state = machine.write(machine.open(opening))
    aws.lose(*aws.keys("staging/export/assets_20261121_030000/part-"))
    with pytest.raises(StagedGone, match="Start a new export"):
        machine.close(state)
    assert aws.keys("exports/") == []


def test_the_parts_of_a_published_file_are_cleared_away(
    aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator
) -> None:
    feed_api.has(FeedScenario(rows=5))
    opening = {"execution_arn": "arn:1", "started_at": "2026-11-21T03:00:00Z", "input": {"feed": "assets"}}
    state = machine.write(machine.open(opening))
    killed = aws.s3.create_multipart_upload(Bucket=BUCKET, Key=state["export"]["key"])  # of an attempt that was killed
    machine.close(state)
    assert aws.keys("staging/export/assets_20261121_030000/part-") == []
    assert "Uploads" not in aws.s3.list_multipart_uploads(Bucket=BUCKET), killed["UploadId"]


def test_a_tail_that_expired_is_named(aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator) -> None:
    feed_api.has(FeedScenario(rows=95))
    opening = {"execution_arn": "arn:1", "started_at": "2026-11-21T03:00:00Z", "input": IN_MANY_TURNS}
    state = machine.write(machine.open(opening))
    aws.s3.delete_object(Bucket=BUCKET, Key=state["checkpoint"]["tail"]["key"])
    with pytest.raises(StagedGone):
        machine.write(state)


def test_a_tail_that_is_not_what_was_stored_is_not_used(
    aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator
) -> None:
    feed_api.has(FeedScenario(rows=95))
    opening = {"execution_arn": "arn:1", "started_at": "2026-11-21T03:00:00Z", "input": IN_MANY_TURNS}
    state = machine.write(machine.open(opening))
    tail = state["checkpoint"]["tail"]
    aws.s3.put_object(Bucket=BUCKET, Key=tail["key"], Body=b"x" * tail["size"])
    with pytest.raises(PartsMismatch, match="does not hold the bytes"):
        machine.write(state)


@pytest.mark.parametrize("fault", [Unavailable, Truncated, Maintenance])
def test_a_page_that_fails_is_asked_for_again(
    aws: ExportAccount,
    machine: ExportMachine,
    feed_api: FeedEmulator,
    monkeypatch: pytest.MonkeyPatch,
    fault: type[Unavailable | Truncated | Maintenance],
) -> None:
    monkeypatch.setattr(reader, "backoff", lambda _: 0.0)
    feed_api.has(FeedScenario(rows=95, faults=(fault(page=3, times=2),)))
    result = machine.run({"feed": "assets", "page_size": 10})
    assert is_the_feed(aws, result, 95)
    pages = [request for request in feed_api.requests() if request.path == "/feed/assets"]
    assert len(pages) == 10 + 2  # two of them in vain


def test_a_long_pause_is_the_machines_to_wait(
    aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator
) -> None:
    feed_api.has(FeedScenario(rows=95, faults=(TooManyRequests(page=3, times=1, retry_after=40),)))
    result = machine.run({"feed": "assets", "page_size": 10})
    assert (machine.pauses, result["turns"]) == ([40], 2)
    assert is_the_feed(aws, result, 95)


def test_a_feed_that_never_recovers_fails_the_export_by_name(
    machine: ExportMachine, feed_api: FeedEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "backoff", lambda _: 10.0)
    feed_api.has(FeedScenario(rows=95, faults=(Unavailable(page=3),)))
    with pytest.raises(FeedUnavailable, match="503"):
        machine.run({"feed": "assets", "page_size": 10})
    assert machine.pauses == [10] * (reader.MAX_FAULTS - 1)
