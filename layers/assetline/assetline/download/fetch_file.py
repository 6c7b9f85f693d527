"""Downloads one file by its signed URL, and gives it its final name after verification."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from assetline.assets.asset_file import AssetFile, FileOutcome, failed, outcome
from assetline.errors import (
    AssetUnknown,
    AwsUnavailable,
    RateLimited,
    Retryable,
    SignedUrlRefused,
    ViRefused,
    ViUnavailable,
    ViUnreachable,
)
from assetline.vi.assets import Assets
from assetline.vi.crc32c import Crc32c
from assetline.vi.file_download import Downloader
from assetline.vi.signed_url import SignedUrl, SignedUrlExpired

RENEWALS = 2  # ours: how often a fresh URL is requested
TRIES = 3
LONGEST_PAUSE = 30.0  # ours: seconds; the longest pause on Vi's request
EXPIRES_SOON = 5.0  # ours: seconds before a URL expires in which no transfer begins


class Mismatch(Exception):  # noqa: N818
    """The bytes that arrived are not the file; `reason` is a code, the message describes it."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Stopped(Exception):  # noqa: N818
    """The time for a file is used up, or the file is no longer needed; no part of it is left."""


class NotBegun(Stopped):
    """The time did not suffice to begin a file."""


class NotKept(Exception):  # noqa: N818
    """The target refuses this file, and may accept others; `reason` is a code, the message describes it."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class VerifiedBody:
    """The bytes of *file* as they arrive; a complete read verifies the file, or raises `Mismatch`."""

    def __init__(self, pieces: Iterator[bytes], file: AssetFile, stopped: Callable[[], bool]) -> None:
        self._pieces = pieces
        self._file = file
        self._stopped = stopped
        self._checksum = Crc32c()
        self.size = 0

    @property
    def crc32c(self) -> int:
        """The signed checksum of the bytes so far."""
        return self._checksum.signed

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            if self._stopped():
                raise Stopped
            self.size += len(piece)
            if self._file.size is not None and self.size > self._file.size:
                raise Mismatch("WrongSize", f"More bytes arrived than the {self._file.size:,} in the asset's record.")
            self._checksum.update(piece)
            yield piece
        if self._file.size is not None and self.size != self._file.size:
            raise Mismatch(
                "WrongSize", f"{self.size:,} bytes arrived instead of the {self._file.size:,} in the asset's record."
            )
        if self._file.crc32c and self.crc32c not in self._file.crc32c:
            raise Mismatch("WrongChecksum", "The CRC32C of the bytes differs from that of the asset's record.")


class DownloadTarget(Protocol):
    """The target of downloaded files. It is thread-safe."""

    def room(self, file: AssetFile) -> AbstractContextManager[object]:
        """Return a context manager that waits until the target has room for the file."""

    def held(self, file: AssetFile) -> int | None:
        """Return the signed CRC32C of an existing file with equal size and CRC32C, else None."""

    def put(self, file: AssetFile, arriving: VerifiedBody) -> None:
        """Store a file under its name after *arriving* has been read completely, and no part of it earlier.

        Raises:
            NotKept: the target refuses this file; it may accept others.
        """


@dataclass
class Fetch:
    """Downloads files of a dataset to a target. It is thread-safe."""

    assets: Assets
    downloader: Downloader
    place: DownloadTarget
    overwrite: bool = False
    stopped: Callable[[], bool] = lambda: False
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.time

    def download(self, file: AssetFile) -> FileOutcome:
        """Return the outcome of a file, also if the file fails.

        Raises:
            NotBegun, Stopped: the time did not suffice.
            KeyMissing, KeyRefused, KeyForbidden: Vi refuses the key.
            And errors of the target that concern every file.
        """
        if self.stopped():
            raise NotBegun
        try:
            held = None if self.overwrite else self.place.held(file)
            return self._transfer(file) if held is None else outcome(file, "skipped", file.size or 0, held)
        except (Mismatch, NotKept) as failure:
            return failed(file, failure.reason, str(failure))
        except AssetUnknown:
            return failed(file, "AssetUnknown", "The asset is no longer in the dataset.")
        except SignedUrlExpired:
            return failed(file, "DownloadExpired", "The file's server refused the file, also at a fresh address.")
        except SignedUrlRefused as failure:
            return failed(file, "SignedUrlRefused", str(failure))
        except AwsUnavailable:
            raise  # every file needs S3: the slice ends, and its repeat downloads the rest
        except (ViRefused, Retryable) as failure:
            tried = f" This was the last of {TRIES} attempts." if isinstance(failure, Retryable) else ""
            return failed(file, "DownloadFailed", f"{failure}{tried}")

    def _transfer(self, file: AssetFile) -> FileOutcome:
        contents, renewals, tries = file.contents, 0, 0
        while True:
            self._go_on()
            try:
                # The server decides whether a fresh URL has expired: this clock may be wrong.
                if contents is None or (not renewals and contents.expires_by(self.clock() + EXPIRES_SOON)):
                    file, contents = self._renewed(file)
                    renewals += 1
                return self._put(file, contents)
            except SignedUrlExpired:
                if renewals >= RENEWALS:
                    raise
                contents = None
            except (ViUnavailable, ViUnreachable, RateLimited, Mismatch) as fault:
                tries += 1
                if tries >= TRIES:
                    raise
                if isinstance(fault, Mismatch) and renewals < RENEWALS:
                    contents = None  # the file may have been replaced since it was listed: read its record again
                self._pause(tries, fault)

    def _put(self, file: AssetFile, contents: SignedUrl) -> FileOutcome:
        with self.place.room(file), self.downloader.opened(contents.url, contents.headers) as pieces:
            arriving = VerifiedBody(pieces, file, self.stopped)
            self.place.put(file, arriving)
        return outcome(file, "written", arriving.size, arriving.crc32c)

    def _renewed(self, file: AssetFile) -> tuple[AssetFile, SignedUrl]:
        record = self.assets.get(file.asset_id, contents=True)
        fresh = AssetFile.of(record | {"assetId": file.asset_id, "filename": file.filename}, file.name)
        if fresh.contents is None:
            raise NotKept("NoContents", "The asset's record has no address of its file.")
        return fresh, fresh.contents

    def _go_on(self) -> None:
        if self.stopped():
            raise Stopped

    def _pause(self, tries: int, fault: Exception) -> None:
        requested = fault.pause_seconds if isinstance(fault, Retryable) else None
        self.sleep(min(requested or random.uniform(0, 2.0 ** (tries - 1)), LONGEST_PAUSE))  # noqa: S311 - jitter is no secret
