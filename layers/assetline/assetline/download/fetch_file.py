"""One file out of Vi: fetched by its signed URL, proven, and only then what it is to be called."""

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

RENEWALS = 2  # ours: how often a fresh URL is asked for
TRIES = 3
LONGEST_PAUSE = 30.0  # ours: seconds, of what Vi asks for
EXPIRES_SOON = 5.0  # ours: seconds before the end of a URL's time that it is not begun with any more


class Mismatch(Exception):  # noqa: N818
    """The bytes that arrived are not the file: `reason` is a code, the message explains it."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Stopped(Exception):  # noqa: N818
    """There is no time left for a file, or it is no longer wanted; nothing of it is left."""


class NotBegun(Stopped):
    """There was no time to begin with a file."""


class NotKept(Exception):  # noqa: N818
    """The place does not take this file, and may take others: `reason` is a code, the message says it in words."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class VerifiedBody:
    """The bytes of *file* as they come; read to its end, it is the very file, or raises `Mismatch`."""

    def __init__(self, pieces: Iterator[bytes], file: AssetFile, stopped: Callable[[], bool]) -> None:
        self._pieces = pieces
        self._file = file
        self._stopped = stopped
        self._checksum = Crc32c()
        self.size = 0

    @property
    def crc32c(self) -> int:
        """The signed checksum of what has come."""
        return self._checksum.signed

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            if self._stopped():
                raise Stopped
            self.size += len(piece)
            if self._file.size is not None and self.size > self._file.size:
                raise Mismatch("WrongSize", f"More bytes came than the {self._file.size:,} that Vi says it has.")
            self._checksum.update(piece)
            yield piece
        if self._file.size is not None and self.size != self._file.size:
            raise Mismatch("WrongSize", f"{self.size:,} bytes came of the {self._file.size:,} that Vi says it has.")
        if self._file.crc32c and self.crc32c not in self._file.crc32c:
            raise Mismatch("WrongChecksum", "The bytes that came have not the CRC32C that Vi says it has.")


class DownloadTarget(Protocol):
    """The target of downloaded files; threads share one."""

    def room(self, file: AssetFile) -> AbstractContextManager[object]:
        """Return what is entered before a file is asked for, and waits until there is room for it."""

    def held(self, file: AssetFile) -> int | None:
        """Return the signed CRC32C of the file that is there, if it is of equal size and CRC32C; else None."""

    def put(self, file: AssetFile, arriving: VerifiedBody) -> None:
        """Keep a file under its name once *arriving* has been read to its end, and nothing of it before.

        Raises:
            NotKept: it cannot be kept; others may be.
        """


@dataclass
class Fetch:
    """Brings files of a dataset to a place; threads share one."""

    assets: Assets
    downloader: Downloader
    place: DownloadTarget
    overwrite: bool = False
    stopped: Callable[[], bool] = lambda: False
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.time

    def bring(self, file: AssetFile) -> FileOutcome:
        """Return what became of a file, whatever it is that failed about it.

        Raises:
            NotBegun, Stopped: there was no time for it, or not enough.
            KeyMissing, KeyRefused, KeyForbidden: Vi does not take the key.
            And what the place raises for what concerns every file.
        """
        if self.stopped():
            raise NotBegun
        try:
            held = None if self.overwrite else self.place.held(file)
            return self._bring(file) if held is None else outcome(file, "skipped", file.size or 0, held)
        except (Mismatch, NotKept) as failure:
            return failed(file, failure.reason, str(failure))
        except AssetUnknown:
            return failed(file, "AssetUnknown", "It is no longer in the dataset.")
        except SignedUrlExpired:
            return failed(file, "DownloadExpired", "Vi did not give it out, with a fresh address either.")
        except SignedUrlRefused as failure:
            return failed(file, "SignedUrlRefused", str(failure))
        except AwsUnavailable:
            raise  # every file needs S3: the slice ends, and its repeat fetches the rest
        except (ViRefused, Retryable) as failure:
            tried = f" That was the last of {TRIES} tries." if isinstance(failure, Retryable) else ""
            return failed(file, "DownloadFailed", f"{failure}{tried}")

    def _bring(self, file: AssetFile) -> FileOutcome:
        contents, renewals, tries = file.contents, 0, 0
        while True:
            self._go_on()
            try:
                # Of a fresh one it is Vi who says that it is over: this clock may be wrong.
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
                    contents = None  # it may have been replaced since it was listed: its record tells
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
            raise NotKept("NoContents", "Vi gives no address for its file.")
        return fresh, fresh.contents

    def _go_on(self) -> None:
        if self.stopped():
            raise Stopped

    def _pause(self, tries: int, fault: Exception) -> None:
        asked = fault.pause_seconds if isinstance(fault, Retryable) else None
        self.sleep(min(asked or random.uniform(0, 2.0 ** (tries - 1)), LONGEST_PAUSE))  # noqa: S311 - jitter is no secret
