"""The input of a download: which assets, and where to."""

import re
from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, Field, model_validator

from assetline.assets.selection import Selection
from assetline.errors import InvalidInput
from assetline.execution_input import parse, without_parent, work_id

DOWNLOADS = "downloads/"  # of the export bucket: what may be written by a download
LONGEST_PREFIX = 512  # ours, in bytes: with the longest name, a key that S3 takes
_UNSAFE = re.compile(r"[\x00-\x1f\x7f]|(^|/)\.{1,2}(/|$)|//|^/")


class DownloadRequest(Selection):
    """A download of a selection; all but `dataset_id` may be left out.

    The files go under `prefix` of `bucket`: `downloads/<dataset_id>/` of the export bucket. What is there with equal
    size and CRC32C is skipped unless `overwrite`; `by_date` puts each into a folder of the day it was uploaded (UTC).
    """

    bucket: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")
    prefix: str | None = None
    overwrite: bool = False
    by_date: bool = False

    @model_validator(mode="after")
    def _prefix_is_a_folder(self) -> Self:
        prefix = self.prefix or ""
        if _UNSAFE.search(prefix) or len(prefix.encode(errors="replace")) > LONGEST_PREFIX:
            raise ValueError("`prefix` is folders, such as photos/2026/, without empty ones, `.` and `..`")
        return self

    def place(self, export_bucket: str) -> tuple[str, str]:
        """Return bucket and prefix the files go to; the prefix ends with a slash unless it is empty."""
        default = f"{DOWNLOADS}{self.dataset_id}/"
        prefix = default if self.prefix is None else self.prefix
        return self.bucket or export_bucket, prefix if prefix.endswith("/") or not prefix else f"{prefix}/"


class DownloadRef(BaseModel, frozen=True):
    """The state that the machine carries for a download; its documents are in `bucket`, below `staging/download/`."""

    download_id: str
    dataset_id: str
    bucket: str
    started_at: datetime


def download_requested(raw: Any, export_bucket: str) -> DownloadRequest:
    """Read the input of an execution; raises `InvalidInput`, naming what is wrong."""
    request = parse(DownloadRequest, without_parent(raw))
    bucket, prefix = request.place(export_bucket)
    if bucket == export_bucket and not (prefix.startswith(DOWNLOADS) and prefix != DOWNLOADS):
        # Exports, reports and what waits between turns are in that bucket as well.
        raise InvalidInput(
            f"The execution's input cannot be used: in the export bucket, `prefix` is a folder below {DOWNLOADS}."
        )
    return request


def download_ref(request: DownloadRequest, execution_arn: str, started_at: datetime, bucket: str) -> DownloadRef:
    """Return how the download of an execution is called; a repeat is called the same."""
    return DownloadRef(
        download_id=work_id(request.dataset_id, execution_arn, started_at),
        dataset_id=request.dataset_id,
        bucket=bucket,
        started_at=started_at,
    )
