"""The emulated Vi is true: the official SDK works against it, and it fails as a scenario sets."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.emulators.vi.scenario import (
    LOCAL_KEY,
    LOCAL_ORGANIZATION,
    ApiFault,
    DeletionFails,
    DownloadFault,
    LostDeletion,
    MissingItems,
    RepeatedToken,
    ViScenario,
)
from local.emulators.vi.server import ViEmulator, running
from local.emulators.vi.store import IN_MEMORY
from local.paths import LOCAL, ROOT
from local.sample_images import image

NO_RATION = ViScenario(sessions_per_window=None)
HEADERS = {"authorization": f"Bearer {LOCAL_KEY}", "organization-id": LOCAL_ORGANIZATION}
DATASET = f"/workspaces/{LOCAL_ORGANIZATION}/datasets/{LOCAL_ORGANIZATION}_ds1"

# The output goes to the file of the third argument: the SDK itself prints, too.
BEGINNING = """
import json, sys, vi
from vi.api.types import PaginationParams
client = vi.Client(secret_key=sys.argv[2], organization_id=sys.argv[3], endpoint=sys.argv[1])
folder, said = sys.argv[4], {}
"""
END = """
open(folder + "/said.json", "w").write(json.dumps(said))
"""


@pytest.fixture(scope="module")
def emulator() -> Iterator[ViEmulator]:
    with running() as emulator:
        yield emulator


@pytest.fixture
def vi(emulator: ViEmulator) -> ViEmulator:
    emulator.has(NO_RATION)
    emulator.forget()
    return emulator


@pytest.fixture
def http(vi: ViEmulator) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=vi.url, headers=HEADERS) as http:
        yield http


def sdk(vi: ViEmulator, folder: Path, program: str) -> dict[str, Any]:
    """Run *program* with the official SDK, and return its output."""
    subprocess.run(
        [
            LOCAL / "tools/visdk/bin/python",
            *("-c", BEGINNING + program + END, vi.url, LOCAL_KEY, LOCAL_ORGANIZATION, str(folder)),
        ],
        check=True,
        capture_output=True,
        timeout=60,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "VI_ENABLE_FILE": "false"},
    )
    printed: dict[str, Any] = json.loads((folder / "said.json").read_text())
    return printed


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    (tmp_path / "photos/more").mkdir(parents=True)
    for number in range(5):
        (tmp_path / f"photos/im_{number:02}.png").write_bytes(image("png", number))
    (tmp_path / "photos/more/a b.jpg").write_bytes(image("jpg", 9))
    (tmp_path / "photos/notes.txt").write_text("no image")
    return tmp_path


def test_the_sdk_uploads_a_file_a_folder_and_bytes_and_waits(vi: ViEmulator, photos: Path) -> None:
    printed = sdk(
        vi,
        photos,
        """
one = client.assets.upload(dataset_id="ds1", paths=folder + "/photos/im_00.png", wait_until_done=True)
whole = client.assets.upload(dataset_id="ds1", paths=folder + "/photos", wait_until_done=True)
content = open(folder + "/photos/im_01.png", "rb").read()
more = client.assets.upload(dataset_id="ds2", assets_bytes=[("bytes.png", content)], wait_until_done=False)
status = client.assets.wait_until_done(dataset_id="ds2", asset_ingestion_session_id=list(more.session_ids)[0])
said["one"] = [one.total_succeeded, one.total_failed]
said["whole"] = [whole.total_succeeded, whole.total_files, whole.success_rate]
said["bytes"] = status.status.progressCount.succeeded
""",
    )
    assert printed == {"one": [1, 0], "whole": [6, 6, 100.0], "bytes": 1}
    assert sorted(vi.assets("ds1")) == ["a b.jpg", *(f"im_{number:02}.png" for number in range(5))]
    assert vi.assets("ds1")["a b.jpg"].content.read() == image("jpg", 9)


def test_the_sdk_lists_gets_counts_renames_downloads_and_deletes(vi: ViEmulator, photos: Path) -> None:
    printed = sdk(
        vi,
        photos,
        """
