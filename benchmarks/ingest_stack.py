"""The local stack on which ingestions are measured: images, drops and runs.

Its Vi has no quota of sessions, and its functions read objects from the local S3 or from a second one. A stack records
the write units of all calls.
"""

import json
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from hashlib import md5
from itertools import batched
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import httpx

from assetline.ingest.arrival import ObjectArrival
from assetline.ingest.inspection import DropLimits, described
from benchmarks.prices import DROPS_A_BATCH
from local.emulators.vi.scenario import ViScenario
from local.sample_images import image
from local.stack.lifecycle import running_stack
from local.stack.ministack import free_port
from local.stack.outputs import DeployedStack
from local.stack.settings import StackSettings

GATHER_SECONDS = 5  # longer than any pause between two recorded drops
PLAIN_BUCKET = "benchmark-photos"
NO_RATION = ViScenario(sessions_per_window=None)
S3_OF_FUNCTIONS = "AWS_ENDPOINT_URL_S3"  # boto3's
COUNTING = "ASSETLINE_COUNT_WRITES"
RECORDED_AT_ONCE = 2  # batches
LIMITS = DropLimits(max_image_bytes=100 * 1024**2, default_dataset="")


class Photo(NamedTuple):
    """An image under its key."""

    key: str
    body: bytes

    @property
    def etag(self) -> str:
        """The ETag that S3 gives its object."""
        return md5(self.body, usedforsecurity=False).hexdigest()


def photos(folder: str, count: int) -> list[Photo]:
    """Return *count* small images below *folder*, whose first word is a dataset."""
    return [Photo(f"{folder}/image_{number:05}.png", _image(number)) for number in range(count)]


@cache
def _image(number: int) -> bytes:
    return image("png", number)


def write(bucket: Path, images: Sequence[Photo]) -> None:
    """Write images into the folder of a bucket of the second S3."""
    for folder in {(bucket / photo.key).parent for photo in images}:
        folder.mkdir(parents=True, exist_ok=True)
    for photo in images:
        (bucket / photo.key).write_bytes(photo.body)


