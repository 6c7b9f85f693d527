"""Download many files at once, while the next ones are listed."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Event
from typing import TYPE_CHECKING

from assetline.assets.asset_file import AssetFile, FileOutcome, id_of, named, unknown
from assetline.assets.file_names import Names
from assetline.download.fetch_file import Fetch, Stopped
from assetline_cli.assets.renamed_files import RenamedFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from assetline.assets.listing import Listing
    from assetline_cli.clock import Clock

AT_ONCE = 32  # ours: for small files the round trip takes longer than the bytes
AHEAD = 500  # ours: listed files that wait for a thread; so few that their URLs do not expire
TICK_SECONDS = 0.5

type Listed = SimpleQueue[AssetFile | None]
type Ended = tuple[AssetFile, FileOutcome] | BaseException
type Done = SimpleQueue[Ended]


@dataclass
class DownloadProgress:
    """The progress of a download; `files` and `bytes_total` grow until everything is `listed`.

    `nameless` are records without an ID. `beside` are files whose name another file had; that file is unchanged.
    `renamed` are all files whose names differ from those of their assets.
    """

    began_at: datetime
    files: int = 0
    bytes_total: int = 0
    bytes_done: int = 0
    excluded: int = 0
    nameless: int = 0
    listed: bool = False
    ended: bool = False
    counts: Counter[str] = field(default_factory=Counter)
    bytes_written: int = 0
    failed: list[FileOutcome] = field(default_factory=list)
    beside: list[FileOutcome] = field(default_factory=list)
    renamed: list[RenamedFile] = field(default_factory=list)

    def add(self, outcome: FileOutcome, size: int) -> None:
        """Count the outcome of a file of *size* bytes."""
        self.counts[outcome.state] += 1
        self.bytes_done += size
        if outcome.state == "written":
            self.bytes_written += outcome.bytes
        if outcome.state == "failed":
            self.failed.append(outcome)
        elif outcome.name.rpartition("/")[2] != outcome.filename:
            self.renamed.append(RenamedFile(outcome.name, outcome.filename, outcome.asset_id))


class FileDownloader:
    """Downloads the assets of a listing; *fetch* makes the downloader of one file, given a function that stops it."""

    def __init__(self, listing: Listing, fetch: Callable[[Callable[[], bool]], Fetch], clock: Clock) -> None:
        self._listing = listing
        self._stop = Event()
        self._fetch = fetch(self._stop.is_set)
        self._progress = DownloadProgress(clock.now())

    @property
    def renamed(self) -> list[RenamedFile]:
        """The downloaded files whose names differ from those of their assets."""
        return self._progress.renamed

    def download(self, report: Callable[[DownloadProgress], object], *, by_date: bool) -> DownloadProgress:
        """Download all files, call *report* with the progress, and return the last progress.

        Ctrl+C and errors that concern every file end it; unfinished files leave nothing behind.
        """
        listed: Listed = SimpleQueue()
        done: Done = SimpleQueue()
        pending = workers = 0
        files = self._files(by_date=by_date)
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="download") as threads:
            try:
                while True:
                    while pending < AHEAD and (file := next(files, None)) is not None:
                        listed.put(file)
                        pending += 1
                        if workers < min(pending, AT_ONCE):
                            threads.submit(self._download, listed, done)
                            workers += 1
                    if not pending:
                        break
                    pending -= self._settle(done)
                    report(self._progress)
            except BaseException:
                self._stop.set()  # files that are not begun end at once; the context waits for the others
                raise
            finally:
                for _ in range(AT_ONCE):  # also for a thread whose start was interrupted
                    listed.put(None)
        self._progress.ended = True
        report(self._progress)
        return self._progress

    def _download(self, listed: Listed, done: Done) -> None:
        """Download files until there is None, and put the outcome of each into *done*, or the error."""
        while (file := listed.get()) is not None:
            try:
                done.put((file, self._fetch.download(file)))
            except BaseException as error:
                done.put(error)

    def _settle(self, done: Done) -> int:
        """Wait briefly for files to end, count them, and return their number."""
        settled = 0
        try:
            ended = done.get(timeout=TICK_SECONDS)
            while True:
                settled += 1
                self._count(ended)
                ended = done.get_nowait()
        except Empty:
            return settled

    def _count(self, ended: Ended) -> None:
        if isinstance(ended, Stopped):
            return
        if isinstance(ended, BaseException):
            raise ended
        file, outcome = ended
        self._progress.add(outcome, file.size or 0)
        if outcome.state == "written" and outcome.name != file.name:
            self._progress.beside.append(outcome)

    def _files(self, *, by_date: bool) -> Iterator[AssetFile]:
        names, progress = Names(), self._progress
        for page in self._listing.pages():
            progress.excluded += page.excluded
            for asset_id in page.unknown:
                progress.files += 1
                progress.add(unknown(asset_id), 0)
            progress.nameless += sum(not id_of(record) for record in page.records)
            for record in page.records:
                if (file := named(record, names, by_date=by_date)) is not None:
                    progress.files += 1
                    progress.bytes_total += file.size or 0
                    yield file
        progress.listed = True
