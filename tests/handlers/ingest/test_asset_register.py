"""Content in Vi is not sent again, new metadata is, and no two objects have one name."""

from datetime import datetime
from typing import Any

import pytest

from assetline.ingest import dependencies as connections
from assetline.ingest.drop import drop_id, moment
from assetline.ingest.staging import SessionStaging
from local.emulators.vi.scenario import FileError
from local.emulators.vi.store import Asset
from local.sample_images import image
from tests.handlers.conftest import in_the_account_of_moto
from tests.handlers.ingest.session_stage import DATASET, DROPS, STAGING, SessionStage
from tests.handlers.ingest.test_record_drop import created, drop, messages, put, record
from tests.handlers.ingest.test_settle_session import tag_outcomes
from tests.simulation.account import MemoryAccount

KEY = f"{DATASET}/a.png"
OTHER_BUCKET = "photos-of-old"


@pytest.fixture
def account(memory: MemoryAccount) -> MemoryAccount:
    return memory


def event_of(stage: SessionStage, content: bytes, sequencer: str, **options: Any) -> dict[str, Any]:
    """Put the object and return the event of it."""
    return created(KEY, content, put(stage, KEY, content, **options), sequencer)


def ingests(stage: SessionStage, round_: int = 1) -> None:
    """Play a session of what waits, to its end."""
    stage.settles(stage.uploads(stage.opens_when_quiet(round_=round_)))


def listing(stage: SessionStage, bucket: str = DROPS, dataset_id: str = "") -> dict[str, Any]:
    """Return what a backfill of a bucket hands over."""
    listed = stage.s3.list_objects_v2(Bucket=bucket)["Contents"]
    objects = [{"Key": entry["Key"], "Size": entry["Size"], "Etag": entry["ETag"]} for entry in listed]
    return {"Items": [{"object": entry, "bucket": bucket, "dataset_id": dataset_id} for entry in objects]}


def asset(stage: SessionStage, name: str = "a.png") -> Asset:
    return stage.vi.assets(DATASET)[name]


@pytest.fixture
def outcomes() -> str:
    """Return the value of TagObjects."""
    return "All"


@pytest.fixture
def annotated(stage: SessionStage, outcomes: str, monkeypatch: pytest.MonkeyPatch) -> SessionStage:
    """Return a stage whose object is ingested, and whose asset was annotated since."""
    tag_outcomes(monkeypatch, outcomes)
    record(messages(event_of(stage, image("png"), "01", Metadata={"site": "oslo"})))
    ingests(stage)
    asset(stage).annotations["crack"] = 7
    return stage


def forgets(stage: SessionStage) -> None:
    """Let the ledger have forgotten the drop, as it does after the retention."""
    etag = stage.s3.head_object(Bucket=DROPS, Key=KEY)["ETag"].strip('"')
    connections.ledger().table.delete_item(Key={"drop_id": drop_id(DROPS, KEY, etag)})


@pytest.mark.parametrize("outcomes", ["All", "Rejected", "None"])
@pytest.mark.parametrize("forgotten", [False, True], ids=["known", "forgotten"])
@pytest.mark.parametrize("way", ["backfill", "put", "copy"])
def test_the_same_bytes_are_not_sent_again_whichever_way_they_come(
    annotated: SessionStage, way: str, forgotten: bool, outcomes: str
) -> None:
    if forgotten:
        forgets(annotated)
    if way == "backfill":
        record(listing(annotated))
    elif way == "put":
        record(messages(event_of(annotated, image("png"), "02", Metadata={"site": "oslo"})))
    else:
        source = {"Bucket": DROPS, "Key": KEY}
        copied = annotated.s3.copy_object(Bucket=DROPS, Key=KEY, CopySource=source, StorageClass="STANDARD_IA")
        etag = copied["CopyObjectResult"]["ETag"].strip('"')
        record(messages(created(KEY, image("png"), etag, "02", **{"version-id": "another"})))
    assert annotated.opens(round_=2)["outcome"] == "no_drops"
    assert asset(annotated).annotations["crack"] == 7
    etag = annotated.s3.head_object(Bucket=DROPS, Key=KEY)["ETag"].strip('"')
    assert drop(KEY, etag).state == "ingested"
    assert annotated.tags("a.png").get("assetline:state") == ("ingested" if outcomes == "All" else None)


def loses_its_tables(stage: SessionStage) -> None:
    """Let another stack have the bucket: neither the ledger nor the register has the object."""
    stage.ends("run")
    table = connections.ledger().table
    for item in table.scan()["Items"]:
        table.delete_item(Key={"drop_id": item["drop_id"]})