@dataclass(frozen=True)
class IngestStack:
    """A running stack: its state is in *folder*, and *written* lists the write units of its calls."""

    stack: DeployedStack
    folder: Path
    written: Path

    @property
    def vi(self) -> str:
        """The address of the emulated Vi."""
        return self.stack.emulators["vi"]

    def client(self, service: Any) -> Any:
        """Return a client of one of the stack's services."""
        return boto3.client(service, **self.stack.connection)

    def function(self, name: str) -> str:
        """Return the name of the function whose logical id contains *name*."""
        functions = self.client("lambda").list_functions()["Functions"]
        [found] = [item["FunctionName"] for item in functions if name in item["FunctionName"]]
        return str(found)

    def use_s3(self, url: str) -> None:
        """Let all functions use the S3 at *url*; new environments start."""
        client = self.client("lambda")
        for function in client.list_functions()["Functions"]:
            variables = function["Environment"]["Variables"] | {S3_OF_FUNCTIONS: url}
            client.update_function_configuration(
                FunctionName=function["FunctionName"], Environment={"Variables": variables}
            )

    def put(self, images: Sequence[Photo]) -> None:
        """Put images into the local S3."""
        s3 = self.client("s3")
        with ThreadPoolExecutor(8) as threads:
            for _ in threads.map(
                lambda photo: s3.put_object(Bucket=PLAIN_BUCKET, Key=photo.key, Body=photo.body), images
            ):
                pass

    def record(self, images: Sequence[Photo]) -> None:
        """Record images with the real function, in batches as large as those of the drop queue."""
        name, client = self.function("RecordDrop"), self.client("lambda")

        def invoke(batch: Sequence[dict[str, Any]]) -> None:
            records = [{"messageId": str(place), "body": json.dumps(event)} for place, event in enumerate(batch)]
            answer = client.invoke(FunctionName=name, Payload=json.dumps({"Records": records}))
            failures = json.loads(answer["Payload"].read())
            if failures != {"batchItemFailures": []}:
                raise RuntimeError(f"drops were not recorded: {str(failures)[:200]}")

        events = [_event(photo, number) for number, photo in enumerate(images)]
        with ThreadPoolExecutor(RECORDED_AT_ONCE) as threads:
            for _ in threads.map(invoke, batched(events, DROPS_A_BATCH, strict=False)):
                pass

    def start(self, images: Sequence[Photo], name: str) -> None:
        """Put the drops of images into the ledger, as the function records them, and start the run *name*.

        It takes a tenth of the time that the function needs on the local AWS.
        """
        drops = [described(_arrival(photo), LIMITS) for photo in images]
        table = boto3.resource("dynamodb", **self.stack.connection).Table(self.stack.outputs["DropsTableName"])
        with table.batch_writer() as batch:
            for drop in drops:
                batch.put_item(Item=drop.to_item())
        self.client("stepfunctions").start_execution(
            stateMachineArn=self.stack.outputs["IngestStateMachineArn"],
            name=name,
            input=json.dumps({"dataset_id": drops[0].dataset_id}),
        )

    def runs_ended(self) -> list[dict[str, Any]]:
        """Wait until every run has ended, and return all."""
        machines, arn = self.client("stepfunctions"), self.stack.outputs["IngestStateMachineArn"]
        while machines.list_executions(stateMachineArn=arn, statusFilter="RUNNING")["executions"]:
            time.sleep(0.5)
        runs: list[dict[str, Any]] = machines.list_executions(stateMachineArn=arn)["executions"]
        if failed := [run["name"] for run in runs if run["status"] != "SUCCEEDED"]:
            raise RuntimeError(f"runs of the ingestion failed: {failed}")
        return runs

    def state_seconds(self, runs: list[dict[str, Any]], first: str, last: str) -> float:
        """Return the seconds from entering *first* to leaving *last* for the last time, over all runs."""
        begun, ended = [], []
        for run in runs:
            history = self.client("stepfunctions").get_execution_history(
                executionArn=run["executionArn"], maxResults=1000
            )["events"]
            exits = [
                event["timestamp"] for event in history if event.get("stateExitedEventDetails", {}).get("name") == last
            ]
            if exits:
                entered = (event for event in history if event.get("stateEnteredEventDetails", {}).get("name") == first)
                begun.append(next(entered)["timestamp"])
                ended.append(exits[-1])
        seconds: float = (max(ended) - min(begun)).total_seconds()
        return seconds

    def requests(self) -> list[dict[str, Any]]:
        """Return the requests that Vi received."""
        listed: list[dict[str, Any]] = httpx.get(f"{self.vi}/_emulator/requests", timeout=60).json()["requests"]
        return listed

    def forget(self) -> None:
        """Reset Vi to its initial state."""
        httpx.put(f"{self.vi}/_emulator/scenario", content=NO_RATION.model_dump_json(), timeout=60).raise_for_status()
        httpx.delete(f"{self.vi}/_emulator/requests", timeout=60)

    def write_units(self) -> float:
        """Return the write units of all calls so far."""
        with self.written.open() as lines:
            return sum(float(json.loads(line)["units"]) for line in lines)


def _arrival(photo: Photo) -> ObjectArrival:
    return ObjectArrival(bucket=PLAIN_BUCKET, key=photo.key, etag=photo.etag, size=len(photo.body))


def _event(photo: Photo, number: int) -> dict[str, Any]:
    """Return the event that S3 sends for an image in a bucket of drops."""
    about = {"key": photo.key, "size": len(photo.body), "etag": photo.etag, "sequencer": f"{number:016X}"}
    return {"detail": {"bucket": {"name": PLAIN_BUCKET}, "object": about}}


@contextmanager
def ingest_stack(folder: Path) -> Iterator[IngestStack]:
    """Run a stack, with its state in *folder*, whose Vi has no quota of sessions."""
    parameters = {
        "GatherSeconds": str(GATHER_SECONDS),
        "SessionsPerWindow": "1000",
        "SessionWindowSeconds": "1",
        "BackfillBucketName": PLAIN_BUCKET,
    }
    settings = StackSettings(free_port(), folder / "stack", parameters=parameters)
    written = folder / "write-units"
    with _counting(written), running_stack(settings) as stack:
        on = IngestStack(stack, settings.folder, written)
        on.forget()
        on.client("s3").create_bucket(Bucket=PLAIN_BUCKET)
        yield on


@contextmanager
def _counting(written: Path) -> Iterator[None]:
    """Let the stacks that start in the block append their write units to *written*."""
    os.environ[COUNTING] = str(written)
    try:
        yield
    finally:
        del os.environ[COUNTING]
