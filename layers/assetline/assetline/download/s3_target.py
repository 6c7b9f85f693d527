"""A prefix of a bucket as the target of downloads: an object appears complete and verified, or not at all."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from itertools import chain
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from botocore.exceptions import ClientError

from assetline.assets.asset_file import AssetFile, FileOutcome, failed, names_with_id
from assetline.aws.failures import code_of
from assetline.aws.s3_documents import is_absent
from assetline.download.fetch_file import Fetch, NotBegun, NotKept, VerifiedBody
from assetline.errors import AwsUnavailable, PlaceRefused
from assetline.vi import crc32c
from assetline.vi.media_types import by_extension

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SMALL = 1024**2  # ours: files up to this size are limited by the number of threads only
LARGE_AT_ONCE = 8  # ours: larger files; each has at most one part in memory, two while it is joined
PART = 8 * 1024**2  # ours: larger files are stored in parts; 10,000 parts hold any file that fits in S3
_PARTS_OF_ONE_SIZE = 1000  # ours: later parts are four times as large
LONGEST_KEY = 1024  # S3, in bytes
ASSET_ID = "assetline-asset-id"  # user metadata: the id of the object's asset
_REFUSED = frozenset({"AccessDenied", "AllAccessDisabled", "NoSuchBucket", "PermanentRedirect", "403"})


@dataclass
class BucketFetch(Fetch):
    """Downloads files to a prefix. Without *overwrite*, it never replaces the object of another asset."""

    place: "BucketPlace"

    def download(self, file: AssetFile) -> FileOutcome:
        """Return the outcome of a file, under its name at the target; raises as `Fetch.download`."""
        if self.stopped():
            raise NotBegun
        if not self.overwrite:
            try:
                file = self.place.own(file)
            except NotKept as failure:
                return failed(file, failure.reason, str(failure))
        return super().download(file)


class BucketPlace:
    """Stores files under *prefix* of *bucket*, each with its CRC32C, its type and the id of its asset."""

    def __init__(self, s3: "S3Client", bucket: str, prefix: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._prefix = prefix
        self._large = BoundedSemaphore(LARGE_AT_ONCE)
        self._heads: dict[str, Any] = {}  # S3's answers on the names about to be written, None for an absent object

    def room(self, file: AssetFile) -> AbstractContextManager[object]:
        """Wait until a large file has room in memory: its connection would be idle meanwhile."""
        return nullcontext() if file.size is not None and file.size <= SMALL else self._large

    def own(self, file: AssetFile) -> AssetFile:
        """Return *file* under its name, or under the first free name with its id if another asset has that name.

        A download of another selection may have assigned the name. Raises as `put`.
        """
        for name in chain([file.name], names_with_id(file)):
            named = file.model_copy(update={"name": name})
            head = self._head(named)
            if head is None or head["Metadata"].get(ASSET_ID, _quoted(file)) == _quoted(file):
                self._heads[name] = head
                return named
        raise AssertionError("the sequence of names is endless, so one is free")

    def held(self, file: AssetFile) -> int | None:
        """Return the signed CRC32C of an existing object with equal size and CRC32C; raises as `put`."""
        if file.size is None or not file.crc32c:
            return None
        head = self._heads.pop(file.name) if file.name in self._heads else self._head(file)
        checksum = head.get("ChecksumCRC32C", "") if head else ""
        # For an object in parts, it may be a checksum of checksums, which S3 marks with a hyphen.
        if head is None or head["ContentLength"] != file.size or not checksum or "-" in checksum:
            return None
        stored = crc32c.from_s3(checksum)
        return stored if stored in file.crc32c else None

    def _head(self, file: AssetFile) -> Any:
        if len(self._key(file).encode()) > LONGEST_KEY:
            return None
        try:
            return self._s3.head_object(Bucket=self._bucket, Key=self._key(file), ChecksumMode="ENABLED")
        except ClientError as error:
            if is_absent(error):
                return None
            raise self._failure(error) from None

    def put(self, file: AssetFile, arriving: VerifiedBody) -> None:
        """Store a verified file, in parts if it is large.

        Raises:
            NotKept: S3 refuses this file.
            PlaceRefused: S3 refuses all files.
            AwsUnavailable: S3 did not answer.
        """
        if len(self._key(file).encode()) > LONGEST_KEY:
            raise NotKept("NameTooLong", f"The key would exceed S3's {LONGEST_KEY:,} bytes. Use a shorter prefix.")
        parts = _parts(arriving)
        first = next(parts)
        try:
            if len(first) < PART:
                self._put_object(file, first, arriving.crc32c)
            else:
                self._put_parts(file, first, parts, arriving)
        except ClientError as error:
            raise self._failure(error) from None

    def _put_object(self, file: AssetFile, content: bytes, checksum: int) -> None:
        self._s3.put_object(
            Bucket=self._bucket,
            Key=self._key(file),
            Body=content,
            ChecksumAlgorithm="CRC32C",  # with the value given, boto3 does not need the CRT to compute it
            ChecksumCRC32C=crc32c.to_s3(checksum),
            **_about(file),
        )

    def _put_parts(self, file: AssetFile, first: bytes, others: Iterator[bytes], arriving: VerifiedBody) -> None:
        where: dict[str, Any] = {"Bucket": self._bucket, "Key": self._key(file)}
        where["UploadId"] = self._s3.create_multipart_upload(
            **where, ChecksumAlgorithm="CRC32C", ChecksumType="FULL_OBJECT", **_about(file)
        )["UploadId"]
        try:
            done = [self._put_part(where, 1, first)]
            del first
            done += [self._put_part(where, number, content) for number, content in enumerate(others, 2) if content]
            self._s3.complete_multipart_upload(
                **where,
                MultipartUpload={"Parts": done},
                ChecksumCRC32C=crc32c.to_s3(arriving.crc32c),
                ChecksumType="FULL_OBJECT",
            )
        except BaseException:
            with suppress(AwsUnavailable, ClientError):  # the bucket's lifecycle ends an upload that cannot be aborted
                self._s3.abort_multipart_upload(**where)
            raise

    def _put_part(self, where: dict[str, Any], number: int, content: bytes) -> Any:
        checksum = crc32c.to_s3(crc32c.of(content))
        answer = self._s3.upload_part(**where, PartNumber=number, Body=content, ChecksumCRC32C=checksum)
        return {"PartNumber": number, "ETag": answer["ETag"], "ChecksumCRC32C": checksum}

    def _key(self, file: AssetFile) -> str:
        return f"{self._prefix}{file.name}"

    def _failure(self, error: ClientError) -> Exception:
        code = code_of(error)
        if code in _REFUSED:
            return PlaceRefused(
                f"S3 does not let the function store objects under s3://{self._bucket}/{self._prefix} ({code}): "
                "check the name of the bucket, and the function's permission to write there."
            )
        return NotKept("NotStored", f"S3 refused the object ({code}).")


def _parts(arriving: VerifiedBody) -> Iterator[bytes]:
    """Yield the bytes in parts; the last one is smaller. An empty file has one empty part."""
    held, size, number = [], 0, 1
    for piece in arriving:
        held.append(piece)
        size += len(piece)
        if size >= PART * (4 if number > _PARTS_OF_ONE_SIZE else 1):
            yield b"".join(held)
            held, size, number = [], 0, number + 1
    yield b"".join(held)


def _about(file: AssetFile) -> dict[str, Any]:
    named = by_extension(file.name)
    mime = file.mime or (named.mime if named else "application/octet-stream")
    return {"ContentType": mime, "Metadata": {ASSET_ID: _quoted(file)}}


def _quoted(file: AssetFile) -> str:
    return quote(file.asset_id, safe="")
