"""Upload Assets: every outcome is data, an expired URL is renewed, and no file is completely in memory."""

import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import google_crc32c
import pytest

from assetline.errors import AwsUnavailable
from assetline.ingest import dependencies as connections
from assetline.ingest import upload_assets as upload
from assetline.ingest.staging import Slice
from assetline.ingest.upload_assets import SliceUpload
from assetline.vi import crc32c
from assetline.vi.file_upload import Uploader
from assetline.vi.multipart_upload import TRIES_OF_A_PART
from assetline_cli.clock import Clock
from assetline_cli.drops.local_files import LocalFile
from assetline_cli.drops.upload import DropUploader
from functions.upload_assets import app as upload_assets
from local.emulators.vi.scenario import ApiFault, DamagedPut, DeadUploadHost, ExpiredUpload, PutFault
from local.emulators.vi.server import ViEmulator
from local.sample_images import image
from tests.handlers.conftest import in_the_account_of_moto
from tests.handlers.ingest.session_stage import DATASET, DROPS, SessionStage, session_stage
from tests.handlers.ingest.test_record_drop import created, drop, messages, record
from tests.simulation.account import MemoryAccount


@pytest.fixture
def account(memory: MemoryAccount) -> MemoryAccount:
    return memory


@pytest.fixture
def stage(vi: ViEmulator, monkeypatch: pytest.MonkeyPatch, account: MemoryAccount) -> Iterator[SessionStage]:
    monkeypatch.setattr(connections, "slice_upload", impatient)
    monkeypatch.setattr("functions.upload_assets.app.slice_upload", impatient)
    with session_stage(vi, monkeypatch, account) as stage:
        yield stage


def impatient() -> SliceUpload:
    return SliceUpload(
        connections.vi_client(),
        connections.uploader(),
        connections.ledger(),
        connections.sessions_table(),
        connections.s3(),
        lambda _: None,
        sleep=lambda _: None,
    )


def bucket_and_key(address: dict[str, Any]) -> dict[str, str]:
    return {"Bucket": address["bucket"], "Key": address["key"]}


def test_the_bytes_arrive_and_the_outcome_has_the_upload(stage: SessionStage) -> None:
    stage.session("a.png", "b.png")
    assert stage.uploaded() == ["a.png", "b.png"]
    assert stage.vi.assets(DATASET)["a.png"].content.read() == b"bytes of a.png"


@in_the_account_of_moto
@pytest.mark.parametrize(("with_command", "checksums"), [(True, 0), (False, 2)])
def test_each_object_is_read_once_and_summed_only_without_a_crc32c(
    stage: SessionStage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, with_command: bool, checksums: int
) -> None:
    files = {}
    for number in range(2):
        path = tmp_path / f"{number}.png"
        path.write_bytes(image("png", number))
        files[path] = LocalFile(path, f"{DATASET}/{path.name}", path.stat().st_size)
    if with_command:
        uploaded = DropUploader(stage.s3, DROPS, {}, Clock()).upload(files.values(), lambda _: None)
        assert uploaded.ended == "complete"
    else:
        for path, file in files.items():
            stage.s3.put_object(Bucket=DROPS, Key=file.key, Body=path.read_bytes())
    for path, file in files.items():
        etag = stage.s3.head_object(Bucket=DROPS, Key=file.key)["ETag"].strip('"')
        record(messages(created(file.key, path.read_bytes(), etag)))
    opened = stage.opens_when_quiet()
    read, summed = list[str](), list[bytes]()

    def note_read(params: dict[str, Any], **_: Any) -> None:
        read.append(params["Key"])

    def extend(value: int, piece: bytes) -> int:
        summed.append(piece)
        return int(google_crc32c.extend(value, piece))

    connections.s3().meta.events.register("provide-client-params.s3.GetObject", note_read)
    # The library of the functions alone: the emulated Vi is in this process, and computes checksums, too.
    monkeypatch.setattr(crc32c, "google_crc32c", SimpleNamespace(extend=extend))
    stage.uploads(opened)
    assert sorted(key for key in read if key.startswith(DATASET)) == sorted(file.key for file in files.values())
    assert len(summed) == checksums
    assert {name: asset.content.read() for name, asset in stage.vi.assets(DATASET).items()} == {
        path.name: path.read_bytes() for path in files
    }


