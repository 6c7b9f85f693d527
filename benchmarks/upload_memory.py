"""Peak memory of `upload_assets` that streams 64 files of 64 MiB from a second S3 to the emulated Vi, one process.

The files are one object with 64 drops; the bytes streamed are the same.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from hashlib import md5
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3

from assetline.ingest.drop import Drop
from benchmarks.ingest_stack import PLAIN_BUCKET, IngestStack, ingest_stack
from benchmarks.memory_folder import memory_folder
from benchmarks.second_s3 import second_s3
from local.paths import ROOT

FILES, FILE_BYTES = 64, 64 * 1024**2


def measure() -> dict[str, float]:
    """Return the peak of the complete process, in MiB."""
    with (
        memory_folder() as files,
        second_s3(files) as url,
        tempfile.TemporaryDirectory() as folder,
        ingest_stack(Path(folder)) as on,
    ):
        slices = _opened(on, files, url)
        program = [sys.executable, "-m", "benchmarks.upload_memory", json.dumps(slices)]
        done = subprocess.run(program, check=True, capture_output=True, text=True, cwd=ROOT, env=_environment(on))
    return {"upload_rss_mib": round(float(done.stdout.split()[-1]), 1)}


def _opened(on: IngestStack, files: Path, url: str) -> list[dict[str, str]]:
    """Open a session for the files, by the real function, and return the addresses of its slices."""
    key, content = "large.png", bytes(FILE_BYTES)
    for bucket in (PLAIN_BUCKET, on.stack.outputs["ExportBucketName"]):
        (files / bucket).mkdir()
    (files / PLAIN_BUCKET / key).write_bytes(content)
    on.use_s3(url)
    gathered = datetime.now(UTC) - timedelta(hours=1)  # so a session opens at the first look
    table = boto3.resource("dynamodb", **on.stack.connection).Table(on.stack.outputs["DropsTableName"])
    for number in range(FILES):
        drop = Drop(
            drop_id=f"{number:032x}",
            bucket=PLAIN_BUCKET,
            key=key,
            etag=md5(content, usedforsecurity=False).hexdigest(),
            size=FILE_BYTES,
            dataset_id="ds1",
            asset_filename=f"large_{number}.png",
            mime="image/png",
            kind="Image",
            state="dropped",
            dropped_at=gathered,
            updated_at=gathered,
        )
        table.put_item(Item=drop.to_item())
    event = {"dataset_id": "ds1", "execution_arn": "arn:benchmark", "execution_name": "benchmark", "round": 1}
    answer = on.client("lambda").invoke(FunctionName=on.function("OpenSession"), Payload=json.dumps(event))
    slices: list[dict[str, str]] = json.loads(answer["Payload"].read())["slices"]
    return slices


def _environment(on: IngestStack) -> dict[str, str]:
    """Return the function's environment, as Lambda sets it."""
    functions = on.client("lambda").list_functions()["Functions"]
    [variables] = [item["Environment"]["Variables"] for item in functions if "UploadAssets" in item["FunctionName"]]
    return {**os.environ, **variables, **on.stack.environment}


def _run(slices: list[dict[str, str]]) -> None:
    """Run the function for each slice, and print the peak."""
    from functions.upload_assets import app  # noqa: PLC0415 - it reads the environment of this process

    context: Any = SimpleNamespace(
        function_name="upload_assets",
        memory_limit_in_mb=1769,
        invoked_function_arn="arn",
        aws_request_id="request",
        get_remaining_time_in_millis=lambda: 900_000,
    )
    uploaded = sum(app.lambda_handler(address, context)["uploaded"] for address in slices)
    if uploaded != FILES:
        raise RuntimeError(f"{uploaded} of {FILES} files were uploaded")
    high_water = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    print(int(high_water[1]) / 1024 if high_water else 0)  # noqa: T201 - for the parent process


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _run(json.loads(sys.argv[1]))
    else:
        print(json.dumps(measure(), indent=2))  # noqa: T201 - the figure is the output
