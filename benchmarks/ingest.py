"""Ingestion on the local stack, real machine and functions, beside the official SDK against the same emulated Vi.

The local S3, its tables, Step Functions, the functions and the emulator share two cores; the SDK has its files on disk
and the emulator to itself. The real `record_drop` records the drops, with direct invocations: the local
S3 takes minutes to send thousands of events, AWS does not.
"""

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import httpx

from local.emulators.vi.scenario import LOCAL_KEY, LOCAL_ORGANIZATION, ViScenario
from local.paths import LOCAL
from local.sample_images import image
from local.stack.lifecycle import running_stack
from local.stack.ministack import free_port
from local.stack.outputs import DeployedStack
from local.stack.settings import StackSettings

DROPS = 5_000
FEW, MANY = 1_000, 10_000
EVENTS_AT_ONCE = 250
GATHER_SECONDS = 45  # as long as the local functions take to record five thousand drops
PLAIN_BUCKET = "benchmark-photos"
NO_RATION = ViScenario(sessions_per_window=None)

_SDK = """
import sys, vi
client = vi.Client(secret_key=sys.argv[2], organization_id=sys.argv[3], endpoint=sys.argv[1])
client.assets.upload(dataset_id=sys.argv[4], paths=sys.argv[5], wait_until_done=True)
"""


@dataclass(frozen=True)
class Bench:
    """A stack whose Vi has no session quota."""

    stack: DeployedStack

    @property
    def vi(self) -> str:
        """The address of the emulated Vi."""
        return self.stack.emulators["vi"]

    def client(self, service: Any) -> Any:
        """Return a client of one of the stack's services."""
        return boto3.client(service, **self.stack.connection)

    def put(self, dataset: str, count: int) -> list[dict[str, Any]]:
        """Put images into a bucket without events, and return the events that the drop bucket would have sent."""
        s3 = self.client("s3")

        def put(number: int) -> dict[str, Any]:
            key, body = f"{dataset}/image_{number:05}.png", image("png", number)
            etag = s3.put_object(Bucket=PLAIN_BUCKET, Key=key, Body=body)["ETag"]
            about = {"key": key, "size": len(body), "etag": etag.strip('"'), "sequencer": f"{number:016X}"}
            return {"detail": {"bucket": {"name": PLAIN_BUCKET}, "object": about}}

        with ThreadPoolExecutor(8) as threads:
            return [*threads.map(put, range(count))]

    def record(self, events: list[dict[str, Any]]) -> None:
        """Record the drops with the real function."""
        functions = self.client("lambda").list_functions()["Functions"]
        [name] = [item["FunctionName"] for item in functions if "RecordDrop" in item["FunctionName"]]
        batches = [events[start : start + EVENTS_AT_ONCE] for start in range(0, len(events), EVENTS_AT_ONCE)]

        def invoke(batch: list[dict[str, Any]]) -> None:
            records = [{"messageId": str(place), "body": json.dumps(event)} for place, event in enumerate(batch)]
            answer = self.client("lambda").invoke(FunctionName=name, Payload=json.dumps({"Records": records}))
            failures = json.loads(answer["Payload"].read())
            if failures != {"batchItemFailures": []}:
                raise RuntimeError(f"drops were not recorded: {str(failures)[:200]}")

        with ThreadPoolExecutor(2) as threads:
            for _ in threads.map(invoke, batches):
                pass

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


def measure() -> dict[str, float]:
    """Return assets a second over those of the SDK, the sessions of 5,000 drops, and the growth of the wall."""
    with tempfile.TemporaryDirectory() as folder, bench(Path(folder)) as on:
        events = on.put("ds1", DROPS)
        on.record(events)
        on.runs_ended()
        rate, sessions = uploaded_per_second(on.requests(), DROPS), opened(on.requests())
        on.forget()
        sdk_rate = sdk_per_second(on, Path(folder))
        walls = {count: wall(on, dataset, count) for dataset, count in (("ds2", FEW), ("ds3", MANY))}
    return {
        "upload_vs_sdk": round(rate / sdk_rate, 2),
        "sessions_for_5000": sessions,
        "ingest_10k_vs_1k": round(walls[MANY] / walls[FEW], 2),
        "assets_per_second": round(rate, 1),
        "sdk_assets_per_second": round(sdk_rate, 1),
        "ingest_1k_seconds": round(walls[FEW], 2),
    }


@contextmanager
def bench(folder: Path) -> Iterator[Bench]:
    """Run a stack whose Vi has no session quota."""
    parameters = {
        "GatherSeconds": str(GATHER_SECONDS),
        "SessionsPerWindow": "1000",
        "SessionWindowSeconds": "1",
        "BackfillBucketName": PLAIN_BUCKET,
    }
    with running_stack(StackSettings(free_port(), folder / "stack", parameters=parameters)) as stack:
        on = Bench(stack)
        on.forget()
        on.client("s3").create_bucket(Bucket=PLAIN_BUCKET)
        yield on


def wall(on: Bench, dataset: str, count: int) -> float:
    """Return the seconds from opening the first session to settling the last, of *count* drops."""
    on.record(on.put(dataset, count))
    runs = [run for run in on.runs_ended() if run["name"].startswith(f"{dataset}-")]
    return on.state_seconds(runs, "Open Session", "Settle Session")


def sdk_per_second(on: Bench, folder: Path) -> float:
    """Return the images per second that the official SDK uploads."""
    photos = folder / "photos"
    photos.mkdir()
    for number in range(DROPS):
        (photos / f"image_{number:05}.png").write_bytes(image("png", number))
    subprocess.run(
        [LOCAL / "tools/visdk/bin/python", "-c", _SDK, on.vi, LOCAL_KEY, LOCAL_ORGANIZATION, "ds1", str(photos)],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "VI_ENABLE_FILE": "false"},
    )
    return uploaded_per_second(on.requests(), DROPS)


def uploaded_per_second(requests: list[dict[str, Any]], count: int) -> float:
    """Return assets a second, from the request that opened the session to the last PUT."""
    begun = min(sent["at"] for sent in requests if sent["method"] == "POST" and "IngestionSessions" in sent["path"])
    puts = [sent["at"] for sent in requests if sent["method"] == "PUT" and sent["status"] == 200]
    if len(puts) != count:
        raise RuntimeError(f"{len(puts)} uploads of {count}")
    seconds: float = max(puts) - begun
    return count / seconds


def opened(requests: list[dict[str, Any]]) -> int:
    """Return the number of sessions opened."""
    return sum(sent["method"] == "POST" and sent["path"].endswith("IngestionSessions") for sent in requests)


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))  # noqa: T201 - the figures are the output
