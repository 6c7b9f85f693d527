"""One S3 multipart upload: opened once, parts put under their numbers, completed when the parts are proven."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from botocore.exceptions import ClientError

from assetline.errors import PartsMismatch, UploadGone
from assetline.export import crc32_combine as crc32
from assetline.export.checkpoint import Checkpoint

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MIN_PART_BYTES = 5 * 1024**2  # S3: every part but the last
_PART_BYTES = 8 * 1024**2  # ours: two of them in memory at a time
_PARTS_OF_ONE_SIZE = 2000  # ours: after so many, parts double, up to 32 MiB: 10,000 parts hold 242 GiB


def part_bytes(number: int) -> int:
    """Return the size at which part *number* is sealed: it grows, so that 10,000 parts reach any feed."""
    return _PART_BYTES << min((number - 1) // _PARTS_OF_ONE_SIZE, 2)


@dataclass(frozen=True, slots=True)
class Part:
    """A part as S3 lists it."""

    number: int
    size: int
    etag: str
    crc32: str

    def crc32_value(self) -> int:
        """Return the CRC32 as a number; S3 spells it in base64."""
        return int.from_bytes(base64.b64decode(self.crc32))


class MultipartUpload:
    """The upload *upload_id* of *key*; a part put again under its number replaces the one before."""

    def __init__(self, s3: "S3Client", bucket: str, key: str, upload_id: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._key = key
        self.upload_id = upload_id

    @classmethod
    def open(cls, s3: "S3Client", bucket: str, key: str, content_type: str) -> Self:
        """Open an upload whose parts S3 keeps CRC32s of."""
        answer = s3.create_multipart_upload(
            Bucket=bucket, Key=key, ContentType=content_type, ChecksumAlgorithm="CRC32", ChecksumType="COMPOSITE"
        )
        return cls(s3, bucket, key, answer["UploadId"])

    def put(self, number: int, body: bytes) -> None:
        """Store part *number*; raises `UploadGone` when the upload expired or was aborted."""
        try:
            self._s3.upload_part(
                Bucket=self._bucket,
                Key=self._key,
                UploadId=self.upload_id,
                PartNumber=number,
                Body=body,
                ChecksumAlgorithm="CRC32",
            )
        except self._s3.exceptions.NoSuchUpload as error:
            raise self._gone() from error

    def parts(self) -> list[Part]:
        """Return the parts S3 holds, in order; raises `UploadGone` when the upload is no more."""
        pages = self._s3.get_paginator("list_parts").paginate(
            Bucket=self._bucket, Key=self._key, UploadId=self.upload_id
        )
        try:
            return [
                Part(part["PartNumber"], part["Size"], part["ETag"], part.get("ChecksumCRC32", ""))
                for page in pages
                for part in page.get("Parts", [])
            ]
        except self._s3.exceptions.NoSuchUpload as error:
            raise self._gone() from error

    def complete(self, parts: Sequence[Part]) -> None:
        """Publish the object, made of *parts* in their order; raises `UploadGone`."""
        try:
            self._s3.complete_multipart_upload(
                Bucket=self._bucket,
                Key=self._key,
                UploadId=self.upload_id,
                MultipartUpload={
                    "Parts": [
                        {"PartNumber": part.number, "ETag": part.etag, "ChecksumCRC32": part.crc32} for part in parts
                    ]
                },
            )
        except self._s3.exceptions.NoSuchUpload as error:
            raise self._gone() from error

    def _gone(self) -> UploadGone:
        return UploadGone(
            f"S3 no longer knows the upload of s3://{self._bucket}/{self._key}: it was aborted, or expired after "
            "7 days. Start the export anew."
        )


def object_bytes(s3: "S3Client", bucket: str, key: str) -> int | None:
    """Return the size of an object, or None while there is none."""
    try:
        return s3.head_object(Bucket=bucket, Key=key)["ContentLength"]
    except ClientError as error:
        if says_absent(error):
            return None
        raise


def says_absent(error: ClientError) -> bool:
    """Say whether S3 means that there is no such object: without s3:ListBucket, it answers 403 for one."""
    return error.response["Error"]["Code"] in {"404", "403", "NoSuchKey", "AccessDenied"}


def proven(parts: Sequence[Part], checkpoint: Checkpoint) -> list[Part]:
    """Return the parts of the object, once they are shown to be the bytes *checkpoint* says were rendered.

    Parts from `next_part` to `last_part` are left out: a turn that was killed may have put them before the one that
    took its place came to another end.

    Raises:
        PartsMismatch: a part is missing, or the bytes are not those rendered; nothing was published.
    """
    ours = [part for part in parts if part.number < checkpoint.next_part or part.number > checkpoint.last_part]
    sealed = checkpoint.next_part - 1
    if [part.number for part in ours][:sealed] != list(range(1, checkpoint.next_part)):
        raise PartsMismatch(f"S3 does not hold all {sealed} parts. Nothing was published; start anew.")
    stored = sum(part.size for part in ours)
    if stored != checkpoint.bytes:
        raise PartsMismatch(
            f"S3 holds {stored} bytes, rendered were {checkpoint.bytes}. Nothing was published; start anew."
        )
    if crc32.combined((part.crc32_value(), part.size) for part in ours) != checkpoint.crc32:
        raise PartsMismatch("The parts in S3 are not the bytes that were rendered. Nothing was published; start anew.")
    return ours
