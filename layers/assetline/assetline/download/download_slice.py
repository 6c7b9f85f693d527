"""Download Slice: downloads the files of a slice, many at once, each with its own outcome."""

from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from assetline.assets.asset_file import STATES, AssetFile, FileOutcome, failed
from assetline.aws.s3_documents import Address
from assetline.budget import Budget
from assetline.download.fetch_file import Fetch, NotBegun, Stopped
from assetline.download.s3_target import BucketFetch, BucketPlace
from assetline.download.staging import DownloadSlice, DownloadStaging, SliceOutcomes, slice_at
from assetline.errors import StagedGone
from assetline.observability import logger
from assetline.vi.assets import Assets
from assetline.vi.client import ViClient
from assetline.vi.file_download import Downloader

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

THREADS = 32


@dataclass
class SliceDownload:
    """Downloads slices until *budget* is spent."""

    client: ViClient
    downloader: Downloader
    s3: "S3Client"
    budget: Budget

    def run(self, slice_: DownloadSlice, previous: SliceOutcomes | None) -> SliceOutcomes:
        """Download the files of a slice without an outcome in *previous*, and store the outcomes, also after an error.

        Files that the time does not suffice for are left. If it did not suffice for any file, the files begun fail.

        Raises:
            PlaceRefused: S3 does not let the function store files there.
            KeyMissing, KeyRefused, KeyForbidden: Vi refuses the key.
        """
        done = {outcome.asset_id: outcome for outcome in (previous.outcomes if previous else ())}
        ahead = [file for file in slice_.files if file.asset_id not in done]
        downloads = SliceDownloads()
        try:
            downloads.download(self._fetch(slice_), ahead)
            if not downloads.outcomes:
                message = "The file is too large to be downloaded within one invocation."
                downloads.outcomes = [failed(file, "OutOfTime", message) for file in downloads.broken_off or ahead]
        finally:
            done |= {outcome.asset_id: outcome for outcome in downloads.outcomes}
            outcomes = tuple(done[file.asset_id] for file in slice_.files if file.asset_id in done)
            kept = SliceOutcomes(outcomes=outcomes, left=len(slice_.files) - len(outcomes))
            DownloadStaging(self.s3, slice_.download).keep_outcomes(slice_, kept)
        return kept

    def _fetch(self, slice_: DownloadSlice) -> Fetch:
        assets = Assets(self.client, slice_.download.dataset_id)
        place = BucketPlace(self.s3, slice_.destination.bucket, slice_.destination.prefix)
        return BucketFetch(assets, self.downloader, place, slice_.overwrite, self.budget.spent)


@dataclass
class SliceDownloads:
    """The `outcomes` of files that ended, and the files `broken_off` for lack of time."""

    outcomes: list[FileOutcome] = field(default_factory=list)
    broken_off: list[AssetFile] = field(default_factory=list)

    def download(self, fetch: Fetch, files: Iterable[AssetFile]) -> None:
        """Download files, many at a time. After an error, those in progress end, no other begins, and it is raised."""
        broken: BaseException | None = None
        with ThreadPoolExecutor(THREADS, thread_name_prefix="download") as threads:
            futures = {threads.submit(fetch.download, file): file for file in files}
            for future in as_completed(futures):
                broken = future.exception()
                if broken is not None and not isinstance(broken, Stopped):
                    # `as_completed` never yields a cancelled future, so the loop below checks the others.
                    threads.shutdown(cancel_futures=True)
                    break
                broken = None
        for future, file in futures.items():
            if not future.cancelled():
                self._add(future, file)
        if broken is not None:
            raise broken

    def _add(self, future: Future[FileOutcome], file: AssetFile) -> None:
        error = future.exception()
        if error is None:
            self.outcomes.append(future.result())
        elif isinstance(error, Stopped) and not isinstance(error, NotBegun):
            self.broken_off.append(file)


def download_slice(s3: "S3Client", address: Address, download: SliceDownload) -> dict[str, int]:
    """Download the slice at *address*, store the outcomes, and return their counts.

    Raises:
        StagedGone: the slice has expired.
        And as `SliceDownload.run`.
    """
    slice_ = slice_at(s3, address)
    if slice_ is None:
        raise StagedGone(f"The slice {address.key} has expired. Start the download again.")
    logger.append_keys(download_id=slice_.download.download_id, turn=slice_.turn, slice=slice_.number)
    staging = DownloadStaging(s3, slice_.download)
    outcomes = download.run(slice_, staging.outcomes(slice_.turn, slice_.number))
    counts: dict[str, int] = {state: sum(outcome.state == state for outcome in outcomes.outcomes) for state in STATES}
    logger.info("slice_downloaded", files=counts, left=outcomes.left)
    return counts | {"left": outcomes.left}