@pytest.mark.parametrize("outcomes", ["Rejected", "None"])
def test_only_a_stack_with_new_tables_sends_untagged_objects_again(annotated: SessionStage) -> None:
    loses_its_tables(annotated)
    record(listing(annotated))
    assert annotated.opens_when_quiet("of-another-stack")["outcome"] == "opened"


def test_a_backfill_skips_objects_tagged_as_ingested(annotated: SessionStage) -> None:
    loses_its_tables(annotated)
    record(listing(annotated))
    assert annotated.opens(round_=2)["outcome"] == "no_drops"
    record(listing(annotated, dataset_id="ds2"))  # its tags do not apply to another dataset
    assert connections.ledger().any_waiting("ds2") is False  # the ledger has the object


@pytest.mark.parametrize("while_", ["dropped", "claimed", "uploaded", "ingested"])
def test_the_newest_metadata_reaches_the_asset(stage: SessionStage, while_: str) -> None:
    record(messages(event_of(stage, image("png"), "01", Metadata={"site": "olso"})))
    opened = stage.opens_when_quiet() if while_ != "dropped" else {}
    if while_ in {"uploaded", "ingested"}:
        stage.uploads(opened)
    if while_ == "ingested":
        stage.settles(opened["session"])
    record(messages(event_of(stage, image("png"), "02", Metadata={"site": "oslo"})))
    if while_ in {"claimed", "uploaded"}:
        stage.settles(stage.uploads(opened) if while_ == "claimed" else opened["session"])
    ingests(stage, 2)
    assert asset(stage).custom_metadata == {"site": "oslo"}
    assert stage.opens(round_=3)["outcome"] == "no_drops"


@pytest.mark.parametrize("newer", [image("png"), image("png", 2)], ids=["metadata", "bytes"])
@pytest.mark.parametrize("settled", [True, False], ids=["settled", "uploaded"])
def test_a_file_that_arrives_after_a_newer_one_does_not_stay(
    stage: SessionStage, monkeypatch: pytest.MonkeyPatch, newer: bytes, settled: bool
) -> None:
    record(messages(event_of(stage, image("png"), "01", Metadata={"site": "oslo"})))
    opened = stage.opens_when_quiet()
    frozen = connections.slice_upload()
    put_file, sessions = frozen.uploader.put, list[dict[str, Any]]()

    def put_late(*file: Any, **options: Any) -> None:
        monkeypatch.setattr(frozen.uploader, "put", put_file)
        stage.settles(stage.uploads(opened))  # another invocation uploads the slice meanwhile
        record(messages(event_of(stage, newer, "02", Metadata={"site": "bergen"})))
        sessions.append(stage.uploads(stage.opens_when_quiet(round_=2)))
        if settled:
            stage.settles(sessions[0])
        put_file(*file, **options)

    monkeypatch.setattr(frozen.uploader, "put", put_late)
    staging = SessionStaging(stage.s3, STAGING, "run-1")
    slice_ = staging.slice_at(opened["slices"][0]["key"])
    assert slice_ is not None
    frozen.run(slice_, staging)
    assert asset(stage).custom_metadata == {"site": "oslo"}
    if not settled:
        stage.settles(sessions[0])
    ingests(stage, 3)
    assert asset(stage).custom_metadata == {"site": "bergen"}
    assert asset(stage).content.read() == newer


@in_the_account_of_moto
def test_older_bytes_that_are_put_back_are_sent(stage: SessionStage) -> None:
    for number, content in enumerate((image("png", 1), image("png", 2), image("png", 1)), 1):
        record(messages(event_of(stage, content, f"0{number}")))
        ingests(stage, number)
    assert asset(stage).content.read() == image("png", 1)


def test_bytes_restored_while_newer_ones_upload_are_sent(stage: SessionStage) -> None:
    record(messages(event_of(stage, image("png", 1), "01")))
    ingests(stage)
    record(messages(event_of(stage, image("png", 2), "02")))
    session = stage.uploads(stage.opens_when_quiet(round_=2))
    record(messages(event_of(stage, image("png", 1), "03")))
    stage.settles(session)
    ingests(stage, 3)
    assert asset(stage).content.read() == image("png", 1)


def test_bytes_that_vi_holds_are_ingested_despite_a_late_event(
    stage: SessionStage,
) -> None:
    content = image("png", 1)
    record(messages(event_of(stage, content, "01")))
    ingests(stage)
    late = event_of(stage, content, "02")
    put(stage, KEY, image("png", 2))
    record(messages(late))
    etag = late["detail"]["object"]["etag"]
    assert (drop(KEY, etag).state, drop(KEY, etag).reason) == ("rejected", "Overwritten")
    record(messages(event_of(stage, content, "04")))
    assert (drop(KEY, etag).state, drop(KEY, etag).reason) == ("ingested", None)
    assert asset(stage).content.read() == content


