"""The demo of the ingestion: images of every format, and some files that are none, dropped into two datasets."""

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


def drop_images(stack: DeployedStack, say: Callable[[str], None]) -> None:
    """Drop two folders and show how it went; raises `LocalStackFailed` unless it went as it has to."""
    with tempfile.TemporaryDirectory() as place:
        photos, more = Path(place) / "photos", Path(place) / "more"
        for path, content in folder():
            _write(photos / path, content)
        for number in range(SECOND):
            _write(more / f"shelf_{number:02}.png", image("png", number))
        say("\nA folder of images in every format, dropped into the dataset ds1, with three files that are not images.")
        # A file that is named is dropped whatever it is; of a folder, what is no image by its name stays behind.
        if _assetline(stack, "drop", str(photos), str(photos / "bad/notes.txt"), "--dataset", DATASETS[0]) != 1:
            raise LocalStackFailed("the bad files of the demo were not rejected")
        say(f"\n{SECOND} more for the dataset ds2.")
        if _assetline(stack, "drop", str(more), "--dataset", DATASETS[1]) != 0:
            raise LocalStackFailed("good images of the demo were rejected")
    say("")
    _assetline(stack, "sessions")
    _show_reports(stack, say)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _assetline(stack: DeployedStack, *arguments: str) -> int:
    command = [str(PYTHON_COMMANDS / "assetline"), *arguments]
    return subprocess.run(command, check=False, env=environment.of_caller() | stack.environment).returncode


def _show_reports(stack: DeployedStack, say: Callable[[str], None]) -> None:
    """Say what the reports say of each dataset."""
    s3, bucket = boto3.client("s3", **stack.connection), stack.outputs["ExportBucketName"]
    for dataset in DATASETS:
        listed = s3.list_objects_v2(Bucket=bucket, Prefix=f"reports/{dataset}/").get("Contents", [])
        keys = [item["Key"] for item in listed if item["Key"].endswith(".json")]
        if not keys:
            raise LocalStackFailed(f"there is no report of the dataset {dataset}")
        for key in keys:
            report = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
            say(f"s3://{bucket}/{key}: {report['succeeded']} of {report['total']} ({report['success_rate']:g} %)")
