"""Images dropped into the bucket of the real stack become assets of the emulated Vi, or are rejected with a reason."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from assetline.vi.crc32c import of
from assetline_cli.clock import Clock
from assetline_cli.drops.local_files import LocalFile
from assetline_cli.drops.upload import DropUploader
from local.emulators.vi.scenario import (
    LOCAL_KEY,
    LOCAL_ORGANIZATION,
    ApiFault,
    ExpiredUpload,
    FileError,
    RefusedEntry,
    ViScenario,
)
from local.emulators.vi.server import ViEmulator, running
from local.paths import AWS, LOCAL
from local.sample_images import FORMATS, folder, image
from local.stack.lifecycle import running_stack
from local.stack.ministack import MiniStack, free_port
from local.stack.outputs import DeployedStack
from local.stack.settings import StackSettings
from local.stack.state_file import Record
from tests.support.waiting import until
from tests.workflows.drop_box import DropBox

REASONS = {"bad/text.png": "WrongContent", "bad/empty.jpg": "EmptyObject", "bad/notes.txt": "UnsupportedType"}
# Minutes are seconds here: the clock is sixty times faster than Vi's ration of five sessions in five minutes.
OLD_BUCKET = "photos-of-old"
SCALED = {
    "GatherSeconds": "3",
    "LongestGatherSeconds": "3",
    "TagObjects": "All",
    "SessionsPerWindow": "5",
    "SessionWindowSeconds": "5",
    "BackfillBucketName": OLD_BUCKET,
}
RATION = ViScenario(sessions_per_window=5, window_seconds=5)
STATE = "stack"
KILLED_SECONDS = "5"  # after which the message of a killed function is visible again


@pytest.fixture(scope="module")
def emulator() -> Iterator[ViEmulator]:
    with running() as emulator:
        yield emulator


@pytest.fixture(scope="module")
def folder_of_stack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp(STATE)


@pytest.fixture(scope="module")
def stack(emulator: ViEmulator, folder_of_stack: Path) -> Iterator[DeployedStack]:
    settings = StackSettings(
        free_port(), folder_of_stack, vi_url=emulator.url, wait_scale=0.1, parameters=SCALED, forks_functions=True
    )
    with running_stack(settings) as stack:
        box = DropBox(stack)
        # A message whose function died comes again after half an hour; here, after seconds.
        visible_again = {"VisibilityTimeout": KILLED_SECONDS}
        box.client("sqs").set_queue_attributes(QueueUrl=box.queue_url, Attributes=visible_again)
        yield stack


@pytest.fixture
def vi(emulator: ViEmulator) -> ViEmulator:
    emulator.has(RATION)
    emulator.forget()
    return emulator


@pytest.fixture
def box(stack: DeployedStack, vi: ViEmulator) -> Iterator[DropBox]:
    box = DropBox(stack)
    yield box
    box.settled()


def listed_by_the_sdk(vi: ViEmulator, dataset_id: str, home: Path) -> set[str]:
    """Return the assets of a dataset as the official SDK lists them."""
    program = """