def test_only_a_known_name_is_registered_when_its_session_opens(stage: SessionStage) -> None:
    def opened_at() -> str | None:
        registered = connections.asset_register().names([first]).values()
        return next((name.opened_at for name in registered), None)

    def opening_of(session: dict[str, Any]) -> str:
        return moment(datetime.fromisoformat(session["opened_at"]))

    etag = put(stage, KEY, image("png", 1))
    record(messages(created(KEY, image("png", 1), etag, "01")))
    first = drop(KEY, etag)
    opened = stage.opens_when_quiet()
    assert opened_at() is None
    stage.settles(stage.uploads(opened))
    assert opened_at() == opening_of(opened["session"])
    record(messages(event_of(stage, image("png", 2), "02")))
    opened = stage.opens_when_quiet(round_=2)
    assert opened_at() == opening_of(opened["session"])


def test_a_settled_session_has_registered_the_names_of_failed_files(stage: SessionStage) -> None:
    stage.plays(FileError(filename="a.png", code="EBADMIME"))
    record(messages(event_of(stage, image("png", 1), "01")))
    ingests(stage)
    failed = drop(KEY, stage.s3.head_object(Bucket=DROPS, Key=KEY)["ETag"].strip('"'))
    (registered,) = connections.asset_register().names([failed]).values()
    assert (failed.state, registered.is_of(failed), registered.content) == ("rejected", True, None)
    # The name stays: bytes that Vi may have under it are not those of another object.
    stage.plays()
    stage.s3.create_bucket(Bucket=OTHER_BUCKET)
    stage.s3.put_object(Bucket=OTHER_BUCKET, Key="a.png", Body=image("png", 2))
    record(listing(stage, OTHER_BUCKET, DATASET))
    ingests(stage, 2)
    assert "a.png" not in stage.vi.assets(DATASET)


def test_an_object_waiting_longer_than_its_name_was_free_gets_another(stage: SessionStage) -> None:
    record(messages(event_of(stage, image("png", 1), "01")))
    stage.s3.create_bucket(Bucket=OTHER_BUCKET)
    stage.s3.put_object(Bucket=OTHER_BUCKET, Key="a.png", Body=image("png", 2))
    record(listing(stage, OTHER_BUCKET, DATASET))
    (other,) = [found for found in connections.ledger().waiting(DATASET, 10) if found.bucket == OTHER_BUCKET]
    assert other.asset_filename == "a.png"  # none owned the name yet
    connections.ledger().suspect([other])
    ingests(stage)
    ingests(stage, 2)
    (ingested,) = connections.ledger().get([other.drop_id]).values()
    assert (ingested.state, ingested.asset_filename[:2]) == ("ingested", "a~")
    assert {*stage.vi.assets(DATASET)} == {"a.png", ingested.asset_filename}


def test_a_late_settling_does_not_register_content(stage: SessionStage) -> None:
    record(messages(event_of(stage, image("png", 1), "01")))
    old = stage.uploads(stage.opens_when_quiet("old"))
    stage.settles(old)
    first = drop(KEY, stage.s3.head_object(Bucket=DROPS, Key=KEY)["ETag"].strip('"'))
    stage.ends("old")
    record(messages(event_of(stage, image("png", 2), "02")))
    stage.opens_when_quiet("new")
    register = connections.asset_register()
    register.keep_content([first], connections.sessions_table().get("old-1").opened_at)  # type: ignore[union-attr]
    (known,) = register.names([first]).values()
    assert known.content is None


def test_equal_keys_of_two_buckets_become_two_assets(stage: SessionStage) -> None:
    stage.s3.create_bucket(Bucket=OTHER_BUCKET)
    record(messages(event_of(stage, image("png", 1), "01")))
    stage.s3.put_object(Bucket=OTHER_BUCKET, Key="a.png", Body=image("png", 2))
    record(listing(stage, OTHER_BUCKET, DATASET))
    ingests(stage)
    assets = stage.vi.assets(DATASET)
    assert assets["a.png"].content.read() == image("png", 1)
    (other,) = assets.keys() - {"a.png"}
    assert other.startswith("a~")
    record(listing(stage, OTHER_BUCKET, DATASET))
    assert stage.opens(round_=2)["outcome"] == "no_drops"


def test_a_file_of_the_default_dataset_and_of_its_folder_are_two_assets(
    stage: SessionStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEFAULT_DATASET_ID", DATASET)
    for made in (connections.settings, connections.recorder):
        made.cache_clear()
    for key, number in (("x.png", 1), (f"{DATASET}/x.png", 2)):
        record(messages(created(key, image("png", number), put(stage, key, image("png", number)), "01")))
    ingests(stage)
    assert sorted(asset.content.read() for asset in stage.vi.assets(DATASET).values()) == sorted(
        image("png", number) for number in (1, 2)
    )
