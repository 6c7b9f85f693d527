"""From an upload to a file: the parts are proven, the upload completes below `staging/`, and its copy is published."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from assetline.aws.copy_object import copy_object
from assetline.aws.s3_documents import Address, object_bytes
from assetline.errors import UploadGone
from assetline.export.checkpoint import Checkpoint, Export
from assetline.export.file_formats import CONTENT_TYPES
from assetline.export.multipart_upload import MultipartUpload, Part, proven

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def assemble(s3: "S3Client", export: Export, checkpoint: Checkpoint, key: str, last: Sequence[Part] = ()) -> bool:
    """Make one object of the parts, below `staging/`; return whether *key* was published already.

    *last* are parts from `next_part` on that the caller has put itself.

    Raises:
        PartsMismatch: S3 does not hold what was rendered; nothing was published.
        UploadGone: the upload expired or was aborted, and no object was made of it.
    """
    if checkpoint.bytes == 0:
        return False  # an upload of no parts cannot complete, and expires
    upload = MultipartUpload(s3, export.bucket, export.upload_key, export.upload_id)
    try:
        upload.complete(proven(upload.parts(), checkpoint, last))
    except UploadGone:
        # Completed by an attempt whose answer was lost: the key below staging/ is this export's alone.
        if object_bytes(s3, export.bucket, export.upload_key) != checkpoint.bytes:
            if object_bytes(s3, export.bucket, key) == checkpoint.bytes:
                return True
            raise
    return False


def appear(s3: "S3Client", export: Export, checkpoint: Checkpoint, key: str) -> None:
    """Copy the assembled object to *key*, where it appears complete or not at all; a repeat replaces it."""
    content_type = CONTENT_TYPES[export.request.format]
    if checkpoint.bytes == 0:
        s3.put_object(Bucket=export.bucket, Key=key, ContentType=content_type)
    else:
        source = Address(bucket=export.bucket, key=export.upload_key)
        copy_object(s3, source, Address(bucket=export.bucket, key=key), checkpoint.bytes, content_type)


def clear(s3: "S3Client", export: Export) -> None:
    """Delete the assembled object, once it has been published."""
    s3.delete_object(Bucket=export.bucket, Key=export.upload_key)
