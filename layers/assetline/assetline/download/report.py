"""The report of a download: a CSV of every file, and a manifest with the totals."""

import csv
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from io import BufferedReader, RawIOBase
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel

from assetline.assets.asset_file import FileOutcome
from assetline.download.request import DOWNLOADS, DownloadRef
from assetline.table.formulas import neutralised

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

FAILURES_SHOWN = 1000  # ours: the CSV has all failures
BUFFER_BYTES = 65_536  # ours

COLUMNS = ("asset_id", "filename", "key", "state", "bytes", "crc32c", "reason", "message")


class DownloadResult(BaseModel, frozen=True):
    """The output of an execution; `left` counts files that were not attempted."""

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
    """`….manifest.json`: the result, the input, and the first thousand files that failed.

    `bytes` counts the bytes written, `excluded` the assets that `where` left out, `nameless` the records without an id.
    `crc32c` in the CSV has eight hexadecimal digits. `error` is the error that ended the download early.
    """

    manifest_version: Literal[1] = 1
    execution_arn: str
    started_at: datetime
    finished_at: datetime
    seconds: float
    nameless: int
    reasons: dict[str, int]
    failed_files: list[FileOutcome]
    error: str | None
    input: dict[str, Any]


def manifest_key(download: DownloadRef) -> str:
    """Return the key of the manifest: next to the folders of downloads, in none of them."""
    return f"{DOWNLOADS}{download.download_id}.manifest.json"


def files_key(download: DownloadRef) -> str:
    """Return the key of the CSV of every file."""
    return f"{DOWNLOADS}{download.download_id}.files.csv"


@dataclass
class DownloadCounts:
    """Counts the outcomes of files, and keeps the first failures."""

    counts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    failed_files: list[FileOutcome] = field(default_factory=list)
    bytes: int = 0

    def add(self, outcome: FileOutcome) -> None:
        """Count an outcome."""
        self.counts[outcome.state] += 1
        if outcome.state == "written":
            self.bytes += outcome.bytes
        if outcome.state == "failed":
            self.reasons[outcome.reason or ""] += 1
            if len(self.failed_files) < FAILURES_SHOWN:
                self.failed_files.append(outcome)


def files_csv(outcomes: Iterable[FileOutcome], prefix: str, tally: DownloadCounts) -> BufferedReader:
    """Return *outcomes* as CSV (RFC 4180, UTF-8) with neutralised formulas; reading it counts them in *tally*.

    The file cannot be rewound: a line is rendered when it is read, so that only a few are in memory.
    """
    return BufferedReader(_Rendered(_lines(outcomes, prefix, tally)), BUFFER_BYTES)


class _Rendered(RawIOBase):
    """Text as a binary file."""

    def __init__(self, texts: Iterator[str]) -> None:
        super().__init__()
        self._texts = texts
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        """Return true."""
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Fill *buffer*, and return the number of bytes; 0 at the end."""
        target = memoryview(buffer)
        while not self._rest:
            text = next(self._texts, None)
            if text is None:
                return 0
            self._rest = memoryview(text.encode())
        size = min(len(target), len(self._rest))
        target[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size


def _lines(outcomes: Iterable[FileOutcome], prefix: str, tally: DownloadCounts) -> Iterator[str]:
    lines = deque[str]()
    writer = csv.writer(SimpleNamespace(write=lines.append))
    writer.writerow(COLUMNS)
    yield lines.popleft()
    for outcome in outcomes:
        tally.add(outcome)
        writer.writerow(neutralised(_row(outcome, prefix))[0])
        yield lines.popleft()


def _row(outcome: FileOutcome, prefix: str) -> tuple[str, ...]:
    checksum = "" if outcome.crc32c is None else f"{outcome.crc32c & 0xFFFFFFFF:08x}"
    key = f"{prefix}{outcome.name}" if outcome.name else ""
    size = "" if outcome.state == "failed" else str(outcome.bytes)
    about = (outcome.asset_id, outcome.filename, key, outcome.state, size, checksum)
    return (*about, outcome.reason or "", outcome.message or "")
