"""Objects in S3 laid end to end as another one, which appears complete or not at all."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from assetline.aws.s3_documents import Address
from assetline.errors import AwsUnavailable

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

COPIES_AT_ONCE = 16  # ours: 10,000 parts take some minutes


def join_objects(s3: "S3Client", sources: Sequence[str], target: Address, content_type: str, crc32: str) -> None:
    """Make *target* of the objects *sources* of its bucket, in their order; all but the last have 5 MiB or more.

    S3 proves the bytes: it completes nothing whose CRC32, in base64, is not *crc32*.

    Raises:
        ClientError: S3 did not join them, for instance as a source is absent (`NoSuchKey`), the bytes are others
            (`BadDigest`), or somebody else has aborted the upload (`NoSuchUpload`). Nothing is left behind.
    """
    where: dict[str, Any] = {"Bucket": target.bucket, "Key": target.key}
    checksum: dict[str, Any] = {"ChecksumType": "FULL_OBJECT"}
    opened = s3.create_multipart_upload(ContentType=content_type, ChecksumAlgorithm="CRC32", **checksum, **where)
    where["UploadId"] = opened["UploadId"]

    def copied(part: tuple[int, str]) -> Any:
        number, source = part
        answer = s3.upload_part_copy(CopySource={"Bucket": target.bucket, "Key": source}, PartNumber=number, **where)
        return {"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]}

    try:
        with ThreadPoolExecutor(COPIES_AT_ONCE, thread_name_prefix="copy") as threads:
            parts = [*threads.map(copied, enumerate(sources, 1))]
        s3.complete_multipart_upload(MultipartUpload={"Parts": parts}, ChecksumCRC32=crc32, **checksum, **where)
    except BaseException:
        with suppress(AwsUnavailable, ClientError):  # `abort_uploads` or the bucket's lifecycle ends it otherwise
            s3.abort_multipart_upload(**where)
        raise


def abort_uploads(s3: "S3Client", target: Address) -> None:
    """Abort the uploads that attempts of `join_objects` have left unfinished for *target*, as they were killed."""
    listed = s3.list_multipart_uploads(Bucket=target.bucket, Prefix=target.key)  # a thousand at most: repeats are few
    for upload in listed.get("Uploads", []):
        if upload["Key"] == target.key:
            with suppress(s3.exceptions.NoSuchUpload):
                s3.abort_multipart_upload(Bucket=target.bucket, Key=target.key, UploadId=upload["UploadId"])


def delete_objects(s3: "S3Client", bucket: str, keys: Sequence[str]) -> None:
    """Delete objects; those that are absent already are no error."""
    for first in range(0, len(keys), 1000):  # S3: keys of one request
        few = keys[first : first + 1000]
        s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in few], "Quiet": True})