import sys, vi
from vi.api.types import PaginationParams
client = vi.Client(secret_key=sys.argv[2], organization_id=sys.argv[3], endpoint=sys.argv[1])
page = client.assets.list(dataset_id=sys.argv[4], pagination=PaginationParams(page_size=1000))
print("\\n".join(asset.filename for asset in page.items))
"""
    listed = subprocess.run(
        [LOCAL / "tools/visdk/bin/python", "-c", program, vi.url, LOCAL_KEY, LOCAL_ORGANIZATION, dataset_id],
        check=True,
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"], "HOME": str(home), "VI_ENABLE_FILE": "false"},
    )
    return set(listed.stdout.splitlines())


def test_a_folder_copied_with_the_aws_cli_becomes_assets_or_reasons(
    box: DropBox, vi: ViEmulator, stack: DeployedStack, tmp_path: Path
) -> None:
    files = dict(folder())
    for path, content in files.items():
        (tmp_path / "photos" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "photos" / path).write_bytes(content)
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **stack.environment}
    command = [str(AWS), "s3", "cp", "--quiet", "--recursive", "photos/", f"s3://{box.bucket}/ds1/"]
    subprocess.run(command, check=True, cwd=tmp_path, env=environment)

    drops = box.over({f"ds1/{path}" for path in files})
    rejected = {key.removeprefix("ds1/"): drop.reason for key, drop in drops.items() if drop.state == "rejected"}
    assert rejected == REASONS

    assets = vi.assets("ds1")
    ingested = {path: content for path, content in files.items() if path not in REASONS}
    names = {path: drops[f"ds1/{path}"].asset_filename for path in ingested}
    assert {name: assets[name].content.read() for name in names.values()} == {
        names[path]: content for path, content in ingested.items()
    }
    assert len(set(names.values())) == len(ingested) > len(FORMATS)
    assert listed_by_the_sdk(vi, "ds1", tmp_path) == set(names.values())

    box.settled()
    assert box.tags("ds1/monday/img_1.jpg") == {"assetline:state": "ingested", "assetline:asset": "monday__img_1.jpg"}
    assert box.tags("ds1/bad/text.png") == {"assetline:state": "rejected", "assetline:reason": "WrongContent"}
    assert sum(report["succeeded"] for report in box.reports("ds1")) == len(ingested)


def test_drops_of_one_gather_window_share_a_session(box: DropBox, vi: ViEmulator) -> None:
    keys = {f"ds2/shared_{number}.png" for number in range(20)}
    for number, key in enumerate(sorted(keys)):
        box.put(key, image("png", number), site="oslo")
    assert {drop.state for drop in box.over(keys).values()} == {"ingested"}
    box.settled()
    # Twenty objects take the local S3 and its events about a second: they fall in two windows at most.
    assert vi.sessions_opened() <= 2
    assert vi.assets("ds2")["shared_3.png"].custom_metadata == {"site": "oslo"}


def test_uploaded_files_reach_vi_with_their_crc32c(box: DropBox, vi: ViEmulator, tmp_path: Path) -> None:
    files = []
    for number in range(3):
        path = tmp_path / f"summed_{number}.png"
        path.write_bytes(image("png", number))
        files.append(LocalFile(path, f"ds2/{path.name}", path.stat().st_size))
    uploaded = DropUploader(box.client("s3"), box.bucket, {}, Clock()).upload(files, lambda _: None)
    assert uploaded.ended == "complete"
    drops = box.over({file.key for file in files})
    expected = {file.path.name: of(file.path.read_bytes()) for file in files}
    assert {drop.asset_filename: (drop.state, drop.crc32c) for drop in drops.values()} == {
        name: ("ingested", checksum) for name, checksum in expected.items()
    }
    # With a checksum in the session, upload_assets computes none.
    entries = [entry for session in vi.stage.sessions.values() for entry in session.entries]
    assert {entry.filename: entry.crc32c for entry in entries if entry.filename in expected} == expected


def test_a_refused_key_fails_the_run_and_its_drops_wait(box: DropBox, vi: ViEmulator) -> None:
    vi.plays(RATION.model_copy(update={"key": "dtvi_another"}))
    box.put("ds3/patient.png", image("png", 1))
    failed = until(lambda: box.runs("FAILED"), "the run failed")
    described = box.ended(failed[0]["executionArn"])
    assert described["error"] == "KeyRefused"
    assert "put a current one in the secret" in described["cause"]
    assert box.drops()["ds3/patient.png"].state == "dropped"
    assert vi.sessions_opened() == 0

    vi.plays(RATION)
    box.run("ds3", f"by-hand-{time.time_ns()}")
    assert box.over({"ds3/patient.png"})["ds3/patient.png"].state == "ingested"


def test_a_key_refused_mid_upload_fails_the_run_and_costs_no_attempt(box: DropBox, vi: ViEmulator) -> None:
    # The URL has to be renewed, and the first look at the session is that of the renewal.
    faults = (ExpiredUpload(times=1), ApiFault(method="GET", path="/assetIngestionSessions/", status=401, times=1))
    vi.plays(RATION.model_copy(update={"faults": faults}))
    earlier = {run["executionArn"] for run in box.runs("FAILED")}
    box.put("ds3/mid_upload.png", image("png", 1))
    (failed,) = until(lambda: {run["executionArn"] for run in box.runs("FAILED")} - earlier, "the run failed")
    described = box.ended(failed)
    assert described["error"] == "KeyRefused"
    assert "put a current one in the secret" in described["cause"]
    drop = box.drops()["ds3/mid_upload.png"]
    assert (drop.state, drop.attempts) == ("dropped", 0)

    vi.plays(RATION)
    box.run("ds3", f"by-hand-{time.time_ns()}")
    assert box.over({"ds3/mid_upload.png"})["ds3/mid_upload.png"].state == "ingested"


def test_a_file_that_vi_refuses_is_rejected_with_its_code(box: DropBox, vi: ViEmulator) -> None:
    vi.plays(RATION.model_copy(update={"faults": (FileError(filename="quota*", code="ENOQUOTA"),)}))
    keys = {"ds2/quota_1.png", "ds2/fine_1.png", "ds2/fine_2.png"}
    for number, key in enumerate(sorted(keys)):
        box.put(key, image("png", number))
    drops = box.over(keys)
    assert (drops["ds2/quota_1.png"].state, drops["ds2/quota_1.png"].reason) == ("rejected", "ENOQUOTA")
    assert drops["ds2/fine_1.png"].state == drops["ds2/fine_2.png"].state == "ingested"


def test_a_file_that_no_session_accepts_is_rejected_alone(box: DropBox, vi: ViEmulator) -> None:
    vi.plays(RATION.model_copy(update={"faults": (RefusedEntry(filename="entry_2.png", message="no such file"),)}))
    keys = {f"ds2/entry_{number}.png" for number in range(5)}
    for number, key in enumerate(sorted(keys)):
        box.put(key, image("png", number))
    drops = box.over(keys)
    refused = drops.pop("ds2/entry_2.png")
    assert (refused.state, refused.reason) == ("rejected", "EntryRefused")
    assert "no such file" in (refused.message or "")
    assert {(drop.state, drop.attempts) for drop in drops.values()} == {("ingested", 0)}


def test_vi_being_down_for_a_while_costs_nothing_but_time(box: DropBox, vi: ViEmulator) -> None:
    vi.plays(RATION.model_copy(update={"faults": (ApiFault(status=503, times=8),)}))
    keys = {"ds1/outage_1.png", "ds1/outage_2.png"}
    for number, key in enumerate(sorted(keys)):
        box.put(key, image("png", number))
    assert {drop.state for drop in box.over(keys).values()} == {"ingested"}
    assert {drop.attempts for drop in box.over(keys).values()} == {0}


def test_functions_killed_in_mid_flight_lose_nothing_and_double_nothing(
    box: DropBox, vi: ViEmulator, folder_of_stack: Path
) -> None:
    keys = {f"ds3/killed_{number}.png" for number in range(60)}
    for number, key in enumerate(sorted(keys)):
        box.put(key, image("png", number))
    for _ in range(4):
        kill_functions(folder_of_stack)
        time.sleep(0.7)
    assert {drop.state for drop in box.over(keys).values()} == {"ingested"}
    assert {name for name in vi.assets("ds3") if name.startswith("killed")} == {key[4:] for key in keys}


def kill_functions(folder: Path) -> None:
    server = Record.read(folder).servers[MiniStack.NAME]
    for process in server.processes():
        if process.pid != server.pid:
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)


@pytest.fixture
def one_receive(box: DropBox) -> Iterator[None]:
    """Let a message be dead after one receive, and let the queue's own timeout be that of the template."""
    sqs = box.client("sqs")
    attributes = sqs.get_queue_attributes(QueueUrl=box.queue_url, AttributeNames=["RedrivePolicy"])["Attributes"]
    policy = json.loads(attributes["RedrivePolicy"])
    for receives, timeout in ((1, "1800"), (policy["maxReceiveCount"], KILLED_SECONDS)):
        changed = {"RedrivePolicy": json.dumps(policy | {"maxReceiveCount": receives}), "VisibilityTimeout": timeout}
        sqs.set_queue_attributes(QueueUrl=box.queue_url, Attributes=changed)
        if receives == 1:
            yield


