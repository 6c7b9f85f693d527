"""One S3 multipart upload: opened once, parts put under their numbers, completed when the parts are proven."""

import base64
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from botocore.exceptions import ClientError

from assetline.aws.failures import code_of
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

    def put(self, number: int, body: bytes) -> Part:
        """Store part *number* and return it as stored; raises `UploadGone` when the upload expired or was aborted."""
        try:
            answer = self._s3.upload_part(
                Bucket=self._bucket,
                Key=self._key,
                UploadId=self.upload_id,
                PartNumber=number,
                Body=body,
                ChecksumAlgorithm="CRC32",
            )
        except self._s3.exceptions.NoSuchUpload as error:
            raise self._gone() from error
        return Part(number, len(body), answer["ETag"], base64.b64encode(zlib.crc32(body).to_bytes(4)).decode())

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
        """Make the object of *parts*, numbered from 1 without a gap.

        Raises:
            UploadGone: the upload was completed, aborted, or has expired.
            PartsMismatch: a part was replaced since it was put or listed; nothing was published.
        """
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
        except ClientError as error:
            if code_of(error) != "InvalidPart":
                raise
            raise PartsMismatch(
                f"A part of s3://{self._bucket}/{self._key} was replaced while the upload was completed. Nothing was "
                "published. Start a new export."
            ) from error

    def _gone(self) -> UploadGone:
        return UploadGone(
            f"S3 no longer knows the upload of s3://{self._bucket}/{self._key}: it was aborted, or expired after "
            "7 days. Start the export anew."
        )


def proven(parts: Sequence[Part], checkpoint: Checkpoint, last: Sequence[Part] = ()) -> list[Part]:
    """Return the parts of the object: those below `next_part`, then the *last* ones that the caller has put itself.

    Other parts from `next_part` on are left out: a turn that was killed, or still runs, may have put them.

    Raises:
        PartsMismatch: a part is missing, or the bytes are not those rendered; nothing was published.
    """
    ours = [*(part for part in parts if part.number < checkpoint.next_part), *last]
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
