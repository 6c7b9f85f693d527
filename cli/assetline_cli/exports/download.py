"""Download the files of an export to a folder."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

from assetline.redaction import without_secrets
from assetline_cli.aws_errors import explain
from assetline_cli.errors import CommandFailed
from assetline_cli.filesystem import part_of, remove_abandoned
from assetline_cli.terminal.progress_bar import byte_progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mypy_boto3_s3 import S3Client
    from rich.console import Console

    from assetline_cli.executions import ExportOutput

LARGE_BYTES = 8 * 1024**2  # ours: smaller downloads end before a bar can be read


def download(s3: S3Client, result: ExportOutput, folder: Path, console: Console) -> list[Path]:
    """Download the file, its manifest and its changes, if any, into *folder*, and return the paths.

    A file gets its name only after it is complete. Files left by killed runs are removed.

    Raises:
        CommandFailed: a file could not be downloaded; S3 is unchanged.
    """
    arrived = []
    with suppress(OSError):
        remove_abandoned([folder])
    sizes = {result.key: result.bytes, result.manifest_key: 0}
    if result.changes_key:
        sizes[result.changes_key] = 0  # unknown
    for key, size in sizes.items():
        path = folder / PurePosixPath(key).name
        try:
            bar = _bar(console, path.name, size)
            with bar as advance, part_of(path) as part, os.fdopen(part, "wb", closefd=False) as file:
                s3.download_fileobj(result.bucket, key, file, Callback=advance)
        except (BotoCoreError, ClientError) as error:
            raise _failed(result.bucket, key, folder, explain(error)) from error
        except (Boto3Error, OSError) as error:
            raise _failed(result.bucket, key, folder, f"{without_secrets(str(error))}.") from error
        arrived.append(path)
    return arrived


@contextmanager
def _bar(console: Console, name: str, size: int) -> Iterator[Callable[[int], None]]:
    with byte_progress(console, f"Downloading {name}", enabled=size >= LARGE_BYTES) as progress:
        task = progress.add_task(name, total=size)
        yield lambda arrived: progress.advance(task, arrived)


def _failed(bucket: str, key: str, folder: Path, reason: str) -> CommandFailed:
    return CommandFailed(
        f"The export is complete, and its file could not be downloaded. {reason} Fix that, then run: "
        f"aws s3 cp s3://{bucket}/{key} {folder}/"
    )
