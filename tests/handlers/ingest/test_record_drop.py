"""Record Drop: real events become drops or rejections, once, whatever comes twice, late or broken."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.response import StreamingBody

from assetline.errors import InvalidInput
from assetline.ingest import dependencies as connections
from assetline.ingest.drop import Drop, SessionDrop, drop_id
from assetline.ingest.outcomes import DropOutcome
from assetline.vi import crc32c
from assetline.vi.media_types import HEAD_BYTES
from functions.record_drop import app as record_drop
from local.emulators.vi.scenario import FileError
from local.sample_images import image
from tests.handlers.conftest import event, lambda_context
from tests.handlers.ingest.session_stage import DROPS, SessionStage
from tests.unit.vi.containers import box, ftyp, moov


def put(stage: SessionStage, key: str, content: bytes, **options: Any) -> str:
    etag: str = stage.s3.put_object(Bucket=DROPS, Key=key, Body=content, **options)["ETag"].strip('"')
    return etag


def created(key: str, content: bytes, etag: str, sequencer: str = "0062E99A88DC407460", **more: Any) -> dict[str, Any]:
    """Return the real event of an object, with its own particulars."""
    message = json.loads(event("record_drop/two_drops")["Records"][0]["body"])
    message["detail"]["object"] = {"key": key, "size": len(content), "etag": etag, "sequencer": sequencer, **more}
    return dict(message)


def messages(*events: Any) -> dict[str, Any]:
    record = event("record_drop/two_drops")["Records"][0]
    bodies = [event if isinstance(event, str) else json.dumps(event) for event in events]
    return {"Records": [record | {"messageId": f"message-{place}", "body": body} for place, body in enumerate(bodies)]}


def record(payload: dict[str, Any]) -> Any:
    return record_drop.lambda_handler(payload, lambda_context())


def drop(key: str, etag: str) -> Drop:
    (found,) = connections.ledger().get([drop_id(DROPS, key, etag)]).values()
    return found


def dropped(stage: SessionStage, key: str, content: bytes, **options: Any) -> Drop:
    etag = put(stage, key, content, **options)
    assert record(messages(created(key, content, etag))) == {"batchItemFailures": []}
    return drop(key, etag)


def test_an_image_waits_with_all_fields_for_a_session(stage: SessionStage) -> None:
    found = dropped(stage, "ds1/größe & 50%+ (1).png", image("png"), Metadata={"site": "oslo"}, Tagging="team=a")
    assert (found.state, found.dataset_id, found.asset_filename) == ("dropped", "ds1", "größe & 50%+ (1).png")
    assert (found.mime, found.kind, found.size) == ("image/png", "Image", len(image("png")))
    assert (found.custom_metadata, found.tag_count) == ({"site": "oslo"}, 1)
    assert found.crc32c is None  # S3 holds none of it
    assert len(stage.started) == 1
    assert stage.started[0].startswith("ds1-")


@pytest.mark.parametrize(
    ("key", "content", "reason"),
    [
        ("ds1/text.png", b"this is text", "WrongContent"),
        ("ds1/frames.png", b"\x50\x2a\x4d\x18\0\0\0\0" * 8192, "WrongContent"),  # of zstd, to be skipped
        ("ds1/notes.txt", b"notes", "UnsupportedType"),
        ("ds1/empty.png", b"", "EmptyObject"),
        ("photo.png", image("png"), "NoDataset"),
        ("not a dataset/photo.png", image("png"), "NoDataset"),
    ],
)
def test_an_impossible_asset_is_rejected_with_the_reason_and_tagged(
    stage: SessionStage, key: str, content: bytes, reason: str
) -> None:
    found = dropped(stage, key, content)
    assert (found.state, found.reason) == ("rejected", reason)
    assert found.message
    assert found.expires_at
    assert stage.s3.get_object_tagging(Bucket=DROPS, Key=key)["TagSet"][-1]["Value"] == reason
    assert stage.started == []


def test_an_image_that_is_too_large_is_not_read(stage: SessionStage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_IMAGE_BYTES", "100")
    connections.settings.cache_clear()
    connections.recorder.cache_clear()
    found = dropped(stage, "ds1/large.png", image("png", 3) + bytes(100))
    assert (found.reason, found.mime) == ("TooLarge", None)


def test_a_deleted_or_replaced_object_has_a_reason(stage: SessionStage) -> None:
    record(messages(created("ds1/gone.png", b"12345678", "0" * 32)))
    assert drop("ds1/gone.png", "0" * 32).reason == "Deleted"
    put(stage, "ds1/newer.png", image("png"))
    record(messages(created("ds1/newer.png", b"12345678", "1" * 32)))
    assert drop("ds1/newer.png", "1" * 32).reason == "Overwritten"


def test_an_archived_object_is_rejected_and_its_batch_recorded(stage: SessionStage) -> None:
    old = put(stage, "ds1/old.png", image("png"), StorageClass="GLACIER")
    new = put(stage, "ds1/new.png", image("png", 2))
    events = [created("ds1/old.png", image("png"), old), created("ds1/new.png", image("png", 2), new)]
    assert record(messages(*events)) == {"batchItemFailures": []}
    assert (drop("ds1/old.png", old).state, drop("ds1/old.png", old).reason) == ("rejected", "Archived")
    assert "restore it" in (drop("ds1/old.png", old).message or "")
    assert drop("ds1/new.png", new).state == "dropped"

    older = put(stage, "2019/trip/old.png", image("png", 3), StorageClass="DEEP_ARCHIVE")
    payload = event("record_drop/backfill")
    payload["Items"][0]["object"] |= {"Etag": f'"{older}"', "Size": len(image("png", 3))}
    assert record(payload) == {"recorded": 1, "known": 0, "ignored": 0}
    assert drop("2019/trip/old.png", older).reason == "Archived"


def test_an_event_that_comes_twice_or_late_changes_nothing(stage: SessionStage) -> None:
    first = dropped(stage, "ds1/a.png", image("png"))
    repeated = created("ds1/a.png", image("png"), first.etag)
    record(messages(repeated, repeated))
    assert drop("ds1/a.png", first.etag) == first
    record(messages(created("ds1/a.png", image("png"), first.etag, "0062E99A88DC4074")))
    assert drop("ds1/a.png", first.etag) == first


def test_dropping_the_same_file_again_when_it_is_over_is_another_try(stage: SessionStage) -> None:
    key, content = "ds1/text.png", b"this is text"
    first = dropped(stage, key, content)
    for not_newer in ("0062E99A88DC407460", "0062E99A88DC4074", "0062E99A88DC407"):
        record(messages(created(key, content, first.etag, not_newer)))
        assert drop(key, first.etag).sequencer == first.sequencer
    etag = put(stage, key, content)
    record(messages(created(key, content, etag, "0062E99A88DC407499")))
    assert drop(key, etag).sequencer != first.sequencer


def test_an_object_replaced_during_its_session_is_not_rejected(stage: SessionStage) -> None:
    key, content = "ds1/a.png", image("png")
    first = dropped(stage, key, content)
    opened = stage.opens_when_quiet()
    stage.s3.delete_object(Bucket=DROPS, Key=key)
    session = stage.uploads(opened)
    put(stage, key, content)
    record(messages(created(key, content, first.etag, "0062E99A88DC407499")))
    assert stage.settles(session)["returned"] == 1
    assert (drop(key, first.etag).state, drop(key, first.etag).reason) == ("dropped", "Deleted")

    stage.settles(session)
    stage.settles(stage.uploads(stage.opens_when_quiet(round_=2)))
    assert drop(key, first.etag).state == "ingested"
    assert [*stage.vi.assets("ds1")] == ["a.png"]


def test_an_object_replaced_after_the_decision_waits_again(stage: SessionStage) -> None:
    key, content = "ds1/a.png", image("png")
    first = dropped(stage, key, content)
    newer = created(key, content, first.etag, "0062E99A88DC407499")
    record(messages(newer, newer))
    refused = DropOutcome(first.drop_id, "rejected", "Deleted", "It was deleted.")
    assert connections.ledger().settle([refused], [SessionDrop.of(first)], "ds1", "run-1") == set()
    assert drop(key, first.etag).state == "dropped"

    # Put once and refused once more, it is refused; and so it stays for the event of before.
    connections.ledger().settle([refused], [SessionDrop.of(drop(key, first.etag))], "ds1", "run-2")
    record(messages(newer))
    assert drop(key, first.etag).state == "rejected"


def test_the_first_event_of_a_backfilled_object_drops_it_again(stage: SessionStage) -> None:
    key, content = "ds1/text.png", b"this is text"
    etag = put(stage, key, content)
    payload = event("record_drop/backfill")["Items"][0]
    payload |= {"object": {"Key": key, "Etag": f'"{etag}"', "Size": len(content)}, "bucket": DROPS}
    record(payload)
    assert (drop(key, etag).state, drop(key, etag).sequencer) == ("rejected", None)
    earlier = drop(key, etag)
    record(messages(created(key, content, etag)))
    assert drop(key, etag).dropped_at > earlier.dropped_at


def versions(stage: SessionStage, key: str, *numbers: int) -> Iterator[Drop]:
    """Put versions of an object, one after the other, and yield the drop of each as soon as it is noted."""
    stage.s3.put_bucket_versioning(Bucket=DROPS, VersioningConfiguration={"Status": "Enabled"})
    for number in numbers:
        content = image("png", number)
        answer = stage.s3.put_object(Bucket=DROPS, Key=key, Body=content)
        etag, version = answer["ETag"].strip('"'), answer["VersionId"]
        record(messages(created(key, content, etag, f"{number:02}", **{"version-id": version})))
        yield drop(key, etag)


def test_an_old_version_that_is_tried_again_does_not_replace_a_newer_one(stage: SessionStage) -> None:
    key, found = "ds1/a.png", []
    for round_, version in enumerate(versions(stage, key, 1, 2), 1):
        found.append(version)
        faults = [FileError(filename="a.png", code="ENOQUOTA")] if round_ == 1 else []
        stage.plays(*faults)
        stage.settles(stage.uploads(stage.opens_when_quiet(round_=round_)))
    old, new = found
    assert connections.ledger().retry([old]) == {old.drop_id}
    stage.settles(stage.uploads(stage.opens_when_quiet(round_=3)))
    states = {
        version.drop_id: (version.state, version.reason)
        for version in connections.ledger().get(d.drop_id for d in found).values()
    }
    assert states == {old.drop_id: ("rejected", "Overwritten"), new.drop_id: ("ingested", None)}
    assert stage.vi.assets("ds1")["a.png"].content.read() == image("png", 2)
    (_, reason) = stage.s3.get_object_tagging(Bucket=DROPS, Key=key, VersionId=old.version_id)["TagSet"]
    assert reason == {"Key": "assetline:reason", "Value": "Overwritten"}


def test_a_version_that_is_not_the_newest_when_it_is_noted_is_overwritten(stage: SessionStage) -> None:
    key, content = "ds1/a.png", image("png", 1)
    (first,) = versions(stage, key, 1)
    (second,) = versions(stage, key, 2)
    assert (first.state, second.state) == ("dropped", "dropped")
    connections.ledger().table.delete_item(Key={"drop_id": first.drop_id})
    late = created(key, content, first.etag, "01", **{"version-id": first.version_id})
    record(messages(late))
    assert drop(key, first.etag).reason == "Overwritten"


def test_a_poisoned_message_fails_alone(stage: SessionStage) -> None:
    etag = put(stage, "ds1/fine.png", image("png"))
    answer = record(messages("this is no JSON", created("ds1/fine.png", image("png"), etag), {"detail": {}}))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "message-0"}, {"itemIdentifier": "message-2"}]}
    assert drop("ds1/fine.png", etag).state == "dropped"


@pytest.mark.parametrize("name", [".DS_Store", "sub/._x.png", "Thumbs.db", "desktop.ini", "__MACOSX/x.png"])
def test_a_system_file_beside_images_is_no_drop(stage: SessionStage, name: str) -> None:
    etag = put(stage, f"ds1/{name}", b"\0\0\0\1Bud1")
    assert record(messages(created(f"ds1/{name}", b"\0\0\0\1Bud1", etag))) == {"batchItemFailures": []}
    assert connections.ledger().get([drop_id(DROPS, f"ds1/{name}", etag)]) == {}
    assert stage.s3.get_object_tagging(Bucket=DROPS, Key=f"ds1/{name}")["TagSet"] == []


def test_a_folder_of_a_console_is_no_drop(stage: SessionStage) -> None:
    record(messages(created("ds1/folder/", b"", "0" * 32)))
    assert connections.ledger().get([drop_id(DROPS, "ds1/folder/", "0" * 32)]) == {}


def test_a_backfill_notes_what_a_listing_shows(stage: SessionStage) -> None:
    etag = put(stage, "2019/trip/old.png", image("png"))
    payload = event("record_drop/backfill")
    payload["Items"][0]["object"] |= {"Etag": f'"{etag}"', "Size": len(image("png"))}
    assert record(payload) == {"recorded": 1, "known": 0, "ignored": 0}
    assert record(payload["Items"][0]) == {"recorded": 0, "known": 1, "ignored": 0}
    assert drop("2019/trip/old.png", etag).asset_filename == "2019__trip__old.png"
    assert drop("2019/trip/old.png", etag).dataset_id == "ds2"


@pytest.mark.parametrize(
    ("key", "given", "dataset", "asset"),
    [
        ("ds1/a.png", "", "ds1", "a.png"),
        ("ds1/cats/b.png", "", "ds1", "cats__b.png"),
        ("ds1/cats/b.png", "ds1", "ds1", "cats__b.png"),
        ("2025/img.png", "ds1", "ds1", "2025__img.png"),
        ("2026/img.png", "ds1", "ds1", "2026__img.png"),
        ("img.png", "ds1", "ds1", "img.png"),
    ],
)
def test_a_backfill_of_a_prefix_names_objects_as_a_full_one(
    stage: SessionStage, key: str, given: str, dataset: str, asset: str
) -> None:
    etag = put(stage, key, image("png"))
    item = event("record_drop/backfill")["Items"][0]
    item["object"] |= {"Key": key, "Etag": f'"{etag}"', "Size": len(image("png"))}
    prefix = key.rpartition("/")[0] + "/" if "/" in key else ""
    record(item | {"prefix": prefix, "dataset_id": given})
    assert (drop(key, etag).dataset_id, drop(key, etag).asset_filename) == (dataset, asset)


def answers_with(**checksum: str) -> None:
    """Let S3 return this checksum for every object; moto returns none."""

    def answer(parsed: dict[str, Any], **_: Any) -> None:
        parsed |= checksum

    connections.s3().meta.events.register("after-call.s3.GetObject", answer)


CHECKSUM = -123_456_789  # of no content of a test


@pytest.mark.parametrize("kind", [{}, {"ChecksumType": "FULL_OBJECT"}])
def test_the_checksum_of_s3_for_the_complete_object_is_used(stage: SessionStage, kind: dict[str, str]) -> None:
    answers_with(ChecksumCRC32C=crc32c.to_s3(CHECKSUM), **kind)
    assert dropped(stage, "ds1/a.png", image("png")).crc32c == CHECKSUM


@pytest.mark.parametrize(
    "checksum",
    [
        {},
        {"ChecksumCRC32C": crc32c.to_s3(CHECKSUM), "ChecksumType": "COMPOSITE"},
        {"ChecksumCRC32C": f"{crc32c.to_s3(CHECKSUM)}-2"},
        {"ChecksumCRC32": crc32c.to_s3(CHECKSUM), "ChecksumType": "FULL_OBJECT"},
    ],
    ids=["none", "composite", "composite_by_its_form", "another_kind"],
)
def test_a_checksum_of_parts_is_ignored(stage: SessionStage, checksum: dict[str, str]) -> None:
    answers_with(**checksum)
    assert dropped(stage, "ds1/a.png", image("png")).crc32c is None


def test_only_the_head_of_a_large_object_is_read(stage: SessionStage, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int | None] = []
    read = StreamingBody.read

    def counted(body: StreamingBody, amt: int | None = None) -> bytes:
        taken.append(amt)
        return read(body, amt)

    monkeypatch.setattr(StreamingBody, "read", counted)
    found = dropped(stage, "ds1/large.png", image("png") + bytes(1024**2))
    assert (found.state, found.size) == ("dropped", len(image("png")) + 1024**2)
    assert taken == [HEAD_BYTES]


def test_a_film_with_its_index_at_the_end_needs_a_second_read(stage: SessionStage) -> None:
    data = box(b"mdat", bytes(HEAD_BYTES))
    film = dropped(stage, "ds1/film.mp4", ftyp(b"isom") + data + moov(b"soun", b"vide"))
    sound = dropped(stage, "ds1/sound.mp4", ftyp(b"isom") + data + moov(b"soun"))
    assert (film.state, sound.state, sound.reason) == ("dropped", "rejected", "WrongContent")
    assert sound.message == (
        "The extension implies video/mp4, but the content is audio only (MP4 or QuickTime, brand 'isom')."
    )
    without = dropped(stage, "ds1/without.mp4", ftyp(b"isom") + data)
    assert without.state == "dropped"


def test_metadata_that_is_not_ascii_is_decoded(stage: SessionStage) -> None:
    found = dropped(stage, "ds1/a.png", image("png"), Metadata={"hall": "=?UTF-8?Q?caf=C3=A9?=", "site": "oslo"})
    assert found.custom_metadata == {"hall": "café", "site": "oslo"}


def test_a_video_may_be_larger_than_an_image(stage: SessionStage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_IMAGE_BYTES", "100")
    connections.settings.cache_clear()
    connections.recorder.cache_clear()
    film = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2" + bytes(100)
    found = dropped(stage, "ds1/film.mp4", film)
    assert (found.state, found.kind) == ("dropped", "Video")
    monkeypatch.setattr("assetline.ingest.inspection.MAX_VIDEO_BYTES", len(film) - 1)
    larger = dropped(stage, "ds1/larger.mp4", film)
    assert larger.reason == "TooLarge"
    assert f"{len(film):,} bytes. The limit is {len(film) - 1:,} bytes" in (larger.message or "")
    assert "Cut it into shorter videos" in (larger.message or "")


def test_a_video_may_have_16_gib(stage: SessionStage) -> None:
    limit = 16 * 1024**3
    record(messages(created("ds1/larger.mp4", b"", "1" * 32, size=limit + 1)))
    record(messages(created("ds1/largest.mp4", b"", "2" * 32, size=limit)))
    assert drop("ds1/larger.mp4", "1" * 32).reason == "TooLarge"
    assert "17,179,869,184 bytes (16,384 MiB)" in (drop("ds1/larger.mp4", "1" * 32).message or "")
    assert drop("ds1/largest.mp4", "2" * 32).reason == "Deleted"  # it is read, and is not there


def test_a_dataset_that_has_drops_is_noted_for_the_sweeper(stage: SessionStage) -> None:
    dropped(stage, "ds1/a.png", image("png"))
    dropped(stage, "nowhere.png", image("png"))
    assert connections.sessions_table().datasets() == ["ds1"]


def test_a_repeated_rejection_is_counted_once(stage: SessionStage, capsys: pytest.CaptureFixture[str]) -> None:
    etag = put(stage, "ds1/text.png", b"this is text")
    notified = created("ds1/text.png", b"this is text", etag)
    record(messages(notified, notified))
    emitted = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "CloudWatchMetrics" in line]
    assert [metrics["DropsRejected"] for metrics in emitted] == [[1.0]]


def test_an_object_that_took_the_key_of_another_gets_no_tags_of_it(stage: SessionStage) -> None:
    put(stage, "ds1/a.png", image("png"), Tagging="team=a")
    record(messages(created("ds1/a.png", b"12345678", "1" * 32)))
    assert drop("ds1/a.png", "1" * 32).reason == "Overwritten"
    tags = stage.s3.get_object_tagging(Bucket=DROPS, Key="ds1/a.png")["TagSet"]
    assert tags == [{"Key": "team", "Value": "a"}]


def test_a_run_is_started_once_a_window_however_many_drops_come(stage: SessionStage) -> None:
    events = []
    for number in range(5):
        etag = put(stage, f"ds1/{number}.png", image("png", number))
        events.append(created(f"ds1/{number}.png", image("png", number), etag))
    record(messages(*events))
    record(messages(*events))
    assert len(stage.started) in {1, 2}  # the window may end meanwhile


S3_NOTIFICATION = {  # as `sam local generate-event s3 put` prints it, abridged
    "Records": [
        {
            "eventSource": "aws:s3",
            "eventName": "ObjectCreated:Put",
            "s3": {"object": {"key": "test%2Fkey", "size": 1024}},
        }
    ]
}


@pytest.mark.parametrize(
    ("payload", "named"),
    [
        (S3_NOTIFICATION, "a record of aws:s3 is no message of the drop queue"),
        ({"key1": "value1"}, r"with the keys \['key1'\]"),
        ({"Items": [{"key": "ds1/a.png"}]}, r"with the keys \['Items'\]"),
    ],
)
def test_another_event_is_refused_in_one_line(payload: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidInput, match=named) as refusal:
        record(payload)
    assert "record_drop takes messages of the drop queue" in str(refusal.value)
    assert "\n" not in str(refusal.value)
