"""The demo of a dataset's assets: list, export, download and compare them."""

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from local.errors import LocalStackFailed
from local.paths import PYTHON_COMMANDS
from local.stack import environment
from local.stack.outputs import DeployedStack

DATASET = "ds1"


def show_assets(stack: DeployedStack, out: Path, report: Callable[[str], None]) -> None:
    """List the dataset's assets, download them to a folder and to S3, and compare; raises `LocalStackFailed`."""
    folder = out / f"{DATASET}_{datetime.now(UTC):%Y%m%d_%H%M%S}"  # a new folder: all its files are compared
    bucket = stack.outputs["ExportBucketName"]
    report(f"\nListing the dataset {DATASET}, the largest assets first.")
    _assetline(stack, "list", DATASET, "--sort-by", "metadata.fileSize", "--descending", "--limit", "5")
    report(f"\nExporting its list to a file; downloading its images to {_shown(folder)} and to S3.")
    _assetline(stack, "export", DATASET, "--to", str(out))
    _assetline(stack, "download", DATASET, str(folder))
    _assetline(stack, "download", DATASET, f"s3://{bucket}/downloads/{DATASET}/")
    report("\nComparing both with Vi: names, sizes, checksums.")
    _assetline(stack, "verify", DATASET, str(folder))
    _assetline(stack, "verify", DATASET, f"s3://{bucket}/downloads/{DATASET}/")


def _shown(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _assetline(stack: DeployedStack, *arguments: str) -> None:
    command = [str(PYTHON_COMMANDS / "assetline"), "assets", *arguments]
    if subprocess.run(command, check=False, env=environment.of_caller() | stack.environment).returncode:
        raise LocalStackFailed(f"`assetline assets {arguments[0]}` of the demo failed; see its output above")
