"""The demo of the ingestion: drop images of every format, and some other files, into two datasets."""

import json
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import boto3

from local.errors import LocalStackFailed
from local.paths import PYTHON_COMMANDS
from local.sample_images import folder, image
from local.stack import environment
from local.stack.outputs import DeployedStack

DATASETS = ("ds1", "ds2")
BAD = ("bad/text.png", "bad/empty.jpg", "bad/notes.txt")
SECOND = 12  # images of the second dataset


def drop_images(stack: DeployedStack, report: Callable[[str], None]) -> None:
    """Drop two folders and show the results; raises `LocalStackFailed` if they are not the expected ones."""
    with tempfile.TemporaryDirectory() as place:
        photos, more = Path(place) / "photos", Path(place) / "more"
        for path, content in folder():
            _write(photos / path, content)
        for number in range(SECOND):
            _write(more / f"shelf_{number:02}.png", image("png", number))
        report("\nDropping images in every format into the dataset ds1, and three files that are not images.")
        # The command drops every named file; from a folder it skips files whose names are not those of images.
        if _assetline(stack, "drop", str(photos), str(photos / "bad/notes.txt"), "--dataset", DATASETS[0]) != 1:
            raise LocalStackFailed("the bad files of the demo were not rejected")
        report(f"\nDropping {SECOND} more into the dataset ds2.")
        if _assetline(stack, "drop", str(more), "--dataset", DATASETS[1]) != 0:
            raise LocalStackFailed("good images of the demo were rejected")
    report("")
    _assetline(stack, "sessions")
    _show_reports(stack, report)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _assetline(stack: DeployedStack, *arguments: str) -> int:
    command = [str(PYTHON_COMMANDS / "assetline"), *arguments]
    return subprocess.run(command, check=False, env=environment.of_caller() | stack.environment).returncode


def _show_reports(stack: DeployedStack, report: Callable[[str], None]) -> None:
    """Print the figures of the reports of each dataset."""
    s3, bucket = boto3.client("s3", **stack.connection), stack.outputs["ExportBucketName"]
    for dataset in DATASETS:
        listed = s3.list_objects_v2(Bucket=bucket, Prefix=f"reports/{dataset}/").get("Contents", [])
        keys = [item["Key"] for item in listed if item["Key"].endswith(".json")]
        if not keys:
            raise LocalStackFailed(f"dataset {dataset} has no report")
        for key in keys:
            counts = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
            report(f"s3://{bucket}/{key}: {counts['succeeded']} of {counts['total']} ({counts['success_rate']:g} %)")