client.assets.upload(dataset_id="ds1", paths=folder + "/photos", wait_until_done=True)
first = client.assets.list(dataset_id="ds1", pagination=PaginationParams(page_size=4))
rest = client.assets.list(dataset_id="ds1", pagination=PaginationParams(page_size=4, page_token=first.next_page))
assets = {asset.filename: asset for asset in [*first.items, *rest.items]}
said["listed"] = sorted(assets)
got = client.assets.get(dataset_id="ds1", asset_id=assets["im_00.png"].asset_id, contents=True)
said["got"] = [got.filename, got.metadata.width, got.metadata.height, got.contents.asset.url.rpartition("?")[0][-9:]]
said["count"] = client.assets.count(dataset_id="ds1", filter_criteria="im_")
client.assets.rename(dataset_id="ds1", asset_id=assets["im_04.png"].asset_id, new_name="last.png")
client.assets.download(dataset_id="ds1", save_dir=folder + "/out", show_progress=False)
said["deleted"] = client.assets.delete(dataset_id="ds1", asset_id=assets["im_00.png"].asset_id).deleted
client.datasets.bulk_delete_assets(dataset_id="ds1", filter_criteria="im_0", strict_query=True)
said["left"] = client.assets.count(dataset_id="ds1")
said["datasets"] = [dataset.dataset_id for page in client.datasets.list() for dataset in page.items]
""",
    )
    assert printed == {
        "listed": ["a b.jpg", *(f"im_{number:02}.png" for number in range(5))],
        "got": ["im_00.png", 64, 48, "im_00.png"],
        "count": 5,
        "deleted": True,
        "left": 2,
        "datasets": ["ds1", "ds2", "ds3"],
    }
    assert (photos / "out/ds1/im_01.png").read_bytes() == image("png", 1)
    assert sorted(vi.assets("ds1")) == ["a b.jpg", "last.png"]


def test_the_sdk_sends_large_files_in_parts(vi: ViEmulator, photos: Path) -> None:
    vi.has(NO_RATION.model_copy(update={"part_bytes": 100}))
    printed = sdk(
        vi,
        photos,
        """
