"""Download Slice: the files of a slice come out of Vi, many at once, each with an outcome of its own."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assetline.budget import Budget
from assetline.dataset.bucket import BucketPlace
from assetline.dataset.download_staging import DownloadSlice, DownloadStaging, SliceOutcomes, slice_at
from assetline.dataset.fetch import Fetch, Place, Stopped
from assetline.dataset.files import STATES, AssetFile, Outcome, failed
from assetline.errors import StagedGone
from assetline.ingest.slices import Address
from assetline.observability import logger
from assetline.vi.assets import Assets
from assetline.vi.client import ViClient
from assetline.vi.download import Downloader

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
        """Bring the files of a slice that have no outcome *before*.

        What there is no time for is left, unless it was all there was: then it never will be brought.

        Raises:
            PlaceRefused: S3 does not let us put files there.
            KeyMissing, KeyRefused, KeyForbidden: Vi does not take the key.
        """
        done = {outcome.asset_id: outcome for outcome in (before.outcomes if before else ())}
        ahead = [file for file in one.files if file.asset_id not in done]
        place = BucketPlace(self.s3, one.destination.bucket, one.destination.prefix)
        fetch = self._fetch(one, place)
        came = bring_all(fetch, ahead)
        if not came and ahead:
            message = "It is too large to be downloaded in the time that an invocation has."
            came = [failed(file, "OutOfTime", message) for file in ahead]
        done |= {outcome.asset_id: outcome for outcome in came}
        outcomes = tuple(done[file.asset_id] for file in one.files if file.asset_id in done)
        return SliceOutcomes(outcomes=outcomes, left=len(one.files) - len(outcomes))

    def _fetch(self, one: DownloadSlice, place: Place) -> Fetch:
        assets = Assets(self.client, one.download.dataset_id)
        return Fetch(assets, self.downloader, place, one.overwrite, self.budget.spent)


def bring_all(fetch: Fetch, files: Iterable[AssetFile]) -> list[Outcome]:
    """Bring files, many at once, and return what became of each there was time for; raises as `Fetch.bring`."""
    outcomes: list[Outcome] = []
    with ThreadPoolExecutor(THREADS, thread_name_prefix="download") as threads:
        futures = [threads.submit(fetch.bring, file) for file in files]
        try:
            for future in as_completed(futures):
                try:
                    outcomes.append(future.result())
                except Stopped:
                    continue
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            raise
    return outcomes


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
    staging.keep_outcomes(one, outcomes)
    counts: dict[str, int] = {state: sum(outcome.state == state for outcome in outcomes.outcomes) for state in STATES}
    logger.info("slice_downloaded", files=counts, left=outcomes.left)
    return counts | {"left": outcomes.left}
