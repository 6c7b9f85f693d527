"""Download Slice: the files of a slice come out of Vi, many at once, each with an outcome of its own."""

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
    """Downloads slices, as far as *budget* lets it."""

    client: ViClient
    downloader: Downloader
    s3: "S3Client"
    budget: Budget

    def run(self, one: DownloadSlice, before: SliceOutcomes | None) -> SliceOutcomes:
        """Bring the files of a slice that have no outcome *before*, and keep what became of them, whatever ends it.

        What there is no time for is left. When there was no time for any, those begun never will have enough.

        Raises:
            PlaceRefused: S3 does not let us put files there.
            KeyMissing, KeyRefused, KeyForbidden: Vi does not take the key.
        """
        done = {outcome.asset_id: outcome for outcome in (before.outcomes if before else ())}
        ahead = [file for file in one.files if file.asset_id not in done]
        brought = Brought()
        try:
            brought.bring(self._fetch(one), ahead)
            if not brought.outcomes:
                message = "It is too large to be downloaded in the time that an invocation has."
                brought.outcomes = [failed(file, "OutOfTime", message) for file in brought.broken_off or ahead]
        finally:
            done |= {outcome.asset_id: outcome for outcome in brought.outcomes}
            outcomes = tuple(done[file.asset_id] for file in one.files if file.asset_id in done)
            kept = SliceOutcomes(outcomes=outcomes, left=len(one.files) - len(outcomes))
            DownloadStaging(self.s3, one.download).keep_outcomes(one, kept)
        return kept

    def _fetch(self, one: DownloadSlice) -> Fetch:
        assets = Assets(self.client, one.download.dataset_id)
        place = BucketPlace(self.s3, one.destination.bucket, one.destination.prefix)
        return BucketFetch(assets, self.downloader, place, one.overwrite, self.budget.spent)


@dataclass
class Brought:
    """The `outcomes` of files that ended, and the files `broken_off` for lack of time."""

    outcomes: list[FileOutcome] = field(default_factory=list)
    broken_off: list[AssetFile] = field(default_factory=list)

    def bring(self, fetch: Fetch, files: Iterable[AssetFile]) -> None:
        """Download files, many at a time. After an error, those in progress end, no other begins, and it is raised."""
        broken: BaseException | None = None
        with ThreadPoolExecutor(THREADS, thread_name_prefix="download") as threads:
            futures = {threads.submit(fetch.bring, file): file for file in files}
            for future in as_completed(futures):
                broken = future.exception()
                if broken is not None and not isinstance(broken, Stopped):
                    # `as_completed` never yields a cancelled future, so the others are looked at below.
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
    """Download the slice at *address*, keep what became of it, and return it in numbers.

    Raises:
        StagedGone: there is no slice there any more.
        And as `SliceDownload.run`.
    """
    one = slice_at(s3, address)
    if one is None:
        raise StagedGone(f"The slice {address.key} is gone: it has expired. Start the download again.")
    logger.append_keys(download_id=one.download.download_id, turn=one.turn, slice=one.number)
    staging = DownloadStaging(s3, one.download)
    outcomes = download.run(one, staging.outcomes(one.turn, one.number))
    counts: dict[str, int] = {state: sum(outcome.state == state for outcome in outcomes.outcomes) for state in STATES}
    logger.info("slice_downloaded", files=counts, left=outcomes.left)
    return counts | {"left": outcomes.left}