def test_a_message_that_is_no_event_ends_in_the_dead_letter_queue(
    box: DropBox, stack: DeployedStack, one_receive: None
) -> None:
    sqs = box.client("sqs")
    sqs.send_message(QueueUrl=box.queue_url, MessageBody=json.dumps({"detail": "poison"}))

    def dead() -> bool:
        url = stack.outputs["DropDeadLetterQueueUrl"]
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0).get("Messages", [])
        return {"detail": "poison"} in [json.loads(message["Body"]) for message in messages]

    # The function sets when the message is visible again; the queue would take half an hour.
    assert until(dead, "the message in the dead-letter queue")


def test_a_backfill_ingests_what_a_bucket_holds_already(box: DropBox, vi: ViEmulator, stack: DeployedStack) -> None:
    s3 = box.client("s3")
    s3.create_bucket(Bucket=OLD_BUCKET)
    for number in range(12):
        s3.put_object(Bucket=OLD_BUCKET, Key=f"2019/trip/old {number}.png", Body=image("png", number))
    s3.put_object(Bucket=OLD_BUCKET, Key="2018/not_this.png", Body=image("png", 1))
    request = {"bucket": OLD_BUCKET, "prefix": "2019/", "dataset_id": "ds2"}
    for _ in range(2):  # a second time changes nothing
        arn = box.client("stepfunctions").start_execution(
            stateMachineArn=stack.outputs["BackfillStateMachineArn"], input=json.dumps(request)
        )["executionArn"]
        ended = box.ended(arn)
        assert ended["status"] == "SUCCEEDED"
        written = json.loads(ended["output"])["results"]["ResultWriterDetails"]
        assert written["Key"].startswith("staging/backfill/")
        manifest = json.loads(s3.get_object(**written)["Body"].read())
        assert manifest["ResultFiles"]["SUCCEEDED"]
    drops = box.over({f"2019/trip/old {number}.png" for number in range(12)})
    assert {drop.state for drop in drops.values()} == {"ingested"}
    assert {name for name in vi.assets("ds2") if "old" in name} == {
        f"2019__trip__old {number}.png" for number in range(12)
    }
    assert box.drops().get("2018/not_this.png") is None
    assert box.tags("2019/trip/old 3.png", OLD_BUCKET)["assetline:state"] == "ingested"
