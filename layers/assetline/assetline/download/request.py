"""The input of a download: the selection and the target."""

import re
from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, Field, model_validator

from assetline.assets.selection import Selection
from assetline.errors import InvalidInput
from assetline.execution_input import parse, without_parent, work_id

DOWNLOADS = "downloads/"  # in the export bucket: the only prefix that a download may write to
LONGEST_PREFIX = 512  # ours, in bytes: with the longest name, the key is within the limit of S3
_UNSAFE = re.compile(r"[\x00-\x1f\x7f]|(^|/)\.{1,2}(/|$)|//|^/")


class DownloadRequest(Selection):
    """A download of a selection; all keys but `dataset_id` are optional.

    The files are stored under `prefix` of `bucket`; the default is `downloads/<dataset_id>/` of the export bucket. An
    object with equal size and CRC32C is skipped unless `overwrite` is true. With `by_date`, each file is in a folder of
    its upload day (UTC).
    """

    bucket: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")
    prefix: str | None = None
    overwrite: bool = False
    by_date: bool = False

    @model_validator(mode="after")
    def _prefix_is_a_folder(self) -> Self:
        prefix = self.prefix or ""
        if _UNSAFE.search(prefix) or len(prefix.encode(errors="replace")) > LONGEST_PREFIX:
            raise ValueError("`prefix` must be folders, such as photos/2026/, without empty ones, `.` and `..`")
        return self

    def place(self, export_bucket: str) -> tuple[str, str]:
        """Return the bucket and the prefix of the files; the prefix ends with a slash unless it is empty."""
        default = f"{DOWNLOADS}{self.dataset_id}/"
        prefix = default if self.prefix is None else self.prefix
        return self.bucket or export_bucket, prefix if prefix.endswith("/") or not prefix else f"{prefix}/"


class DownloadRef(BaseModel, frozen=True):
    """The state of a download in the machine; its documents are in `bucket`, below `staging/download/`."""

    download_id: str
    dataset_id: str
    bucket: str
    started_at: datetime


def download_requested(raw: Any, export_bucket: str) -> DownloadRequest:
    """Read the input of an execution; raises `InvalidInput`, which names the wrong keys."""
    request = parse(DownloadRequest, without_parent(raw))
    bucket, prefix = request.place(export_bucket)
    if bucket == export_bucket and not (prefix.startswith(DOWNLOADS) and prefix != DOWNLOADS):
        # Exports, reports and staged objects are in that bucket as well.
        raise InvalidInput(
            f"The execution's input is not valid: in the export bucket, `prefix` must be a folder below {DOWNLOADS}."
        )
    return request


def download_ref(request: DownloadRequest, execution_arn: str, started_at: datetime, bucket: str) -> DownloadRef:
    """Return the reference of an execution's download; a repeat returns the same."""
    return DownloadRef(
        download_id=work_id(request.dataset_id, execution_arn, started_at),
        dataset_id=request.dataset_id,
        bucket=bucket,
        started_at=started_at,
    )
