"""Close Download: writes the outcome of every file, sums up, and announces the end."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import batched
from typing import TYPE_CHECKING, Any

from boto3.s3.transfer import TransferConfig
from pydantic import BaseModel

from assetline.assets.asset_file import FileOutcome, unknown
from assetline.aws.event_bus import announce
from assetline.download.report import (
    DownloadCounts,
    DownloadManifest,
    DownloadResult,
    files_csv,
    files_key,
    manifest_key,
)
from assetline.download.request import DownloadRef, download_requested
from assetline.download.staging import DownloadStaging, ListingTurn
from assetline.errors import StagedGone
from assetline.observability import count, logger

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_s3 import S3Client

DOWNLOAD_COMPLETE = "Download Complete"
DOWNLOAD_INCOMPLETE = "Download Incomplete"  # ended, but some of the files were not downloaded
READ_AT_ONCE = 32  # ours: outcomes of slices, each of at most 200 files

# ours: a CSV of a million files has some 200 MB, and /tmp has 512 MB. Memory holds four parts; 10,000 parts are 80 GB.
PARTS_AT_ONCE = 4
IN_PARTS = TransferConfig(multipart_chunksize=8 * 1024**2, max_concurrency=PARTS_AT_ONCE)
IN_PARTS.max_in_memory_upload_chunks = PARTS_AT_ONCE


class CloseDownloadInput(BaseModel, frozen=True):
    """The input of Close Download; `error` is the error that the machine caught."""

    download: DownloadRef
    execution_arn: str
    input: Any
    turns: int
    error: dict[str, Any] | None = None


@dataclass
class DownloadCloser:
    """Closes downloads; a repeat writes the same documents."""

    s3: "S3Client"
    events: "EventBridgeClient"

    def close(self, closing: CloseDownloadInput) -> DownloadResult:
        """Write the manifest and the CSV, announce the end of the download, and return the result."""
        ref, tally = closing.download, DownloadCounts()
        request = download_requested(closing.input, ref.bucket)
        bucket, prefix = request.place(ref.bucket)
        staging = DownloadStaging(self.s3, ref)
        turns = [self._turn(staging, number) for number in range(1, closing.turns + 1)]
        file = files_csv(_outcomes(staging, turns), prefix, tally)
        self.s3.upload_fileobj(file, ref.bucket, files_key(ref), ExtraArgs={"ContentType": "text/csv"}, Config=IN_PARTS)
        listed = sum(turn.files + len(turn.unknown) for turn in turns)
        left, nameless = listed - tally.counts.total(), sum(turn.nameless for turn in turns)
        finished_at = datetime.now(UTC)
        manifest = DownloadManifest(
            complete=not (tally.counts["failed"] or left or nameless or closing.error),
            download_id=ref.download_id,
            dataset_id=ref.dataset_id,
            bucket=bucket,
            prefix=prefix,
            written=tally.counts["written"],
            skipped=tally.counts["skipped"],
            failed=tally.counts["failed"],
            left=left,
            excluded=sum(turn.excluded for turn in turns),
            bytes=tally.bytes,
            manifest_bucket=ref.bucket,
            manifest_key=manifest_key(ref),
            files_key=files_key(ref),
            execution_arn=closing.execution_arn,
            started_at=ref.started_at,
            finished_at=finished_at,
            seconds=round((finished_at - ref.started_at).total_seconds(), 3),
            nameless=nameless,
            reasons=dict(tally.reasons),
            failed_files=tally.failed_files,
            error=str(closing.error.get("Error")) if closing.error else None,
            input=request.model_dump(mode="json"),
        )
        self._publish(manifest)
        return DownloadResult(**manifest.model_dump(include={*DownloadResult.model_fields}))

    def _turn(self, staging: DownloadStaging, number: int) -> ListingTurn:
        turn = staging.turn(number)
        if turn is None:
            raise StagedGone("The list of the download's files has expired. Start the download again.")
        return turn

    def _publish(self, manifest: DownloadManifest) -> None:
        self.s3.put_object(
            Bucket=manifest.manifest_bucket,
            Key=manifest.manifest_key,
            Body=manifest.model_dump_json(indent=2).encode() + b"\n",
            ContentType="application/json",
        )
        result = DownloadResult(**manifest.model_dump(include={*DownloadResult.model_fields}))
        count(None, AssetsDownloaded=manifest.written, DownloadsFailed=manifest.failed)
        logger.info("download_closed", written=manifest.written, skipped=manifest.skipped, failed=manifest.failed)
        announce(self.events, DOWNLOAD_COMPLETE if manifest.complete else DOWNLOAD_INCOMPLETE, result)


def _outcomes(staging: DownloadStaging, turns: list[ListingTurn]) -> Iterator[FileOutcome]:
    """Yield the outcome of every file, in the order of the list."""
    for number, turn in enumerate(turns, 1):
        yield from map(unknown, turn.unknown)
        with ThreadPoolExecutor(READ_AT_ONCE) as threads:
            for some in batched(range(1, turn.slices + 1), READ_AT_ONCE, strict=False):
                for found in threads.map(staging.outcomes, [number] * len(some), some):
                    yield from found.outcomes if found else ()
