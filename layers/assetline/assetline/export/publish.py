"""From an upload to a file: the parts are proven, the upload completes below `staging/`, and its copy is published."""

from typing import TYPE_CHECKING

from boto3.s3.transfer import TransferConfig

from assetline.errors import UploadGone
from assetline.export.checkpoint import Checkpoint, Export
from assetline.export.file_formats import CONTENT_TYPES
from assetline.export.multipart_upload import MultipartUpload, object_bytes, proven

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CopySourceTypeDef

ONE_COPY_BYTES = 5 * 1024**3  # S3: the most that one request copies
_IN_PIECES = TransferConfig(multipart_threshold=1, multipart_chunksize=1024**3, max_concurrency=10)


def publish(s3: "S3Client", export: Export, checkpoint: Checkpoint, key: str) -> None:
    """Make the bytes of *checkpoint*, all of which are in parts, the object *key*; it appears whole or not at all.

    A repeat finds what is done and does the rest.

    Raises:
        PartsMismatch, UploadGone: as `assemble`; nothing was published.
    """
    if not assemble(s3, export, checkpoint, key):
        appear(s3, export, checkpoint, key)
    clear(s3, export)


def assemble(s3: "S3Client", export: Export, checkpoint: Checkpoint, key: str) -> bool:
    """Make one object of the parts, below `staging/`; say whether *key* was published already.

    Raises:
        PartsMismatch: S3 does not hold what was rendered; nothing was published.
        UploadGone: the upload expired or was aborted, and no object was made of it.
    """
    if checkpoint.bytes == 0:
        return False  # an upload of no parts cannot complete, and expires
    upload = MultipartUpload(s3, export.bucket, export.upload_key, export.upload_id)
    try:
        upload.complete(proven(upload.parts(), checkpoint))
    except UploadGone:
        # Completed by an attempt whose answer was lost: the key below staging/ is this export's alone.
        if object_bytes(s3, export.bucket, export.upload_key) != checkpoint.bytes:
            if object_bytes(s3, export.bucket, key) == checkpoint.bytes:
                return True
            raise
    return False


def appear(s3: "S3Client", export: Export, checkpoint: Checkpoint, key: str) -> None:
    """Put what was assembled in its place."""
    if checkpoint.bytes == 0:
        s3.put_object(Bucket=export.bucket, Key=key, ContentType=CONTENT_TYPES[export.request.format])
        return
    source: CopySourceTypeDef = {"Bucket": export.bucket, "Key": export.upload_key}
    if checkpoint.bytes <= ONE_COPY_BYTES:
        s3.copy_object(CopySource=source, Bucket=export.bucket, Key=key)
    else:
        s3.copy(source, export.bucket, key, Config=_IN_PIECES)


def clear(s3: "S3Client", export: Export) -> None:
    """Delete what was assembled, once it has been published."""
    s3.delete_object(Bucket=export.bucket, Key=export.upload_key)
