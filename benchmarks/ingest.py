"""Ingestion on the local stack, real machine and functions, beside the official SDK against the same emulated Vi.

The objects come from a second S3, which serves a folder in memory. The SDK uploads the files of the same folder. The
real `record_drop` records the drops of the comparison, with direct invocations: the local S3 takes minutes to send
thousands of events, AWS does not. The stack, the functions and the emulator share two cores; the SDK and the emulator
have them alone.
"""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from assetline.ingest.staging import SLICE_ASSETS
from benchmarks.ingest_stack import PLAIN_BUCKET, IngestStack, Photo, ingest_stack, photos, write
from benchmarks.memory_folder import memory_folder
from benchmarks.processor_time import function_times, spent
from benchmarks.second_s3 import check_installed, second_s3
from local.emulators.vi.scenario import LOCAL_KEY, LOCAL_ORGANIZATION
from local.paths import LOCAL

DROPS = 5_000
LOCAL_DROPS = 1_000
STARTING = 4 * SLICE_ASSETS  # images of the session that starts the functions: four slices are uploaded at once
FEW, MANY = 1_000, 10_000
OF_A_SESSION = frozenset({"open_session", "upload_assets", "poll_session", "settle_session"})
RECORDING = frozenset({"record_drop"})

# It prints the processor time of its upload, without that of its start.
_SDK = """
import contextlib, os, sys, time, vi
client = vi.Client(secret_key=sys.argv[2], organization_id=sys.argv[3], endpoint=sys.argv[1])
begun = time.process_time()
with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
    client.assets.upload(dataset_id=sys.argv[4], paths=sys.argv[5], wait_until_done=True)
print(time.process_time() - begun)
"""


def measure() -> dict[str, float]:
    """Return assets a second and processor time over those of the SDK, write units, and the growth of the wall."""
    check_installed()  # before minutes of other work
    recorded, few, many = photos("ds1", DROPS), photos("ds2/few", FEW), photos("ds3/many", MANY)
    start = photos("ds2/start", STARTING)
    with memory_folder() as files, tempfile.TemporaryDirectory() as folder, ingest_stack(Path(folder)) as on:
        write(files / PLAIN_BUCKET, [*start, *recorded, *few, *many])
        (files / on.stack.outputs["ExportBucketName"]).mkdir()
        local_rate = local_s3_rate(on, photos("ds2/local", LOCAL_DROPS))
        with second_s3(files) as url:
            on.use_s3(url)
            wall(on, start, "start")  # the functions start
            figures = complete(on, recorded)
            few_seconds = wall(on, few, "few")
            many_seconds = wall(on, many, "many")
        on.forget()
        sdk_rate, sdk_seconds = sdk(on, files / PLAIN_BUCKET / "ds1")
    rate, seconds = figures.pop("assets_per_second"), figures.pop("session_cpu_seconds")
    return figures | {
        "upload_vs_sdk": round(rate / sdk_rate, 2),
        "upload_vs_sdk_local_s3": round(local_rate / sdk_rate, 2),
        "upload_cpu_vs_sdk": round(seconds / sdk_seconds, 2),
        "ingest_10k_vs_1k": round(many_seconds / few_seconds, 2),
        "assets_per_second": round(rate, 1),
        "assets_per_second_local_s3": round(local_rate, 1),
        "sdk_assets_per_second": round(sdk_rate, 1),
        "session_cpu_ms": round(seconds / DROPS * 1000, 2),
        "sdk_cpu_ms": round(sdk_seconds / DROPS * 1000, 2),
        "ingest_1k_seconds": round(few_seconds, 2),
    }


def complete(on: IngestStack, images: Sequence[Photo]) -> dict[str, float]:
    """Return the figures of the complete ingestion of images, from their recording on."""
    on.forget()
    units, begun = on.write_units(), function_times(on.folder)
    on.record(images)
    recorded = function_times(on.folder)
    on.runs_ended()
    ended, requests = function_times(on.folder), on.requests()
    recording = spent(begun, recorded, RECORDING)
    return {
        "sessions_for_5000": opened(requests),
        "wru_per_drop": round((on.write_units() - units) / len(images), 2),
        "drops_per_minute": round(DROPS / recording * 60),
        "record_cpu_ms": round(recording / DROPS * 1000, 2),
        "assets_per_second": uploaded_per_second(requests, len(images)),
        "session_cpu_seconds": spent(begun, ended, OF_A_SESSION),
    }


def local_s3_rate(on: IngestStack, images: Sequence[Photo]) -> float:
    """Return assets a second from the S3 of the local stack."""
    on.put(images)
    on.start(images, "local")
    on.runs_ended()
    return uploaded_per_second(on.requests(), len(images))


def wall(on: IngestStack, images: Sequence[Photo], name: str) -> float:
    """Return the seconds from opening the first session to settling the last, of the run *name*."""
    on.start(images, name)
    runs = [run for run in on.runs_ended() if run["name"] == name]
    return on.state_seconds(runs, "Open Session", "Settle Session")


def sdk(on: IngestStack, folder: Path) -> tuple[float, float]:
    """Return the images a second that the official SDK uploads, and the processor time of its upload."""
    python = LOCAL / "tools/visdk/bin/python"
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(
            [python, "-c", _SDK, on.vi, LOCAL_KEY, LOCAL_ORGANIZATION, "ds1", str(folder)],
            check=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={"PATH": os.environ["PATH"], "HOME": home, "VI_ENABLE_FILE": "false"},
        )
    return uploaded_per_second(on.requests(), DROPS), float(done.stdout.split()[-1])


def uploaded_per_second(requests: Iterable[dict[str, Any]], count: int) -> float:
    """Return assets a second, from the request that opened the session to the last PUT."""
    listed = [*requests]
    begun = min(sent["at"] for sent in listed if sent["method"] == "POST" and "IngestionSessions" in sent["path"])
    puts = [sent["at"] for sent in listed if sent["method"] == "PUT" and sent["status"] == 200]
    if len(puts) != count:
        raise RuntimeError(f"{len(puts)} uploads of {count}")
    seconds: float = max(puts) - begun
    return count / seconds


def opened(requests: Iterable[dict[str, Any]]) -> int:
    """Return the number of sessions opened."""
    return sum(sent["method"] == "POST" and sent["path"].endswith("IngestionSessions") for sent in requests)


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))  # noqa: T201 - the figures are the output
