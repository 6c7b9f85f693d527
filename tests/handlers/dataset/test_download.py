"""Downloads: every asset under a name of its own, verified, or a reason why not; nothing half there."""

import json
import random
from collections.abc import Iterator

import pytest

from assetline.assets import listing
from assetline.budget import Budget
from assetline.download import s3_target as bucket
from assetline.download import staging as download_staging
from assetline.errors import DatasetUnknown, InvalidInput, KeyRefused, PlaceRefused, RepeatedCursor, ViRefused
from assetline.vi import crc32c
from local.emulators.vi.scenario import ApiFault, DownloadFault, NoContents, RepeatedToken, ViScenario
from local.emulators.vi.server import ViEmulator, running
from tests.handlers.conftest import event, in_the_account_of_moto
from tests.handlers.dataset.download_stage import BUCKET, DATASET, ELSEWHERE, DownloadStage, download_stage, held
from tests.simulation.account import MemoryAccount


@pytest.fixture(scope="module")
def vi() -> Iterator[ViEmulator]:
    with running() as vi:
        yield vi


@pytest.fixture
def account(memory: MemoryAccount) -> MemoryAccount:
    return memory


@pytest.fixture
def stage(vi: ViEmulator, monkeypatch: pytest.MonkeyPatch, account: MemoryAccount | None) -> Iterator[DownloadStage]:
    monkeypatch.setattr(random, "uniform", lambda *_: 0.0)
    with download_stage(vi, monkeypatch, account) as stage:
        yield stage


def figures(result: dict[str, object]) -> tuple[object, ...]:
    return result["written"], result["skipped"], result["failed"]


def reasons(stage: DownloadStage, result: dict[str, object]) -> dict[str, str]:
    return {row["filename"]: row["reason"] for row in stage.files(result) if row["state"] == "failed"}


def test_every_asset_becomes_an_object_with_its_checksum_type_and_asset(stage: DownloadStage) -> None:
    assets = stage.holds("a.png", "b.png")
    result = stage.run()
    assert (figures(result), result["complete"]) == ((2, 0, 0), True)
    assert stage.keys() == ["a.png", "b.png"]
    assert stage.bytes("a.png") == b"bytes of a.png"
    head = stage.head("a.png")
    assert crc32c.from_s3(head["ChecksumCRC32C"]) == crc32c.of(b"bytes of a.png")
    assert (head["ContentType"], head["Metadata"]) == ("image/png", {"assetline-asset-id": assets[0].asset_id})


def test_a_repeat_fetches_nothing_that_is_there(stage: DownloadStage) -> None:
    stage.holds("a.png", "b.png")
    stage.run()
    stage.vi.forget()
    assert figures(stage.run()) == (0, 2, 0)
    assert stage.gets() == 0
    assert figures(stage.run(overwrite=True)) == (2, 0, 0)


@pytest.mark.parametrize("there", [b"other of a.png", b"shorter"])
@pytest.mark.parametrize("stored", [True, False], ids=["with its checksum", "without"])
def test_a_differing_object_is_replaced(stage: DownloadStage, there: bytes, stored: bool) -> None:
    stage.holds("a.png")
    checksum = {"ChecksumAlgorithm": "SHA256"}
    if stored:
        checksum = {"ChecksumAlgorithm": "CRC32C", "ChecksumCRC32C": crc32c.to_s3(crc32c.of(there))}
    stage.s3.put_object(Bucket=BUCKET, Key=f"downloads/{DATASET}/a.png", Body=there, **checksum)
    assert figures(stage.run()) == (1, 0, 0)
    assert stage.bytes("a.png") == b"bytes of a.png"