def test_nothing_but_the_signed_headers_goes_to_a_signed_url(stage: SessionStage) -> None:
    stage.session("a.png")
    assert [request.status for request in stage.vi.requests("_objects", "PUT")] == [200]


def test_a_put_that_fails_now_and_then_is_tried_again(stage: SessionStage) -> None:
    stage.drops("a.png", "b.png")
    stage.plays(PutFault(filename="a.png", status=503, times=1), PutFault(filename="b.png", status=0, times=1))
    stage.uploads(stage.opens())
    assert stage.uploaded() == ["a.png", "b.png"]


def test_an_upload_that_is_stored_damaged_is_sent_again(stage: SessionStage) -> None:
    stage.drops("a.png", "b.png")
    stage.plays(DamagedPut(filename="a.png", times=1))
    stage.settles(stage.uploads(stage.opens()))
    assert stage.vi.assets(DATASET)["a.png"].content.read() == b"bytes of a.png"
    assert stage.states("a.png", "b.png") == ["ingested", "ingested"]
    assert len(stage.vi.requests("_objects", "PUT")) == 3


def test_an_upload_that_stays_damaged_is_no_asset(stage: SessionStage) -> None:
    stage.drops("a.png", "b.png")
    stage.plays(DamagedPut(filename="a.png"))
    settled = stage.settles(stage.uploads(stage.opens()))  # Vi has counted both
    assert (settled["ingested"], settled["returned"]) == (1, 1)
    assert stage.states("a.png", "b.png") == ["dropped", "ingested"]
    assert (stage.drop("a.png").reason, stage.drop("a.png").attempts) == ("UploadFailed", 1)
    assert "UploadDamaged" in (stage.drop("a.png").message or "")
    stage.plays()
    stage.settles(stage.uploads(stage.opens(round_=2)))
    assert stage.vi.assets(DATASET)["a.png"].content.read() == b"bytes of a.png"


def test_a_damaged_upload_that_cannot_be_repeated_is_no_asset(
    stage: SessionStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.drops("a.png", "b.png")
    opened = stage.opens()
    stage.plays(DamagedPut(filename="a.png", times=1))
    impatient_one = impatient()

    def the_url_expires(_: float) -> None:
        stage.plays(PutFault(filename="a.png", status=403))

    impatient_one.sleep = the_url_expires
    monkeypatch.setattr("functions.upload_assets.app.slice_upload", lambda: impatient_one)
    stage.settles(stage.uploads(opened))
    assert (stage.states("a.png", "b.png"), stage.drop("a.png").reason) == (["dropped", "ingested"], "UploadExpired")


def test_a_file_whose_signed_url_is_refused_goes_back_by_that_name(stage: SessionStage) -> None:
    stage.drops("a.png")
    opened = stage.opens()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connections, "uploader", lambda: Uploader("https://api.vi.example"))
        session = stage.uploads(opened)
    stage.settles(session)
    assert stage.vi.requests("_objects", "PUT") == []
    assert (stage.states("a.png"), stage.drop("a.png").reason) == (["dropped"], "SignedUrlRefused")


@pytest.mark.parametrize("fault", [PutFault(filename="b.png"), DeadUploadHost(filename="b.png")])
def test_a_file_that_does_not_get_through_costs_the_others_nothing(
    stage: SessionStage, fault: PutFault | DeadUploadHost
) -> None:
    stage.drops("a.png", "b.png", "c.png")
    stage.plays(fault)
    session = stage.uploads(stage.opens())
    stage.settles(session)
    assert stage.states("a.png", "b.png", "c.png") == ["ingested", "dropped", "ingested"]
    assert (stage.drop("b.png").reason, stage.drop("b.png").attempts) == ("UploadFailed", 1)
    assert stage.cancels() == 1


