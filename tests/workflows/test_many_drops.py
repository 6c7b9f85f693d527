"""Seven thousand drops of three datasets all arrive, in the fewest sessions, and Vi refuses none of them.

The ration is the real one, five sessions in five minutes, on a clock that runs ten times as fast: for the functions,
and for the emulated Vi, which answers 429 to a sixth.

The local S3 takes minutes to send events of so many objects. So only the last image of a day comes by its event,
which starts the run of its dataset. The others are put without one, and recorded in the ledger as the function does.
"""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpcore
import pytest

from assetline.ingest.arrival import ObjectArrival
from assetline.ingest.asset_names import asset_filename, dataset_and_path
from assetline.ingest.drop import drop_id
from assetline.ingest.inspection import DropLimits, described, read
from local.emulators.vi.scenario import ViScenario
from local.emulators.vi.server import ViEmulator, running
from local.emulators.vi.sessions import EmulatedSession
from local.sample_images import image
from local.stack.lifecycle import running_stack
from local.stack.ministack import free_port
from local.stack.settings import StackSettings
from tests.support.waiting import until
from tests.workflows.drop_box import DropBox

RATION, WINDOW_SECONDS = 5, 300 // 10
SCALED = {"GatherSeconds": "1", "SessionsPerWindow": f"{RATION}", "SessionWindowSeconds": f"{WINDOW_SECONDS}"}
VI = ViScenario(sessions_per_window=RATION, window_seconds=WINDOW_SECONDS)

# On Monday every dataset gets an image, which takes it a session. Two are left in the window for Tuesday, which
# needs four: two of them for ds1, as none is of more than 5,000.
DATASETS = ("ds1", "ds2", "ds3")
MONDAY = [f"{dataset}/monday.png" for dataset in DATASETS]
TUESDAY = [f"ds1/{number}.png" for number in range(5_998)]
TUESDAY += [f"ds2/{number}.png" for number in range(598)]
TUESDAY += [f"ds3/{number}.png" for number in range(398)]
TUESDAYS_LAST = [f"{dataset}/last.png" for dataset in DATASETS]
DROPPED = {*MONDAY, *TUESDAY, *TUESDAYS_LAST}
SESSIONS = {"ds1": [1, 5_000, 999], "ds2": [1, 599], "ds3": [1, 399]}

PIXEL = image("png", size=(1, 1))


@pytest.fixture
def vi() -> Iterator[ViEmulator]:
    with running(VI) as emulator:
        yield emulator


@pytest.fixture
def box(vi: ViEmulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DropBox]:
    settings = StackSettings(
        free_port(), tmp_path_factory.mktemp("stack"), vi_url=vi.url, parameters=SCALED, forks_functions=True
    )
    with running_stack(settings) as stack:
        yield DropBox(stack)


def test_seven_thousand_drops_arrive_in_the_fewest_sessions(box: DropBox, vi: ViEmulator) -> None:
    put(box, TUESDAY)  # before Monday, or Monday's window would be over when Tuesday comes
    put_and_notify(box, MONDAY)
    runs_succeeded(box, len(MONDAY))
    note(box, TUESDAY)
    put_and_notify(box, TUESDAYS_LAST)
    runs_succeeded(box, len(MONDAY + TUESDAYS_LAST))

    every_drop_is_ingested_once(box, vi)
    the_ration_was_kept(vi)
    assert {dataset: [len(session.entries) for session in opened_for(dataset, vi)] for dataset in DATASETS} == SESSIONS


def every_drop_is_ingested_once(box: DropBox, vi: ViEmulator) -> None:
    drops = box.drops()
    assert drops.keys() == DROPPED
    assert Counter((drop.state, drop.attempts) for drop in drops.values()) == {("ingested", 0): 7_000}
    for dataset in DATASETS:
        expected = sorted(drop.asset_filename for drop in drops.values() if drop.dataset_id == dataset)
        assert sorted(vi.assets(dataset)) == expected
        assert sorted(entry.filename for session in opened_for(dataset, vi) for entry in session.entries) == expected
    assert len(vi.requests("/_objects/", "PUT")) == 7_000
    tagged = box.client("s3").get_object_tagging(Bucket=box.bucket, Key=TUESDAYS_LAST[0])["TagSet"]
    assert tagged == [], "by default, only rejected objects get tags"


def the_ration_was_kept(vi: ViEmulator) -> None:
    openings = vi.requests("/assetIngestionSessions", "POST")
    assert {request.status for request in openings} == {200}
    assert len(openings) > RATION
    windows = zip(openings, openings[RATION:], strict=False)
    assert min(sixth.at - first.at for first, sixth in windows) >= WINDOW_SECONDS


def opened_for(dataset_id: str, vi: ViEmulator) -> list[EmulatedSession]:
    return [session for session in vi.stage.sessions.values() if session.dataset.dataset_id == dataset_id]


def put_and_notify(box: DropBox, keys: list[str]) -> None:
    for key in keys:
        box.put(key, PIXEL)


def put(box: DropBox, keys: list[str]) -> None:
    """Put images into the drop bucket while it sends no events."""
    s3 = box.client("s3")
    notifications = s3.get_bucket_notification_configuration(Bucket=box.bucket)
    s3.put_bucket_notification_configuration(Bucket=box.bucket, NotificationConfiguration={})
    with httpcore.ConnectionPool() as pool, ThreadPoolExecutor(4) as threads:

        def put_one(key: str) -> int:
            url = s3.generate_presigned_url("put_object", Params={"Bucket": box.bucket, "Key": key})
            return pool.request("PUT", url, content=PIXEL).status

        assert {*threads.map(put_one, keys)} == {200}
    notifications.pop("ResponseMetadata")
    s3.put_bucket_notification_configuration(Bucket=box.bucket, NotificationConfiguration=notifications)


def note(box: DropBox, keys: list[str]) -> None:
    """Note drops in the ledger as `record_drop` does; one of them is read for all, for they are the same image."""
    s3 = box.client("s3")
    etag = s3.head_object(Bucket=box.bucket, Key=keys[0])["ETag"].strip('"')
    arrival = ObjectArrival(bucket=box.bucket, key=keys[0], etag=etag, size=len(PIXEL))
    drop = read(s3, described(arrival, DropLimits(len(PIXEL), "")))
    with box.table("DropsTableName").batch_writer() as items:
        for key in keys:
            dataset_id, path = dataset_and_path(key, "")
            where = {"key": key, "dataset_id": dataset_id, "asset_filename": asset_filename(path)}
            items.put_item(Item=drop.model_copy(update={"drop_id": drop_id(box.bucket, key, etag), **where}).to_item())


def runs_succeeded(box: DropBox, count: int) -> None:
    """Wait until so many runs were started and have succeeded."""

    def look() -> bool:
        statuses = [run["status"] for run in box.runs()]
        assert {*statuses} <= {"RUNNING", "SUCCEEDED"}
        return statuses == ["SUCCEEDED"] * count

    until(look, f"{count} runs that have succeeded", every=0.5)
