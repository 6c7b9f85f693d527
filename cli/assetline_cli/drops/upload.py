"""Upload files to the drop bucket, several at once, and compute the IDs of their drops.

Each upload carries the CRC32C that Vi compares, so that no function has to compute it. boto3 computes it only with an
optional library, so it is computed here.
"""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal

from boto3.s3.transfer import TransferConfig, create_transfer_manager
from botocore.exceptions import BotoCoreError, ClientError
from s3transfer.subscribers import BaseSubscriber

from assetline.ingest.drop import drop_id
from assetline.vi.crc32c import Crc32c, of, to_s3
from assetline_cli.drops.local_files import LocalFile, UndroppedFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from mypy_boto3_s3 import S3Client
    from s3transfer.manager import TransferManager

    from assetline_cli.clock import Clock

AT_ONCE = 16  # ours: for small files the round trip takes longer than the bytes
PARTS_AT_ONCE = 10  # ours: of all files uploaded in parts
AHEAD = 2 * AT_ONCE  # ours: files that wait for a thread; few, so that stopping is quick
LARGEST_PUT_BYTES = 8 * 1024**2  # ours: larger files are uploaded in parts; only a failed part is sent again
PIECE = 1024**2  # ours: bytes of a part read at once
CHANGED = frozenset({"BadDigest", "InvalidDigest"})  # S3: the bytes differ from their checksum
TICK_SECONDS = 0.5  # how often the progress is shown while no file ends


@dataclass(frozen=True)
class DroppedFile:
    """A file that is in the bucket since *at*, by S3's clock."""

    file: LocalFile
    drop_id: str
    at: datetime


@dataclass
class UploadProgress:
    """The progress of an upload; `bytes_sent` includes those of incomplete files."""

    files_total: int
    bytes_total: int
    began_at: datetime
    dropped: list[DroppedFile] = field(default_factory=list)
    failed: list[UndroppedFile] = field(default_factory=list)
    bytes_sent: int = 0
    ended: Literal["complete", "interrupted", "refused"] | None = None
    refusal: BotoCoreError | ClientError | None = None


class DropUploader:
    """Puts files into *bucket*, each with *metadata*."""

    def __init__(self, s3: S3Client, bucket: str, metadata: Mapping[str, str], clock: Clock) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._metadata = dict(metadata)
        self._clock = clock
        self._lock = Lock()
        self._uploading = UploadProgress(0, 0, clock.now())
        s3.meta.events.register("provide-client-params.s3.UploadPart", _add_checksum, unique_id="crc32c-of-parts")

    def upload(self, files: Iterable[LocalFile], report: Callable[[UploadProgress], object]) -> UploadProgress:
        """Upload *files*, call *report* with the progress, and return the last progress, in the order of *files*.

        A file that cannot be read does not stop the others. Ctrl+C and a refusal of AWS do: multipart uploads are
        aborted, and uploaded files are drops.
        """
        files = list(files)
        total = sum(file.size for file in files)
        self._uploading = UploadProgress(len(files), total, self._clock.now())
        report(self._uploading)
        config = TransferConfig(multipart_threshold=LARGEST_PUT_BYTES, max_concurrency=PARTS_AT_ONCE)
        try:
            with (
                ThreadPoolExecutor(AT_ONCE) as threads,
                create_transfer_manager(self._s3, config) as in_parts,
            ):
                try:
                    self._all(files, threads, in_parts, report)
                except BaseException:
                    threads.shutdown(wait=False, cancel_futures=True)  # those not begun; parts end with their context
                    raise
        except KeyboardInterrupt:
            self._uploading.ended = "interrupted"
        except (BotoCoreError, ClientError) as error:
            self._uploading.ended, self._uploading.refusal = "refused", error
        else:
            self._uploading.ended = "complete"
        places = {file.key: place for place, file in enumerate(files)}
        self._uploading.dropped.sort(key=lambda dropped: places[dropped.file.key])
        report(self._uploading)
        return self._uploading

    def _all(
        self,
        files: list[LocalFile],
        threads: ThreadPoolExecutor,
        in_parts: TransferManager,
        report: Callable[[UploadProgress], object],
    ) -> None:
        left = iter(files)
        pending: set[Future[None]] = set()
        while True:
            pending |= {threads.submit(self._put, file, in_parts) for file in islice(left, AHEAD - len(pending))}
            if not pending:
                return
            done, pending = wait(pending, timeout=TICK_SECONDS, return_when=FIRST_COMPLETED)
            for future in done:
                future.result()
            report(self._uploading)

    def _put(self, file: LocalFile, in_parts: TransferManager) -> None:
        """Upload one file, and record the outcome."""
        try:
            dropped = self._put_in_parts(file, in_parts) if file.size > LARGEST_PUT_BYTES else self._put_object(file)
        except OSError as error:
            with self._lock:
                self._uploading.failed.append(UndroppedFile(file.path, "Unreadable", f"{error.strerror or error}."))
        except CancelledError:
            return
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") not in CHANGED:
                raise
            why = "It changed during the upload. Run the command again."
            with self._lock:
                self._uploading.failed.append(UndroppedFile(file.path, "Changed", why))
        else:
            with self._lock:
                self._uploading.dropped.append(dropped)

    def _put_object(self, file: LocalFile) -> DroppedFile:
        content = file.path.read_bytes()
        answer = self._s3.put_object(
            Bucket=self._bucket,
            Key=file.key,
            Body=content,
            Metadata=self._metadata,
            ChecksumAlgorithm="CRC32C",
            ChecksumCRC32C=to_s3(of(content)),
        )
        self._count(file.size)
        return self._dropped(file, answer)

    def _put_in_parts(self, file: LocalFile, in_parts: TransferManager) -> DroppedFile:
        with file.path.open("rb"):
            pass  # an unreadable file fails before its upload begins
        # S3 combines the checksums of the parts to that of the object.
        about = {"Metadata": self._metadata, "ChecksumAlgorithm": "CRC32C", "ChecksumType": "FULL_OBJECT"}
        in_parts.upload(str(file.path), self._bucket, file.key, about, [_Counting(self._count)]).result()
        # boto3 does not return the answer that ends a multipart upload.
        return self._dropped(file, self._s3.head_object(Bucket=self._bucket, Key=file.key))

    def _dropped(self, file: LocalFile, answer: Any) -> DroppedFile:
        return DroppedFile(file, drop_id(self._bucket, file.key, answer["ETag"].strip('"')), self._time_of(answer))

    def _time_of(self, answer: Any) -> datetime:
        date = answer["ResponseMetadata"].get("HTTPHeaders", {}).get("date")
        try:
            return parsedate_to_datetime(date).astimezone(UTC) if date else self._uploading.began_at
        except ValueError:
            return self._uploading.began_at

    def _count(self, sent: int) -> None:
        with self._lock:
            self._uploading.bytes_sent += sent


def _add_checksum(params: dict[str, Any], **_: Any) -> None:
    """Add the CRC32C of a part to the request that uploads it."""
    checksum, body = Crc32c(), params["Body"]
    while piece := body.read(PIECE):
        checksum.update(piece)
    body.seek(0)
    params["ChecksumCRC32C"] = to_s3(checksum.signed)


class _Counting(BaseSubscriber):
    """Counts the bytes of one transfer as they are sent; the count of repeated bytes is negative."""

    def __init__(self, count: Callable[[int], None]) -> None:
        self._count = count

    def on_progress(self, future: Any, bytes_transferred: int, **_: Any) -> None:  # noqa: ARG002
        self._count(bytes_transferred)