@pytest.fixture
def s3_throttles(stage: SessionStage, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Return the names of objects that S3 answers with SlowDown; the test adds them."""
    names: set[str] = set()

    def slow_down(params: dict[str, Any], **_: Any) -> Any:
        if not any(params["url"].endswith(f"/{name}") for name in names):
            return None
        error = {"Code": "SlowDown", "Message": "Please reduce your request rate."}
        return SimpleNamespace(status_code=503), {"Error": error, "ResponseMetadata": {"HTTPStatusCode": 503}}

    connections.s3().meta.events.register_first("before-call.s3.GetObject", slow_down)
    monkeypatch.setattr(upload, "MOST_PAUSE", 0)
    return names


@in_the_account_of_moto
def test_an_s3_that_throttles_ends_the_slice_for_a_repeat(stage: SessionStage, s3_throttles: set[str]) -> None:
    stage.drops("a.png", "b.png", "c.png")
    opened = stage.opens()
    s3_throttles.add("b.png")
    with pytest.raises(AwsUnavailable, match=r"S3 GetObject on s3://assetline-drops/ds1/b\.png failed \(SlowDown\)"):
        stage.uploads(opened)
    assert stage.uploaded() == ["a.png", "c.png"]
    s3_throttles.clear()
    stage.settles(stage.uploads(opened))
    assert stage.states("a.png", "b.png", "c.png") == ["ingested"] * 3
    assert stage.drop("b.png").attempts == 0


@in_the_account_of_moto
def test_a_run_that_s3_has_throttled_for_long_charges_no_drop(stage: SessionStage, s3_throttles: set[str]) -> None:
    stage.drops("b.png")
    opened = stage.opens()
    s3_throttles.add("b.png")
    with pytest.raises(AwsUnavailable):
        stage.uploads(opened)
    stage.settles(opened["session"], progress="broken", error="AwsUnavailable")
    assert (stage.states("b.png"), stage.drop("b.png").attempts) == (["dropped"], 0)


def test_the_third_failure_is_the_last_but_one(stage: SessionStage) -> None:
    stage.drops("b.png", attempts=3)
    stage.plays(PutFault(filename="b.png"))
    stage.settles(stage.uploads(stage.opens()))
    assert stage.states("b.png") == ["rejected"]


def test_a_large_file_is_uploaded_in_the_parts_of_vi(stage: SessionStage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "THRESHOLD", 4)  # a GiB takes too long
    stage.plays(part_bytes=5)
    stage.session("film.png")
    assert stage.vi.assets(DATASET)["film.png"].content.read() == b"bytes of film.png"
    assert len(stage.vi.requests("/parts/", "PUT")) == 4
    assert stage.uploaded() == ["film.png"]


def test_a_part_that_does_not_get_through_leaves_no_parts_behind(
    stage: SessionStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "THRESHOLD", 4)
    stage.drops("film.png")
    stage.plays(PutFault(filename="film.png"), part_bytes=5)
    stage.settles(stage.uploads(stage.opens()))
    assert (stage.states("film.png"), stage.drop("film.png").reason) == (["dropped"], "UploadFailed")
    assert stage.vi.stage.multiparts == {}


@pytest.mark.parametrize("status", [429, 500])
@pytest.mark.parametrize("path", ["/multipartUploads", "/parts/1", "/parts/1/completion", "/completion"])
def test_a_large_file_survives_a_lost_answer_and_a_pause(
    stage: SessionStage, monkeypatch: pytest.MonkeyPatch, path: str, status: int
) -> None:
    monkeypatch.setattr(upload, "THRESHOLD", 4)
    stage.plays(ApiFault(method="POST", path=path, status=status, times=2), part_bytes=5)
    stage.session("film.png")
    assert stage.vi.assets(DATASET)["film.png"].content.read() == b"bytes of film.png"
    assert stage.uploaded() == ["film.png"]


@pytest.mark.parametrize("status", [429, 500])
def test_a_large_file_that_vi_never_answers_for_costs_the_others_nothing(
    stage: SessionStage, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr(upload, "THRESHOLD", len(b"bytes of film.png"))
    stage.drops("film.png", "a.png", "b.png")
    stage.plays(ApiFault(method="POST", path="/multipartUploads", status=status))
    stage.settles(stage.uploads(stage.opens()))
    assert stage.states("film.png", "a.png", "b.png") == ["dropped", "ingested", "ingested"]
    assert (stage.drop("film.png").reason, stage.drop("film.png").attempts) == ("UploadFailed", 1)


def test_a_pause_that_vi_asks_for_is_made_but_no_endless_one(
    stage: SessionStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    patient = impatient()
    patient.sleep = pauses.append
    monkeypatch.setattr("functions.upload_assets.app.slice_upload", lambda: patient)
    monkeypatch.setattr(upload, "THRESHOLD", 4)
    faults = (ApiFault(method="POST", path="/multipartUploads", status=429, times=1, retry_after=s) for s in (7, 3600))
    stage.plays(*faults)
    stage.session("film.png")
    assert 7 <= pauses[0] <= 9
    assert pauses[1:] == [upload.MOST_PAUSE]


def test_an_expired_url_of_a_part_is_renewed_and_the_other_parts_stay(
    stage: SessionStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "THRESHOLD", 4)
    stage.drops("film.png")
    opened = stage.opens()
    stage.plays(PutFault(filename="film.png", status=403, times=2), part_bytes=5)
    stage.uploads(opened)
    assert stage.vi.assets(DATASET)["film.png"].content.read() == b"bytes of film.png"
    opened_parts = [
        request
        for request in stage.vi.requests("/multipartUploads", "POST")
        if request.path.endswith("/multipartUploads")
    ]
    assert len(opened_parts) == 1
    assert len(stage.vi.requests("/parts/", "PUT")) == 4 + 2


def test_a_multipart_upload_with_expired_urls_restarts_then_fails(
    stage: SessionStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "THRESHOLD", 4)
    stage.drops("film.png")
    opened = stage.opens()
    stage.plays(PutFault(filename="film.png", status=403), part_bytes=50)
    stage.settles(stage.uploads(opened))
    assert (stage.states("film.png"), stage.drop("film.png").reason) == (["dropped"], "UploadExpired")
    assert len(stage.vi.requests("/parts/", "PUT")) == TRIES_OF_A_PART * upload.TRIES
    assert stage.vi.stage.multiparts == {}


def test_the_url_that_a_large_file_does_not_use_may_expire(
    stage: SessionStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "THRESHOLD", 4)
    stage.plays(ExpiredUpload(filename="film.png"), part_bytes=5)
    stage.session("film.png")
    assert stage.uploaded() == ["film.png"]


def test_an_expired_url_is_renewed_where_vi_lists_another(stage: SessionStage) -> None:
    stage.drops("a.png", "b.png")
    stage.plays(ExpiredUpload(filename="a.png", times=1), lists_uploads=True)
    stage.uploads(stage.opens())
    assert stage.uploaded() == ["a.png", "b.png"]


def test_an_expired_url_that_vi_does_not_renew_is_for_another_session(stage: SessionStage) -> None:
    stage.drops("a.png", "b.png")
    stage.plays(ExpiredUpload(filename="a.png", times=1))
    session = stage.uploads(stage.opens())
    stage.settles(session)
    assert (stage.states("a.png"), stage.drop("a.png").reason) == (["dropped"], "UploadExpired")
    stage.ends("run")
    stage.session(execution="again")
    assert stage.uploaded("again-1") == ["a.png"]


def test_a_url_that_is_about_to_expire_is_renewed_before_it_is_used(stage: SessionStage) -> None:
    stage.drops("a.png")
    stage.plays(url_seconds=upload.EXPIRES_SOON / 2)
    opened = stage.opens()
    stage.plays(lists_uploads=True)
    stage.uploads(opened)
    assert stage.uploaded() == ["a.png"]
    assert len(stage.vi.requests("/assetIngestionSessions/", "GET")) == 1
    assert len(stage.vi.requests("_objects", "PUT")) == 1


@pytest.mark.parametrize("seconds", [3600, None])
def test_a_url_without_an_expiry_or_before_it_is_used(stage: SessionStage, seconds: int | None) -> None:
    stage.drops("a.png")
    opened = stage.opens()
    (address,) = opened["slices"]
    slice_ = Slice.model_validate_json(stage.text(address["key"]))
    # In seconds, as it may be: read as milliseconds, it was long ago.
    expiry = None if seconds is None else int(time.time()) + seconds
    (asset,) = slice_.assets
    assert asset.upload is not None
    dated = asset.model_copy(update={"upload": asset.upload.model_copy(update={"expiry": expiry})})
    stage.s3.put_object(
        **bucket_and_key(address), Body=slice_.model_copy(update={"assets": (dated,)}).model_dump_json()
    )
    stage.uploads(opened)
    assert stage.uploaded() == ["a.png"]
    assert stage.vi.requests("/assetIngestionSessions/", "GET") == []


@in_the_account_of_moto
def test_a_version_whose_place_another_took_since_is_not_uploaded(stage: SessionStage) -> None:
    stage.s3.put_bucket_versioning(Bucket=DROPS, VersioningConfiguration={"Status": "Enabled"})
    key, first = f"{DATASET}/a.png", image("png", 1)
    stored = stage.s3.put_object(Bucket=DROPS, Key=key, Body=first)
    record(messages(created(key, first, stored["ETag"].strip('"'), **{"version-id": stored["VersionId"]})))
    opened = stage.opens_when_quiet()
    stage.s3.put_object(Bucket=DROPS, Key=key, Body=image("png", 2))
    stage.settles(stage.uploads(opened))
    assert drop(key, stored["ETag"].strip('"')).reason == "Overwritten"
    assert stage.vi.assets(DATASET) == {}


def test_an_upload_renews_the_lease_before_each_file_and_at_its_end(
    stage: SessionStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"{number}.png" for number in range(5)]
    stage.drops(*names)
    opened = stage.opens()
    renewals: list[float] = []
    ticks = count(time.time(), upload.RENEWED_EVERY + 1)  # it is due whenever the clock is read
    watched = impatient()
    watched.clock = lambda: next(ticks)
    renew = watched.sessions.update

    def renewing(session_key: str, **values: int) -> bool:
        renewals.append(stage.noted(session_key)["lease_until"])
        return renew(session_key, **values)

    monkeypatch.setattr(watched.sessions, "update", renewing)
    monkeypatch.setattr("functions.upload_assets.app.slice_upload", lambda: watched)
    stage.lease_passes("run-1")
    stage.uploads(opened)
    assert stage.noted()["lease_until"] > time.time()
    assert len(renewals) == 1 + len(names) + 1


def test_an_object_deleted_or_overwritten_meanwhile_is_rejected(stage: SessionStage) -> None:
    stage.drops("deleted.png", "overwritten.png", "stays.png")
    opened = stage.opens()
    stage.s3.delete_object(Bucket=DROPS, Key=f"{DATASET}/deleted.png")
    stage.s3.put_object(Bucket=DROPS, Key=f"{DATASET}/overwritten.png", Body=b"newer")
    stage.settles(stage.uploads(opened))
    assert stage.drop("deleted.png").reason == "Deleted"
    assert stage.drop("overwritten.png").reason == "Overwritten"
    assert stage.states("stays.png") == ["ingested"]


@in_the_account_of_moto
def test_an_object_archived_meanwhile_is_rejected_with_that_reason(stage: SessionStage) -> None:
    stage.drops("archived.png", "stays.png")
    opened = stage.opens()
    stage.s3.put_object(
        Bucket=DROPS, Key=f"{DATASET}/archived.png", Body=b"bytes of archived.png", StorageClass="GLACIER"
    )
    stage.settles(stage.uploads(opened))
    assert (stage.drop("archived.png").state, stage.drop("archived.png").reason) == ("rejected", "Archived")
    assert stage.states("stays.png") == ["ingested"]


def test_a_drop_that_was_given_to_another_session_is_left_to_it(stage: SessionStage) -> None:
    stage.drops("a.png")
    opened = stage.opens("first")
    stage.lease_passes("first-1")
    stage.sweeps()
    stage.session(execution="second")
    stage.uploads(opened)  # the first one wakes up
    assert stage.sessions_of("a.png") == {"second-1"}
    assert len(stage.vi.requests("_objects", "PUT")) == 1


def test_an_upload_that_was_frozen_sends_nothing_of_a_settled_session(
    stage: SessionStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.drops("a.png")
    opened = stage.opens()
    late = impatient()
    ticks = count(time.time(), upload.RENEWED_EVERY + 1)
    late.clock = lambda: next(ticks)
    read = late.s3.get_object

    def frozen(**request: Any) -> Any:
        if request["Bucket"] == DROPS:
            stage.settles(opened["session"], "overdue")  # a sweep settles the session meanwhile
        return read(**request)

    monkeypatch.setattr(late.s3, "get_object", frozen)
    monkeypatch.setattr("functions.upload_assets.app.slice_upload", lambda: late)
    assert stage._invoke(upload_assets, opened["slices"][0]) == {"uploaded": 0, "failed": 1}
