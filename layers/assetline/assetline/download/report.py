"""What a download came to: a CSV of every file, and a manifest that sums it up."""

import csv
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from io import TextIOWrapper
from typing import IO, Any, Literal

from pydantic import BaseModel

from assetline.assets.asset_file import Outcome
from assetline.download.request import DOWNLOADS, DownloadRef
from assetline.table.formulas import neutralised

FAILURES_SHOWN = 1000  # ours: the CSV has all of them

COLUMNS = ("asset_id", "filename", "key", "state", "bytes", "crc32c", "reason", "message")


class DownloadResult(BaseModel, frozen=True):
    """The output of an execution; `left` are files that it did not come to."""

    complete: bool
    download_id: str
    dataset_id: str
    bucket: str
    prefix: str
    written: int
    skipped: int
    failed: int
    left: int
    excluded: int
    bytes: int
    manifest_bucket: str
    manifest_key: str
    files_key: str


class DownloadManifest(DownloadResult, frozen=True):
    """`….manifest.json`: the result, how it came about, and the first thousand files that failed.

    `bytes` are those written, `excluded` assets that `where` left out, `nameless` records without an id. `crc32c` in
    the CSV is in eight hexadecimal digits. `error` is what ended the download early.
    """

    manifest_version: Literal[1] = 1
    execution_arn: str
    started_at: datetime
    finished_at: datetime
    seconds: float
    nameless: int
    reasons: dict[str, int]
    failed_files: list[Outcome]
    error: str | None
    input: dict[str, Any]


def manifest_key(download: DownloadRef) -> str:
    """Return the key of the manifest: beside the folders of downloads, in none of them."""
    return f"{DOWNLOADS}{download.download_id}.manifest.json"


def files_key(download: DownloadRef) -> str:
    """Return the key of the CSV of every file."""
    return f"{DOWNLOADS}{download.download_id}.files.csv"


@dataclass
class Tally:
    """What became of files, counted; only the first that failed are kept."""

    counts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    failed_files: list[Outcome] = field(default_factory=list)
    bytes: int = 0

    def add(self, outcome: Outcome) -> None:
        """Count an outcome."""
        self.counts[outcome.state] += 1
        if outcome.state == "written":
            self.bytes += outcome.bytes
        if outcome.state == "failed":
            self.reasons[outcome.reason or ""] += 1
            if len(self.failed_files) < FAILURES_SHOWN:
                self.failed_files.append(outcome)


@contextmanager
def files_csv(outcomes: Iterable[Outcome], prefix: str, tally: Tally) -> Iterator[IO[bytes]]:
    """Give out *outcomes*, counted, as a temporary file of CSV (RFC 4180, UTF-8) that a spreadsheet runs nothing of."""
    with tempfile.TemporaryFile() as file:
        text = TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
        writer = csv.writer(text)
        writer.writerow(COLUMNS)
        for outcome in outcomes:
            tally.add(outcome)
            writer.writerow(neutralised(_row(outcome, prefix))[0])
        text.detach()
        file.seek(0)
        yield file


def _row(outcome: Outcome, prefix: str) -> tuple[str, ...]:
    checksum = "" if outcome.crc32c is None else f"{outcome.crc32c & 0xFFFFFFFF:08x}"
    key = f"{prefix}{outcome.name}" if outcome.name else ""
    size = "" if outcome.state == "failed" else str(outcome.bytes)
    about = (outcome.asset_id, outcome.filename, key, outcome.state, size, checksum)
    return (*about, outcome.reason or "", outcome.message or "")