def test_assets_of_one_name_get_file_names_with_their_ids(
    stage: DownloadStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *_ = stage.holds("a.png", "A.png", "a.png")
    result = stage.run()
    assert sorted(stage.keys()) == ["A~asset-000002.png", "a.png", "a~asset-000003.png"]
    assert stage.files(result)[0]["asset_id"] == first.asset_id
    # In turns and slices of one, the same names.
    monkeypatch.setattr(download_staging, "SLICE_FILES", 1)
    monkeypatch.setattr("assetline.download.list_assets.TURN_SLICES", 1)
    monkeypatch.setattr("assetline.assets.asset_pages.LARGEST_PAGE", 1)
    assert figures(stage.run()) == (0, 3, 0)
    assert stage.turns == 3


@pytest.mark.parametrize("fewer", [{"where": {"min_bytes": 10}}, {"ids": ["asset-000002"]}])
def test_a_download_of_fewer_assets_takes_no_name_from_another(stage: DownloadStage, fewer: dict[str, object]) -> None:
    held(stage.vi, "b.png", b"first")
    second = held(stage.vi, "b.png", b"another one")
    fields = {name: [second.asset_id] if name == "ids" else value for name, value in fewer.items()}
    stage.run(where={"max_bytes": 9})
    assert (stage.keys(), stage.bytes("b.png")) == (["b.png"], b"first")
    assert figures(stage.run(**fields)) == (1, 0, 0)
    names = stage.keys()
    assert names == ["b.png", f"b~{second.asset_id}.png"]
    assert [stage.bytes(name) for name in names] == [b"first", b"another one"]
    assert figures(stage.run(**fields)) == (0, 1, 0)
    assert figures(stage.run(**fields, overwrite=True)) == (1, 0, 0)
    assert stage.bytes("b.png") == b"another one"


@pytest.mark.parametrize(
    ("filename", "key"),
    [
        ("../../exports/x.csv", ".._.._exports_x.csv"),
        ("/etc/passwd", "_etc_passwd"),
        ("..\\x.png", ".._x.png"),
        ("..", "asset-000001"),
        ("a\nb\x00.png", "a_b_.png"),
        ("im%20 é#1.png", "im%20 é#1.png"),
        ("x" * 300 + ".png", "x" * 238 + "~asset-000001.png"),
    ],
)
def test_a_name_leads_nowhere_else(stage: DownloadStage, filename: str, key: str) -> None:
    stage.holds(filename)
    assert figures(stage.run()) == (1, 0, 0)
    assert stage.keys() == [key]
    assert set(stage.keys("")) == {f"downloads/{DATASET}/{key}", *stage.keys("", BUCKET)}


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (DownloadFault(filename="b.png", what="short"), "DownloadFailed"),
        (DownloadFault(filename="b.png", what="wrong"), "WrongChecksum"),
        (DownloadFault(filename="b.png", what="status", status=503), "DownloadFailed"),
        (DownloadFault(filename="b.png", what="status", status=400), "DownloadFailed"),
        (DownloadFault(filename="b.png", what="expired"), "DownloadExpired"),
        (NoContents(filename="b.png"), "NoContents"),
    ],
)
def test_a_file_that_fails_costs_the_others_nothing_and_leaves_nothing(
    stage: DownloadStage, fault: DownloadFault | NoContents, reason: str
) -> None:
    stage.holds("a.png", "b.png", "c.png")
    stage.plays(fault)
    result = stage.run()
    assert (figures(result), result["complete"]) == ((2, 0, 1), False)
    assert reasons(stage, result) == {"b.png": reason}
    assert stage.keys() == ["a.png", "c.png"]
    assert stage.manifest(result)["reasons"] == {reason: 1}
    stage.plays()
    assert figures(stage.run()) == (1, 2, 0)


@pytest.mark.parametrize(
    "fault",
    [
        DownloadFault(filename="b.png", what="short", times=2),
        DownloadFault(filename="b.png", what="wrong", times=2),
        DownloadFault(filename="b.png", what="status", times=2),
        DownloadFault(filename="b.png", what="expired", times=2),
        NoContents(filename="b.png", times=1),
        ApiFault(path="/assets/", status=503, times=1),
    ],
)
def test_transient_errors_are_waited_out(stage: DownloadStage, fault: DownloadFault | NoContents | ApiFault) -> None:
    stage.holds("a.png", "b.png")
    stage.plays(fault)
    assert figures(stage.run()) == (2, 0, 0)


def test_addresses_that_have_expired_since_the_listing_are_renewed(stage: DownloadStage) -> None:
    stage.holds("a.png")
    stage.plays(url_seconds=1e-9)
    listed = stage.lists({"dataset_id": DATASET})
    stage.plays()
    assert stage.downloads(listed["slices"][0])["written"] == 1


def test_an_asset_replaced_or_deleted_since_the_listing(stage: DownloadStage) -> None:
    [replaced, gone] = stage.holds("a.png", "b.png")
    listed = stage.lists({"dataset_id": DATASET})
    content = stage.vi.stage.content()
    content.append(b"other bytes")
    replaced.content = content
    stage.vi.stage.datasets[DATASET].remove(gone.asset_id)
    assert stage.downloads(listed["slices"][0]) == {"written": 1, "skipped": 0, "failed": 1, "left": 0}
    assert stage.bytes("a.png") == b"other bytes"
    assert reasons(stage, stage.closes(listed["download"], {"dataset_id": DATASET}, 1)) == {"b.png": "AssetUnknown"}


