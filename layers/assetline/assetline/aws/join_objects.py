"""Joins objects in S3 into one object, which appears complete or not at all."""

import base64
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import ClientError

from assetline.aws.failures import code_of
from assetline.aws.s3_documents import Address
from assetline.errors import AwsUnavailable, PartsMismatch

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

COPY_BYTES = 256 * 1024**2  # ours: S3 copies this much well within the timeout of a request
COPIES_AT_ONCE = 16  # ours: 10,000 parts take some minutes


class JoinSource(NamedTuple):
    """An object that becomes a part of another one, with the CRC32 of its stored bytes."""

    key: str
    size: int
    crc32: int


def join_objects(s3: "S3Client", sources: Sequence[JoinSource], target: Address, content_type: str) -> None:
    """Join the objects *sources* of one bucket into *target*, in their order; all but the last have 5 MiB or more.

    The function first verifies each object by the size and the CRC32 that S3 stores. A single object is copied in one
    request. After an error, no part of the target is left.

    Raises:
        PartsMismatch: an object is not the one that was stored.
        ClientError: S3 refused, for example because a source is absent (`NoSuchKey`, `404`), or because another
            process aborted the upload (`NoSuchUpload`).
    """
    where: dict[str, Any] = {"Bucket": target.bucket, "Key": target.key}
    if len(sources) == 1:
        _copy(s3, target, sources[0], content_type)
        return

    def verified_etag(source: JoinSource) -> str:
        return _prove(s3, target.bucket, source)

    def copied(number: int, source: JoinSource, etag: str) -> Any:
        with _unchanged(target.bucket, source, etag) as origin:
            answer = s3.upload_part_copy(**origin, PartNumber=number, **where)
        return {"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]}

    try:
        with ThreadPoolExecutor(COPIES_AT_ONCE, thread_name_prefix="copy") as threads:
            etags = threads.map(verified_etag, sources)
            where["UploadId"] = s3.create_multipart_upload(ContentType=content_type, **where)["UploadId"]
            parts = [*threads.map(copied, count(1), sources, [*etags])]
        s3.complete_multipart_upload(MultipartUpload={"Parts": parts}, **where)
    except BaseException:
        if "UploadId" in where:
            with suppress(AwsUnavailable, ClientError):  # otherwise `abort_uploads` or the bucket's lifecycle ends it
                s3.abort_multipart_upload(**where)
        raise


def copy_object(s3: "S3Client", source: Address, target: Address, content_type: str) -> None:
    """Copy an object of any size within S3, in parts of `COPY_BYTES`; the target appears complete or not at all.

    Raises:
        ClientError: S3 refused, for example because the source is absent or was replaced meanwhile.
    """
    found = s3.head_object(Bucket=source.bucket, Key=source.key)
    origin: dict[str, Any] = {
        "CopySource": {"Bucket": source.bucket, "Key": source.key},
        "CopySourceIfMatch": found["ETag"],
    }
    where: dict[str, Any] = {"Bucket": target.bucket, "Key": target.key}
    size = found["ContentLength"]
    if size <= COPY_BYTES:
        how: dict[str, Any] = {"MetadataDirective": "REPLACE", "TaggingDirective": "REPLACE"}
        s3.copy_object(**origin, **where, **how, ContentType=content_type)
        return

    def copied(number: int) -> Any:
        first = (number - 1) * COPY_BYTES
        span = f"bytes={first}-{min(first + COPY_BYTES, size) - 1}"
        answer = s3.upload_part_copy(**origin, **where, PartNumber=number, CopySourceRange=span)
        return {"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]}

    where["UploadId"] = s3.create_multipart_upload(ContentType=content_type, **where)["UploadId"]
    try:
        with ThreadPoolExecutor(COPIES_AT_ONCE, thread_name_prefix="copy") as threads:
            parts = [*threads.map(copied, range(1, -(-size // COPY_BYTES) + 1))]
        s3.complete_multipart_upload(MultipartUpload={"Parts": parts}, **where)
    except BaseException:
        with suppress(AwsUnavailable, ClientError):
            s3.abort_multipart_upload(**where)
        raise


def _copy(s3: "S3Client", target: Address, source: JoinSource, content_type: str) -> None:
    with _unchanged(target.bucket, source, _prove(s3, target.bucket, source)) as origin:
        s3.copy_object(
            **origin,
            Bucket=target.bucket,
            Key=target.key,
            ContentType=content_type,
            MetadataDirective="REPLACE",
            TaggingDirective="REPLACE",  # parts have no tags, and reading tags needs another permission
        )


@contextmanager
def _unchanged(bucket: str, source: JoinSource, etag: str) -> Iterator[Any]:
    """Yield the arguments of a copy that fails if the object changes after its verification with *etag*."""
    try:
        yield {"CopySource": {"Bucket": bucket, "Key": source.key}, "CopySourceIfMatch": etag}
    except ClientError as error:
        if code_of(error) == "PreconditionFailed":  # replaced since the verification
            raise _mismatch(bucket, source) from error
        raise


def _prove(s3: "S3Client", bucket: str, source: JoinSource) -> str:
    """Return the ETag of a verified object. Raise `PartsMismatch` if its bytes are not the stored ones."""
    found = s3.head_object(Bucket=bucket, Key=source.key, ChecksumMode="ENABLED")
    crc32 = base64.b64encode(source.crc32.to_bytes(4)).decode()
    if (found["ContentLength"], found.get("ChecksumCRC32")) != (source.size, crc32):
        raise _mismatch(bucket, source)
    return found["ETag"]


def _mismatch(bucket: str, source: JoinSource) -> PartsMismatch:
    return PartsMismatch(
        f"s3://{bucket}/{source.key} does not hold the bytes that were stored there. Nothing was "
        "published. Start a new export."
    )


def abort_uploads(s3: "S3Client", target: Address) -> None:
    """Abort unfinished uploads of *target*, left by attempts of `join_objects` that were killed."""
    listed = s3.list_multipart_uploads(Bucket=target.bucket, Prefix=target.key)  # S3: a thousand per page
    for upload in listed.get("Uploads", []):
        if upload["Key"] == target.key:
            with suppress(s3.exceptions.NoSuchUpload):
                s3.abort_multipart_upload(Bucket=target.bucket, Key=target.key, UploadId=upload["UploadId"])


def delete_objects(s3: "S3Client", bucket: str, keys: Sequence[str]) -> None:
    """Delete objects; absent ones are not an error."""
    for first in range(0, len(keys), 1000):  # S3: keys of one request
        few = keys[first : first + 1000]
        s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in few], "Quiet": True})
