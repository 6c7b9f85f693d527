"""Upload Assets: uploads the drops of a slice from S3 to their signed URLs, many at once, streamed."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from operator import attrgetter
from threading import Lock
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from assetline.aws.failures import reading
from assetline.aws.s3_documents import Address
from assetline.errors import (
    AnswerLost,
    AwsUnavailable,
    KeyForbidden,
    KeyMissing,
    KeyRefused,
    RateLimited,
    Retryable,
    SignedUrlRefused,
    StagedGone,
    UploadDamaged,
    ViRefused,
    ViUnavailable,
    ViUnreachable,
)
from assetline.ingest.inspection import UNAVAILABLE_MESSAGES, unavailable_reason
from assetline.ingest.late_uploads import send_newest_again
from assetline.ingest.ledger import Ledger
from assetline.ingest.outcomes import UploadFailure
from assetline.ingest.sessions_table import SessionsTable
from assetline.ingest.signed_url_renewal import SignedUrlRenewal
from assetline.ingest.slice_progress import SliceProgress
from assetline.ingest.staging import SessionStaging, Slice, SliceAsset, SliceOutcome
from assetline.observability import logger
from assetline.vi.client import ViClient
from assetline.vi.file_upload import Uploader
from assetline.vi.multipart_upload import THRESHOLD, upload_multipart
from assetline.vi.signed_url import SignedUrl, SignedUrlExpired

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

THREADS = 32
PIECE = 256 * 1024  # ours: bytes of a file in memory at once; with all threads, 8 MiB
READ_AT_ONCE_BYTES = 1024**2  # ours: files up to this size are read at once
TRIES = 3
MOST_PAUSE = 30.0  # ours: seconds between two attempts of a file, also if Vi requests a longer pause
RENEWED_EVERY = 10.0  # ours: seconds; after a longer freeze, the session may be settled
EXPIRES_SOON = 60.0  # ours: seconds before a URL expires in which no transfer begins
# Errors of one file's upload that are retried.
_FAULTS = (AnswerLost, AwsUnavailable, RateLimited, UploadDamaged, ViUnavailable, ViUnreachable, ViRefused)


class _Lost(Exception):  # noqa: N818
    """A drop that cannot be uploaded, with the reason."""

    def __init__(self, reason: str, message: str, *, retryable: bool) -> None:
        super().__init__(message)
        self.reason, self.message, self.retryable = reason, message, retryable
        self.damaged = False


@dataclass
class SliceUpload:
    """Uploads one slice. A repeat sends only drops that are not in the outcomes of earlier attempts."""

    client: ViClient
    uploader: Uploader
    ledger: Ledger
    sessions: SessionsTable
    s3: "S3Client"
    small: Callable[[SliceAsset], bytes | None]
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.time
    _progress: SliceProgress = field(init=False)
    _urls: SignedUrlRenewal = field(init=False)
    _renewed_at: float = field(default=0.0, init=False)
    _is_over: bool = field(default=False, init=False)
    _lease: Lock = field(default_factory=Lock, init=False)

    def run(self, slice_: Slice, staging: SessionStaging) -> SliceOutcome:
        """Upload every drop of a slice that Vi does not hold yet; a failed file is an outcome and affects no other.

        The outcome is in *staging*, also while it grows. If the session was settled meanwhile, the newest objects of
        the same assets are sent again.

        Raises:
            KeyRefused, KeyForbidden, KeyMissing: Vi refuses the key.
            AwsUnavailable: S3 did not return a file; the files that were sent are in the stored outcome.
        """
        session = slice_.session
        earlier = {*staging.outcome(slice_.number).uploaded}
        self._progress = SliceProgress(staging, slice_.number, earlier, self.clock)
        self._urls = SignedUrlRenewal(self.client, session)
        try:
            return self._uploaded(slice_, [asset for asset in slice_.assets if asset.drop_id not in earlier])
        finally:
            if not self.sessions.report_uploads(session.session_key, slice_.number, self._progress.uploaded):
                send_newest_again(self.s3, self.ledger, slice_.assets, session.session_key)

    def _uploaded(self, slice_: Slice, ahead: Sequence[SliceAsset]) -> SliceOutcome:
        if not self._renew_lease(slice_):
            ahead = ()  # it was settled, because it seemed to have no worker
        failed: list[UploadFailure] = []
        unavailable: AwsUnavailable | None = None
        with ThreadPoolExecutor(THREADS, thread_name_prefix="upload") as threads:
            futures = {threads.submit(self._upload, slice_, asset): asset for asset in ahead}
            for future in as_completed(futures):
                asset = futures[future]
                try:
                    future.result()
                except _Lost as lost:
                    failed.append(
                        UploadFailure(
                            drop_id=asset.drop_id,
                            reason=lost.reason,
                            message=lost.message,
                            retryable=lost.retryable,
                            damaged=lost.damaged,
                        )
                    )
                except (KeyMissing, KeyRefused, KeyForbidden):
                    threads.shutdown(wait=False, cancel_futures=True)
                    self._progress.keep()
                    raise
                except AwsUnavailable as error:
                    unavailable = error  # the others end first, so that a repeat of the slice sends only the rest
                else:
                    self._progress.add(asset.drop_id)
        if unavailable is not None:
            self._progress.keep()
            raise unavailable
        return self._progress.keep(sorted(failed, key=attrgetter("drop_id")))

    def _renew_lease(self, slice_: Slice) -> bool:
        """Renew the session's lease, if it is due; return False if the session has ended."""
        with self._lease:
            if self._is_over or self.clock() - self._renewed_at <= RENEWED_EVERY:
                return not self._is_over
            self._renewed_at = self.clock()
            session_key, uploaded = slice_.session.session_key, self._progress.uploaded
            self._is_over = not self.sessions.report_uploads(session_key, slice_.number, uploaded)
            return not self._is_over

    def _refuse_late(self, slice_: Slice) -> None:
        """Raise `_Lost` if the session was settled: Vi may hold newer bytes or metadata of the asset by now."""
        if not self._renew_lease(slice_):
            raise _Lost("UploadExpired", "The session was settled before the file was sent.", retryable=True)

    def _upload(self, slice_: Slice, asset: SliceAsset) -> None:
        damage: list[UploadDamaged] = []
        try:
            self._upload_with_retries(slice_, asset, damage)
        except _Lost as lost:
            lost.damaged = bool(damage)
            raise

    def _upload_with_retries(self, slice_: Slice, asset: SliceAsset, damage: list[UploadDamaged]) -> None:
        """Upload a drop, and add damaged transfers to *damage*. Raises `_Lost`, and as `run`."""
        if asset.upload is None:
            raise _Lost("UploadExpired", "Vi sent no URL for the file in this session.", retryable=True)
        upload, renewals, faults = asset.upload, 0, 0
        while True:
            try:
                if asset.size < THRESHOLD and self._is_expired(upload):
                    raise SignedUrlExpired("the URL has expired")  # noqa: TRY301 - handled like Vi's refusal
                self._put(slice_, asset, upload)
            except SignedUrlExpired:
                renewals += 1
                renewed = self._renewed(asset, upload) if renewals < TRIES else None
                if renewed is None:
                    message = "The signed URL of the file has expired, and Vi sent no valid one."
                    raise _Lost("UploadExpired", message, retryable=True) from None
                upload = renewed
            except SignedUrlRefused as refused:
                # Another session gets other URLs.
                raise _Lost("SignedUrlRefused", str(refused), retryable=True) from None
            except _FAULTS as fault:
                faults += 1
                if isinstance(fault, UploadDamaged):
                    damage.append(fault)
                    logger.warning("upload_damaged", drop_id=asset.drop_id, tries=faults)
                if faults >= TRIES:
                    if isinstance(fault, AwsUnavailable):
                        raise
                    what = f"{TRIES} attempts to upload the file failed ({type(fault).__name__})."
                    raise _Lost("UploadFailed", what, retryable=True) from None
                requested = (fault.pause_seconds or 0.0) if isinstance(fault, Retryable) else 0.0
                self.sleep(min(MOST_PAUSE, requested + random.uniform(0, 2.0**faults)))  # noqa: S311 - jitter is no secret
            else:
                return

    def _put(self, slice_: Slice, asset: SliceAsset, upload: SignedUrl) -> None:
        if asset.size >= THRESHOLD:
            self._refuse_late(slice_)
            session = slice_.session
            upload_multipart(
                self.client, self.uploader, session.dataset_id, session.ingestion_id, asset, self._range_of(asset)
            )
            return
        small = self.small(asset) if asset.size <= READ_AT_ONCE_BYTES else None
        if small is not None:
            self._refuse_late(slice_)
            self.uploader.put(upload, small, asset.size, verify=asset.crc32c is None)
            return
        answer = self._get(asset)
        try:
            with reading(f"s3://{asset.bucket}/{asset.key}"):
                if asset.size <= READ_AT_ONCE_BYTES:
                    content: bytes | Iterator[bytes] = answer["Body"].read()
                else:
                    content = answer["Body"].iter_chunks(PIECE)
                self._refuse_late(slice_)
                self.uploader.put(upload, content, asset.size, verify=asset.crc32c is None)
        finally:
            answer["Body"].close()

    def _get(self, asset: SliceAsset, range_: str | None = None) -> Any:
        version: dict[str, Any] = {"IfMatch": f'"{asset.etag}"'}
        if range_:
            version["Range"] = range_
        try:
            return self.s3.get_object(Bucket=asset.bucket, Key=asset.key, **version)
        except ClientError as error:
            reason = unavailable_reason(error)
            if reason is not None:
                raise _Lost(reason, UNAVAILABLE_MESSAGES[reason], retryable=False) from None
            code = error.response["Error"]["Code"]
            raise _Lost("UploadFailed", f"S3 did not return the object ({code}).", retryable=True) from None

    def _range_of(self, asset: SliceAsset) -> Callable[[int, int], Iterator[bytes]]:
        def pieces(start: int, end: int) -> Iterator[bytes]:
            body = self._get(asset, f"bytes={start}-{end - 1}")["Body"]
            try:
                with reading(f"s3://{asset.bucket}/{asset.key}"):
                    yield from body.iter_chunks(PIECE)
            finally:
                body.close()

        return pieces

    def _is_expired(self, upload: SignedUrl) -> bool:
        return upload.expires_by(self.clock() + EXPIRES_SOON)

    def _renewed(self, asset: SliceAsset, expired: SignedUrl) -> SignedUrl | None:
        if asset.size >= THRESHOLD:
            return expired  # its parts have their own URLs, and start again
        return self._urls.renewed(asset.asset_filename, expired)


def upload_slice(s3: "S3Client", address: Address, upload: SliceUpload) -> dict[str, int]:
    """Upload the slice at *address*, and return the counts of its outcome.

    Raises:
        StagedGone: the slice has expired.
        KeyRefused, KeyForbidden, KeyMissing: Vi refuses the key.
    """
    session_key = address.key.split("/")[-2]
    logger.append_keys(session_key=session_key)
    staging = SessionStaging(s3, address.bucket, session_key)
    slice_ = staging.slice_at(address.key)
    if slice_ is None:
        raise StagedGone(f"The slice {address.key} has expired. A sweep sends its drops again.")
    outcome = upload.run(slice_, staging)
    uploaded, failed = len(outcome.uploaded), len(outcome.failed)
    logger.info("slice_uploaded", slice=slice_.number, uploaded=uploaded, failed=failed)
    return {"uploaded": uploaded, "failed": failed}