@in_the_account_of_moto
def test_a_large_file_is_uploaded_in_parts_completely_or_not_at_all(
    stage: DownloadStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bucket, "SMALL", 0)
    monkeypatch.setattr(bucket, "PART", 5 * 1024**2)
    body = bytes(range(256)) * 4 * 1024 * 11
    stage.holds("big.png", content=body)
    assert figures(stage.run()) == (1, 0, 0)
    assert stage.bytes("big.png") == body
    stage.holds("bad.png", content=body)
    stage.plays(DownloadFault(filename="bad.png", what="wrong"))
    assert stage.run()["failed"] == 1
    assert stage.keys() == ["big.png"]
    assert "Uploads" not in stage.s3.list_multipart_uploads(Bucket=BUCKET)


def test_only_the_selected_assets(stage: DownloadStage) -> None:
    assets = stage.holds("a.png", "b.png", "c.jpg")
    assert figures(stage.run(filter=".png")) == (2, 0, 0)
    result = stage.run(where={"filename": "c.*"})
    assert (figures(result), result["excluded"]) == ((1, 0, 0), 2)
    by_id = stage.run(ids=[assets[1].asset_id, "asset-nope", assets[1].asset_id])
    assert figures(by_id) == (0, 1, 1)
    assert [row["asset_id"] for row in stage.files(by_id) if row["reason"] == "AssetUnknown"] == ["asset-nope"]


def test_vi_gets_the_selection_in_a_stable_order(stage: DownloadStage) -> None:
    stage.run(filter="a", rule_query="b", strict_query=True)
    query = stage.vi.requests("/assets", "GET")[-1].query
    fields = {"filter": "a", "ruleQuery": "b", "strictQuery": "y", "sortBy": "assetId", "contents": "y"}
    assert query.items() >= fields.items()


def test_many_ids_are_listed_page_by_page(stage: DownloadStage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "IDS_A_PAGE", 2)
    ids = [asset.asset_id for asset in stage.holds(*(f"{number}.png" for number in range(5)))]
    assert figures(stage.run(ids=ids)) == (5, 0, 0)


def test_folders_by_date_and_another_bucket(stage: DownloadStage) -> None:
    [asset] = stage.holds("a.png")
    asset.created = 1795217214199  # 2026-11-21
    result = stage.run(by_date=True, bucket=ELSEWHERE, prefix="photos")
    assert stage.keys("", ELSEWHERE) == ["photos/2026/11/20/a.png"]
    assert (result["bucket"], result["prefix"], result["manifest_bucket"]) == (ELSEWHERE, "photos/", BUCKET)


