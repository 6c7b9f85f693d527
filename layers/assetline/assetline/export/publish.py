"""Publishes a file: verifies the parts, joins them under the file's key, and deletes them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from assetline.aws.failures import code_of
from assetline.aws.join_objects import abort_uploads, delete_objects, join_objects
from assetline.aws.s3_documents import Address, is_absent, object_bytes
from assetline.errors import AwsUnavailable, StagedGone
from assetline.export.checkpoint import Checkpoint, Export
from assetline.export.file_formats import CONTENT_TYPES
from assetline.export.sealed_parts import SealedPart, prove, sources_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def publish(s3: "S3Client", export: Export, checkpoint: Checkpoint, parts: Sequence[SealedPart], key: str) -> None:
    """Join the parts into the object *key*; it appears complete or not at all, and a repeat replaces it by the same.

    Raises:
        PartsMismatch: the bytes are not the rendered ones; nothing was published.
        StagedGone: a part has expired; nothing was published.
        AwsUnavailable: as for any call, or because a repeat has aborted the upload.
    """
    prove(parts, checkpoint)
    content_type = CONTENT_TYPES[export.request.format]
    if not parts:
        s3.put_object(Bucket=export.bucket, Key=key, ContentType=content_type)
        return
    try:
        sources = sources_of(export.export_id, parts)
        join_objects(s3, sources, Address(bucket=export.bucket, key=key), content_type)
    except ClientError as error:
        refusal = _refusal(error, export)
        if refusal is None:
            raise
        # If the sizes match, another attempt has published and deleted the parts: only this export uses the key.
        if object_bytes(s3, export.bucket, key) != checkpoint.bytes:
            raise refusal from error


def clear(s3: "S3Client", export: Export, parts: Sequence[SealedPart], key: str) -> None:
    """Delete the parts, and abort the unfinished uploads of earlier attempts, after *key* is published."""
    delete_objects(s3, export.bucket, [source.key for source in sources_of(export.export_id, parts)])
    if parts:
        abort_uploads(s3, Address(bucket=export.bucket, key=key))


def _refusal(error: ClientError, export: Export) -> Exception | None:
    """Return the error of an export that *error* implies, None to raise *error* itself."""
    if is_absent(error):
        return StagedGone(
            f"A part of the export {export.export_id!r} is no longer below staging/ in {export.bucket}: staged objects "
            "expire after 7 days. Nothing was published. Start a new export."
        )
    if code_of(error) == "NoSuchUpload":
        return AwsUnavailable(
            "The upload of the file no longer exists in S3: another attempt has aborted it. The machine retries."
        )
    return None
