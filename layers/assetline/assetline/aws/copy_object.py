"""Copies of objects within S3: in one request when small, else in parts side by side."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from assetline.aws.s3_documents import Address
from assetline.errors import AwsUnavailable

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CopySourceTypeDef

COPY_PART_BYTES = 256 * 1024**2  # ours: S3 copies so much within seconds, far below the client's read timeout
COPIES_AT_ONCE = 16  # ours
_MAX_PARTS = 10_000  # S3: parts of one upload


def copy_object(s3: "S3Client", source: Address, target: Address, size: int, content_type: str) -> None:
    """Copy the *size* bytes of *source* to *target*, which appears complete or not at all.

    Raises:
        AwsUnavailable, AwsRefused: S3 did not copy it; nothing of the copy is left behind.
    """
    origin: CopySourceTypeDef = {"Bucket": source.bucket, "Key": source.key}
    where: dict[str, Any] = {"Bucket": target.bucket, "Key": target.key}
    if size <= COPY_PART_BYTES:
        s3.copy_object(CopySource=origin, ContentType=content_type, MetadataDirective="REPLACE", **where)
        return
    where["UploadId"] = s3.create_multipart_upload(ContentType=content_type, **where)["UploadId"]

    def copied(part: tuple[int, str]) -> Any:
        number, bytes_range = part
        answer = s3.upload_part_copy(CopySource=origin, CopySourceRange=bytes_range, PartNumber=number, **where)
        return {"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]}

    try:
        with ThreadPoolExecutor(COPIES_AT_ONCE, thread_name_prefix="copy") as threads:
            parts = [*threads.map(copied, enumerate(ranges(size), 1))]
        s3.complete_multipart_upload(MultipartUpload={"Parts": parts}, **where)
    except BaseException:
        with suppress(AwsUnavailable, ClientError):  # the bucket's lifecycle expires an upload that cannot be aborted
            s3.abort_multipart_upload(**where)
        raise


def ranges(size: int) -> list[str]:
    """Return the byte ranges of the parts that hold *size* bytes: at most 10,000, of one size but for the last."""
    step = max(COPY_PART_BYTES, -(-size // _MAX_PARTS))
    return [f"bytes={start}-{min(start + step, size) - 1}" for start in range(0, size, step)]