@pytest.mark.parametrize(
    "fields",
    [
        {"dataset_id": "../ds1"},
        {"prefix": "exports/"},
        {"prefix": "downloads/"},
        {"prefix": "downloads/../staging/"},
        {"prefix": "/downloads/x"},
        {"ids": []},
        {"ids": ["../x"]},
        {"ids": ["a"], "filter": "b"},
        {"where": {"min_bites": 1}},
        {"filter": ""},
        {"overwrite": "yes"},
        {"to": "x"},
    ],
)
def test_bad_input_is_refused_before_anything_is_asked(stage: DownloadStage, fields: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        stage.run(**fields)
    assert not stage.vi.requests()


@in_the_account_of_moto
def test_an_error_of_every_file_ends_the_run(stage: DownloadStage) -> None:
    stage.holds("a.png")
    with pytest.raises(DatasetUnknown):
        stage.run(dataset_id="nope")
    with pytest.raises(PlaceRefused):
        stage.run(bucket="no-such-bucket", prefix="")
    with pytest.raises(ViRefused, match="filter has no field 'nonsense'"):
        stage.run(filter='{"nonsense": 1}')
    stage.plays(RepeatedToken(), max_page_size=1000)
    stage.holds("b.png", "c.png")
    listed = stage.lists({"dataset_id": DATASET})
    stage.plays(key="dtvi_another", url_seconds=1e-9)
    with pytest.raises(KeyRefused):
        stage.lists({"dataset_id": DATASET})
    error = {"Error": "KeyRefused", "Cause": "{}"}
    result = stage.closes(listed["download"], {"dataset_id": DATASET}, 1, error)
    assert (figures(result), result["left"], result["complete"]) == ((0, 0, 0), 3, False)
    assert stage.manifest(result)["error"] == "KeyRefused"


def test_a_list_that_does_not_end_is_an_error(stage: DownloadStage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assetline.assets.asset_pages.LARGEST_PAGE", 1)
    stage.holds("a.png", "b.png", "c.png")
    stage.plays(RepeatedToken())
    with pytest.raises(RepeatedCursor):
        stage.run()


def test_sixteen_thousand_and_one_assets_are_in_slices_each_once(
    stage: DownloadStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assetline.download.list_assets.TURN_SLICES", 30)
    stage.vi.has(ViScenario(holds={DATASET: 16_001}))
    turn, cursor, names = 0, None, []
    while turn == 0 or cursor:
        turn += 1
        listed = stage.lists({"dataset_id": DATASET}, turn, cursor)
        cursor = listed["cursor"]
        for address in listed["slices"]:
            listing = json.loads(stage.s3.get_object(Bucket=address["bucket"], Key=address["key"])["Body"].read())
            assert len(listing["files"]) <= 200
            names += [file["name"] for file in listing["files"]]
    assert turn == 3
    assert sorted(names) == [f"image_{number:05}.png" for number in range(16_001)]


def test_a_turn_without_time_leaves_files_to_the_next(stage: DownloadStage) -> None:
    stage.holds("a.png")
    listed = stage.lists({"dataset_id": DATASET})
    stage.invocation_seconds = 60
    assert stage.downloads(listed["slices"][0])["failed"] == 1  # not even one file in all its time
    stage.invocation_seconds = 900
    assert figures(stage.run()) == (1, 0, 0)


def test_only_what_was_begun_is_too_large(stage: DownloadStage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assetline.download.download_slice.THREADS", 1)
    stage.holds("large.png", "small.png")
    [address] = stage.lists({"dataset_id": DATASET})["slices"]
    spent = iter([False, False])
    with monkeypatch.context() as short:
        short.setattr(Budget, "spent", lambda _: next(spent, True))
        assert stage.downloads(address) == {"written": 0, "skipped": 0, "failed": 1, "left": 1}
    assert stage.downloads(address) == {"written": 1, "skipped": 0, "failed": 1, "left": 0}
    assert stage.keys() == ["small.png"]


def test_files_before_a_refused_key_are_in_the_manifest(stage: DownloadStage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assetline.download.download_slice.THREADS", 1)
    stage.holds("a.png", "b.png", "c.png")
    stage.plays(NoContents(filename="b.png", times=1))
    listed = stage.lists({"dataset_id": DATASET})
    stage.plays(ApiFault(path="/assets/", status=401))
    with pytest.raises(KeyRefused):
        stage.downloads(listed["slices"][0])
    result = stage.closes(listed["download"], {"dataset_id": DATASET}, 1, {"Error": "KeyRefused", "Cause": "{}"})
    assert result["written"] == len(stage.keys()) >= 1
    assert (result["left"], result["complete"]) == (3 - result["written"], False)


def test_manifest_and_event_have_the_end_and_no_address(stage: DownloadStage) -> None:
    stage.holds("a.png", "=1+1.png")
    result = stage.run()
    manifest = stage.manifest(result)
    assert {name: manifest[name] for name in ("written", "bytes", "complete")} == {
        "written": 2,
        "bytes": 31,
        "complete": True,
    }
    assert result["manifest_key"].startswith(f"downloads/{DATASET}_20261121_030000_")
    assert stage.files(result)[0]["crc32c"] == f"{crc32c.of(b'bytes of a.png') & 0xFFFFFFFF:08x}"
    assert stage.files(result)[1]["filename"] == "'=1+1.png"
    [event] = stage.announced
    assert event["DetailType"] == "Download Complete"
    assert json.loads(event["Detail"])["written"] == 2
    assert "signature" not in json.dumps([manifest, stage.files(result), stage.announced])


def test_the_largest_page_is_found_by_asking(stage: DownloadStage) -> None:
    stage.holds("a.png", "b.png")
    stage.plays(max_page_size=100)
    assert figures(stage.run()) == (2, 0, 0)


def test_the_states_take_the_events_that_are_shown(stage: DownloadStage) -> None:
    stage.holds("a.png", "b.csv")
    first = event("list_assets/first_turn")
    listed = stage.lists(first["input"], arn=first["execution_arn"])
    assert listed["slices"] == [event("download_slice/slice")]
    stage.downloads(event("download_slice/slice"))
    finished = event("close_download/finished")
    assert stage.closes(finished["download"], finished["input"], finished["turns"])["written"] == 2