from vi.api.resources.datasets.assets import consts
consts.MULTIPART_THRESHOLD_BYTES = 64  # a GiB takes too long
result = client.assets.upload(dataset_id="ds1", paths=folder + "/photos/im_01.png", wait_until_done=True)
said["succeeded"] = result.total_succeeded
""",
    )
    assert printed["succeeded"] == 1
    assert vi.assets("ds1")["im_01.png"].content.read() == image("png", 1)
    assert len(vi.requests("/parts/", "PUT")) == len(image("png", 1)) // 100 + 1


def test_the_session_quota_holds_and_returns_the_wait(vi: ViEmulator, http: httpx.Client) -> None:
    vi.has(ViScenario(sessions_per_window=2, window_seconds=60))
    path = f"{DATASET}/assetSources/managed/datature/default/assetIngestionSessions"
    spec = {
        "spec": {
            "assets": [],
            "kind": "Upload",
            "failureMode": "FailAfterOne",
            "onAssetOverwritten": "RemoveLinkedResource",
        }
    }
    answers = [http.post(path, json=spec) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 59 <= int(answers[2].headers["retry-after"]) <= 60


def test_a_signed_url_that_was_altered_or_is_for_another_method_is_refused(vi: ViEmulator, http: httpx.Client) -> None:
    vi.stage.datasets["ds1"].put("a.png", "Image", "image/png", vi.stage.content(), {})
    asset = http.get(f"{DATASET}/assets", params={"contents": "y"}).json()["items"][0]
    url = asset["contents"]["asset"]["url"]
    assert httpx.get(url).status_code == 200
    assert httpx.get(f"{url}0").status_code == 403
    assert httpx.put(url, content=b"").status_code == 403


@pytest.mark.parametrize(("authorization", "status"), [("Bearer dtvi_wrong", 401), ("", 401)])
def test_the_key_is_asked_for(vi: ViEmulator, authorization: str, status: int) -> None:
    headers = {"authorization": authorization, "organization-id": LOCAL_ORGANIZATION}
    assert httpx.get(f"{vi.url}{DATASET}", headers=headers).status_code == status


def test_faults_fire_as_often_as_configured(vi: ViEmulator, http: httpx.Client) -> None:
    vi.plays(NO_RATION.model_copy(update={"faults": (ApiFault(path="/assets", status=503, times=2), MissingItems())}))
    statuses = [http.get(f"{DATASET}/assets").status_code for _ in range(3)]
    assert statuses == [503, 503, 200]
    assert "items" not in http.get(f"{DATASET}/assets").json()
    assert http.get(DATASET).status_code == 200


def test_a_list_can_lead_in_a_circle_and_a_download_be_cut_short(vi: ViEmulator, http: httpx.Client) -> None:
    for number in range(5):
        content = vi.stage.content()
        content.append(image("png", number))
        vi.stage.datasets["ds1"].put(f"{number}.png", "Image", "image/png", content, {})
    vi.plays(NO_RATION.model_copy(update={"faults": (RepeatedToken(), DownloadFault(what="wrong", times=1))}))
    token = http.get(f"{DATASET}/assets", params={"s": "2", "contents": "y"}).json()["nextPage"]
    page = http.get(f"{DATASET}/assets", params={"s": "2", "p": token, "contents": "y"}).json()
    assert page["nextPage"] == token
    url = page["items"][0]["contents"]["asset"]["url"]
    assert httpx.get(url).content != image("png", 2)
    assert httpx.get(url).content == image("png", 2)


def test_a_bulk_deletion_takes_its_time_fails_and_loses_its_answer(vi: ViEmulator, http: httpx.Client) -> None:
    contents = [vi.stage.content() for _ in range(3)]
    for number, content in enumerate(contents):
        vi.stage.datasets["ds1"].put(f"im_{number}.png", "Image", "image/png", content, {})
    sessions = f"{DATASET}/deleteManyAssetsSessions"
    spec = {"filter": "im_0", "metadataQuery": None, "ruleQuery": None, "strictQuery": None}

    vi.plays(ViScenario(faults=(LostDeletion(times=1), DeletionFails(times=1, deleted=1)), deletion_seconds=3600))
    with pytest.raises(httpx.TransportError):
        http.post(sessions, json={"spec": spec | {"filter": "im_"}})
    [begun] = http.get(sessions).json()["items"]
    assert (begun["spec"]["filter"], begun["status"]["conditions"][0]["status"]) == ("im_", "Waiting")
    assert len(vi.assets("ds1")) == 3
    vi.stage.datasets["ds1"].deletions[begun["deleteManyAssetsSessionId"]].due_at = 0
    failed = http.get(f"{sessions}/{begun['deleteManyAssetsSessionId']}").json()["status"]["conditions"][0]
    assert (failed["status"], failed["reason"]) == ("FailedReach", "Internal")
    assert sorted(vi.assets("ds1")) == ["im_1.png", "im_2.png"]

    vi.plays(ViScenario(shows_deletion_spec=False))
    done = http.post(sessions, json={"spec": spec | {"filter": "im_2"}}).json()
    assert (done["spec"], done["status"]["conditions"][0]["status"]) == ({}, "Reached")
    first = http.get(sessions, params={"s": "1"}).json()
    second = http.get(sessions, params={"s": "1", "p": first["nextPage"]}).json()
    assert [page["items"][0]["deleteManyAssetsSessionId"] for page in (first, second)] == [
        done["deleteManyAssetsSessionId"],
        begun["deleteManyAssetsSessionId"],
    ]
    assert second["nextPage"] is None
    vi.plays(ViScenario(lists_deletions=False))
    assert http.get(sessions).status_code == 404


SOURCE = f"{DATASET}/assetSources/managed/datature/default"


def uploaded(http: httpx.Client, filename: str, mime: str, content: bytes, overwritten: str) -> dict[str, Any]:
    """Upload a file in a session of its own, and return the session afterwards."""
    kind = mime.partition("/")[0].title()
    entry = {"filename": filename, "mime": mime, "size": len(content), "crc32c": None, "kind": kind}
    spec = {"assets": [entry], "kind": "Upload", "failureMode": "FailAfterAll", "onAssetOverwritten": overwritten}
    session = http.post(f"{SOURCE}/assetIngestionSessions", json={"spec": spec}).json()
    assert httpx.put(session["status"]["assets"][0]["upload"]["url"], content=content).status_code == 200
    path = f"{SOURCE}/assetIngestionSessions/{session['assetIngestionSessionId']}"
    printed: dict[str, Any] = http.get(path).json()
    return printed


@pytest.mark.parametrize(
    ("overwritten", "annotations"),
    [("RemoveLinkedResource", {}), ("KeepLinkedResource", {"cat": 2}), ("KeepLinkedResources", {"cat": 2})],
)
def test_an_overwritten_asset_keeps_its_annotations_if_asked_to(
    vi: ViEmulator, http: httpx.Client, overwritten: str, annotations: dict[str, int]
) -> None:
    uploaded(http, "a.png", "image/png", image("png"), overwritten)
    vi.assets("ds1")["a.png"].annotations = {"cat": 2}
    first = vi.assets("ds1")["a.png"].asset_id
    uploaded(http, "a.png", "image/png", image("png", 2), overwritten)
    asset = vi.assets("ds1")["a.png"]
    assert (asset.asset_id, asset.annotations, asset.content.read()) == (first, annotations, image("png", 2))


def test_an_unknown_way_to_overwrite_is_refused(http: httpx.Client) -> None:
    spec = {"assets": [], "kind": "Upload", "failureMode": "FailAfterAll", "onAssetOverwritten": "KeepBoth"}
    assert http.post(f"{SOURCE}/assetIngestionSessions", json={"spec": spec}).status_code == 400


FILM = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2"


@pytest.mark.parametrize(
    ("mime", "content", "code"),
    [
        ("image/png", image("jpg"), None),  # another image: the SDK goes by the extension, too
        ("image/heic", image("heic"), None),
        ("image/png", FILM, "EBADMIME"),
        ("image/png", b"this is text", "EBADMIME"),
        ("video/mp4", FILM, None),
        ("video/mp4", image("png"), "EBADMIME"),
        ("video/mp4", b"\x00\x01\x02 what nobody knows", None),
        ("application/vnd.rn-realmedia", b".RMF\x00\x00\x00\x12", None),
    ],
)
def test_a_file_that_is_not_of_its_mime_type_is_an_error(
    http: httpx.Client, mime: str, content: bytes, code: str | None
) -> None:
    events = uploaded(http, "a", mime, content, "RemoveLinkedResource")["status"]["events"]
    assert [event["files"] for event in events if event["kind"] == "Error"] == ([{"a": code}] if code else [])


def test_the_one_asset_source_is_answered_and_no_other(http: httpx.Client) -> None:
    uploaded(http, "a.png", "image/png", image("png"), "RemoveLinkedResource")
    [listed] = http.get(f"{DATASET}/assetSources").json()["items"]
    assert http.get(SOURCE).json().items() >= {(name, listed[name]) for name in listed if name != "metadata"}
    assert [item["filename"] for item in http.get(f"{SOURCE}/sample").json()["items"]] == ["a.png"]
    assert http.get(f"{DATASET}/assetSources/managed/datature/another").status_code == 404
    assert http.delete(SOURCE).status_code == 409


def test_assets_are_listed_with_their_objects(vi: ViEmulator, http: httpx.Client) -> None:
    for name in ("a.png", "b.png", "c.png"):
        uploaded(http, name, "image/png", image("png"), "RemoveLinkedResource")
    vi.assets("ds1")["b.png"].annotations = {"cat": 2, "dog": 1}
    first = http.get(f"{DATASET}/assetsWithObjects", params={"s": "2"}).json()
    assert [item["asset"]["filename"] for item in first["items"]] == ["a.png", "b.png"]
    assert [item["tag"] for item in first["items"][1]["objects"]] == ["cat", "cat", "dog"]
    rest = http.get(f"{DATASET}/assetsWithObjects", params={"s": "2", "p": first["nextPage"]}).json()
    assert ([item["asset"]["filename"] for item in rest["items"]], rest["nextPage"]) == (["c.png"], None)
    asset_id = first["items"][1]["asset"]["assetId"]
    assert http.get(f"{DATASET}/assetsWithObjects/{asset_id}").json() == first["items"][1]
    annotated = http.get(f"{DATASET}/assetsWithObjects", params={"annotationFilter": "dog"}).json()
    assert [item["asset"]["assetId"] for item in annotated["items"]] == [asset_id]
    assert http.get(f"{DATASET}/assetsWithObjects", params={"view": "odd"}).status_code == 400


def test_folders_are_made_listed_walked_and_forgotten(http: httpx.Client) -> None:
    uploaded(http, "a.png", "image/png", image("png"), "RemoveLinkedResource")
    for name in ("raw", "raw%2F2025", "children"):
        assert http.put(f"{DATASET}/folders/{name}", json={"owner": "o"}).status_code == 200
    listed = http.get(f"{DATASET}/folders", params={"o": "d"}).json()["items"]
    assert [folder["name"] for folder in listed] == ["raw/2025", "raw", "children"]
    assert http.get(f"{DATASET}/folders/raw%2F2025").json()["name"] == "raw/2025"

    def children(name: str, **requested: str) -> list[str]:
        items = http.get(f"{DATASET}/folders/{name}/children", params=requested).json()["items"]
        return [item["resource"].get("name") or item["resource"]["filename"] for item in items]

    assert children("%2F") == ["children", "raw", "a.png"]
    assert (children("%2F", childType="Asset"), children("raw")) == (["a.png"], ["raw/2025"])
    assert http.get(f"{DATASET}/folders/nope/children").status_code == 404
    assert http.delete(f"{DATASET}/folders/raw").status_code == 204
    assert http.delete(f"{DATASET}/folders/raw").status_code == 404
    assert http.delete(f"{DATASET}/folders").status_code == 204
    assert (http.get(f"{DATASET}/folders").json()["items"], children("%2F")) == ([], ["a.png"])


@pytest.mark.parametrize("interruption", [signal.SIGTERM, signal.SIGINT])
def test_an_interrupted_program_leaves_no_file_behind(tmp_path: Path, interruption: signal.Signals) -> None:
    command = [sys.executable, "-m", "local.emulators.vi", "--port", "0"]
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout
        url = program.stdout.readline().split()[-1]
        with httpx.Client(base_url=url, headers=HEADERS) as http:
            uploaded(http, "a.png", "image/png", bytes(IN_MEMORY + 1), "RemoveLinkedResource")
        assert len([*tmp_path.rglob("*")]) == 2  # a folder with a file
        program.send_signal(interruption)
    assert [*tmp_path.iterdir()] == []


def test_a_sample_asset_is_stored_without_a_session(emulator: ViEmulator) -> None:
    emulator.has(NO_RATION)
    with httpx.Client(base_url=emulator.url, headers=HEADERS) as client:
        path = "/_emulator/datasets/ds1/assets/sample_1.png"
        ids = [client.put(path).json()["assetId"] for _ in range(2)]
        assert ids[0] == ids[1]
        assert client.get(f"{DATASET}/assets/{ids[0]}").json()["filename"] == "sample_1.png"
        assert client.put("/_emulator/datasets/absent/assets/sample_1.png").status_code == 404
