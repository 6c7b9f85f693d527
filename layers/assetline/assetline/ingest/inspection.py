"""Turns an object that arrived into a waiting or a rejected drop, by its key, its size and its head."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from assetline.aws.failures import code_of, reading
from assetline.ingest.arrival import ObjectArrival
from assetline.ingest.asset_names import DATASET_ID, asset_filename, dataset_and_path, short_dataset_id
from assetline.ingest.drop import NOWHERE, Drop, drop_id
from assetline.ingest.user_metadata import decoded_metadata
from assetline.vi import crc32c
from assetline.vi.media_types import HEAD_BYTES, MediaType, NotMedia, by_extension, checked

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

MAX_VIDEO_BYTES = 16 * 1024**3  # ours: one invocation of 900 seconds streams this at 20 MB/s

DELETED = "Deleted"
OVERWRITTEN = "Overwritten"
ARCHIVED = "Archived"
NOT_READABLE = "NotReadable"
NOT_INSPECTED = "NotInspected"
PROBED = 10  # ours: objects that are probed before a complete bucket counts as denied
_REASONS_OF_CODES = {
    "NoSuchKey": DELETED,
    "NoSuchVersion": DELETED,
    "404": DELETED,
    "PreconditionFailed": OVERWRITTEN,
    "412": OVERWRITTEN,
    "InvalidObjectState": ARCHIVED,
}
UNAVAILABLE_MESSAGES = {
    DELETED: "The object was deleted before it could be read: drop it again.",
    OVERWRITTEN: "Another object replaced it before it was read. The new object is a drop of its own.",
    ARCHIVED: "The object is archived, so S3 does not return it: restore it, and drop a copy of it.",
}


@dataclass(frozen=True)
class DropLimits:
    """The limits of a drop, and the default dataset for keys without one."""

    max_image_bytes: int
    default_dataset: str


def described(arrival: ObjectArrival, limits: DropLimits, now: datetime | None = None) -> Drop:
    """Return the drop for an object by its key and size: `dropped`, or `rejected` with the reason."""
    seen_at = now or datetime.now(UTC)
    dataset_id, path = _where(arrival, limits)
    drop = Drop(
        drop_id=drop_id(arrival.bucket, arrival.key, arrival.etag),
        bucket=arrival.bucket,
        key=arrival.key,
        etag=arrival.etag,
        version_id=arrival.version_id,
        sequencer=arrival.sequencer,
        size=arrival.size,
        dataset_id=dataset_id or NOWHERE,
        asset_filename=asset_filename(path),
        state="dropped",
        dropped_at=seen_at,
        updated_at=seen_at,
    )
    try:
        media = _checked_before_reading(drop, path, limits)
    except NotMedia as refusal:
        return _rejected(drop, refusal)
    return drop.model_copy(update={"mime": media.mime, "kind": media.kind})


def read(s3: "S3Client", drop: Drop) -> Drop:
    """Return a drop with the properties of its object; `rejected` if the content cannot be an asset.

    Raises:
        AwsUnavailable: S3 did not answer.
        AwsRefused: AWS denies the object.
    """
    unread = drop.model_copy(update={"mime": None, "kind": None})
    try:
        return drop.model_copy(update=_read(s3, drop))
    except NotMedia as refusal:
        return _rejected(unread, refusal)


def unreadable(drop: Drop, refusal: ClientError) -> Drop:
    """Return a drop `rejected` because AWS denies its object.

    The drop keeps the type that its key implies, so that a retry can upload it without an inspection.
    """
    reason = str(refusal.response.get("Error", {}).get("Message", "")).rstrip(".")
    message = (
        f"AWS denies this object ({code_of(refusal)}{f': {reason}' if reason else ''}). Let the functions record_drop "
        "and upload_assets read it: check the bucket's policy, the object's owner and its KMS key. "
        "Then run `assetline drops retry`."
    )
    return drop.model_copy(update={"state": "rejected", "reason": NOT_READABLE, "message": message})


def not_inspected(drop: Drop, error: Exception) -> Drop:
    """Return a drop `rejected` because its inspection raised *error*, which concerns no other objects."""
    message = (
        f"Assetline could not inspect this object ({type(error).__name__}). Check that the file opens in another "
        "program. Then run `assetline drops retry`."
    )
    return drop.model_copy(update={"state": "rejected", "reason": NOT_INSPECTED, "message": message})


def another_is_readable(s3: "S3Client", denied: Drop) -> bool:
    """Return whether S3 returns another object of the bucket of a *denied* one: then only this object is denied.

    The function requests one byte of each of the first few objects of the bucket. If the bucket cannot be listed, it
    returns False.
    """
    try:
        listed = s3.list_objects_v2(Bucket=denied.bucket, MaxKeys=PROBED + 1).get("Contents", [])
        keys = [item["Key"] for item in listed if item["Key"] != denied.key and item["Size"]]
    except ClientError:
        return False
    return any(_is_readable(s3, denied.bucket, key) for key in keys[:PROBED])


def _is_readable(s3: "S3Client", bucket: str, key: str) -> bool:
    try:
        s3.get_object(Bucket=bucket, Key=key, Range="bytes=0-0")["Body"].close()
    except ClientError:
        return False
    return True


def version_of(drop: Drop) -> dict[str, Any]:
    """Return the parameters with which S3 returns the object only if it is unchanged since the drop.

    This applies to versioned buckets, too. An older version has the same asset name as the newer one, and must not
    replace it.
    """
    return {"IfMatch": f'"{drop.etag}"'}


def unavailable_reason(error: ClientError) -> str | None:
    """Return why an object is no longer available, None for any other error."""
    return _REASONS_OF_CODES.get(error.response.get("Error", {}).get("Code", ""))


def _where(arrival: ObjectArrival, limits: DropLimits) -> tuple[str | None, str]:
    if arrival.dataset_id is None:
        return dataset_and_path(arrival.key, limits.default_dataset)
    if not DATASET_ID.fullmatch(arrival.dataset_id):
        return None, arrival.key
    # A key with the dataset is named as in a drop. For any other key, the complete key is the path.
    dataset_id = short_dataset_id(arrival.dataset_id)
    first, _, rest = arrival.key.partition("/")
    return dataset_id, rest if rest and short_dataset_id(first) == dataset_id else arrival.key


def _rejected(drop: Drop, refusal: NotMedia) -> Drop:
    return drop.model_copy(update={"state": "rejected", "reason": refusal.reason, "message": str(refusal)})


def _checked_before_reading(drop: Drop, path: str, limits: DropLimits) -> MediaType:
    if drop.dataset_id == NOWHERE:
        raise NotMedia("NoDataset", "The key contains no dataset: drop it as DATASET_ID/…, or set DefaultDatasetId.")
    media = by_extension(path)
    if media is None:
        raise NotMedia("UnsupportedType", "Vi does not accept this extension. Convert the file.")
    if drop.size == 0:
        raise NotMedia("EmptyObject", "The file is empty. Drop the complete file.")
    if media.kind == "Image" and drop.size > limits.max_image_bytes:
        raise _too_large("image", drop.size, limits.max_image_bytes, "Reduce it, or set a larger MaxImageBytes.")
    if media.kind == "Video" and drop.size > MAX_VIDEO_BYTES:
        raise _too_large("video", drop.size, MAX_VIDEO_BYTES, "Cut it into shorter videos, or compress it more.")
    return media


def _too_large(what: str, size: int, limit: int, action: str) -> NotMedia:
    reason = f"The {what} has {size:,} bytes. The limit is {limit:,} bytes ({limit / 1024**2:,.0f} MiB)."
    return NotMedia("TooLarge", f"{reason} {action} Then drop it again.")


def _read(s3: "S3Client", drop: Drop) -> dict[str, Any]:
    """Return the properties in the head and the headers of an object; raises `NotMedia` if it cannot be an asset.

    The function requests the complete object, and closes the connection after the head. A Range would keep the
    connection, but S3 returns no checksum for a range, so each object would need a second request. Bytes sent until
    then are free within a region. A video whose index is not in its head needs a second request.
    """
    answer, head = _got(s3, drop, ChecksumMode="ENABLED")
    size = answer["ContentLength"]
    media = checked(drop.key, head, lambda start: _read_from(s3, drop, start) if start < size else b"")
    return {
        "size": size,
        "mime": media.mime,
        "kind": media.kind,
        "crc32c": _stored_checksum(answer),
        "custom_metadata": decoded_metadata(answer.get("Metadata", {})) or None,
        "tag_count": answer.get("TagCount", 0),
    }


def _read_from(s3: "S3Client", drop: Drop, start: int) -> bytes:
    """Return as many bytes of an object as in its head, from *start* on: only videos need this request."""
    _, piece = _got(s3, drop, Range=f"bytes={start}-{start + HEAD_BYTES - 1}")
    return piece


def _got(s3: "S3Client", drop: Drop, **params: Any) -> "tuple[GetObjectOutputTypeDef, bytes]":
    """Return S3's answer and its first bytes; raises `NotMedia` if the object is no longer available."""
    try:
        answer = s3.get_object(Bucket=drop.bucket, Key=drop.key, **params, **version_of(drop))
    except ClientError as error:
        reason = unavailable_reason(error)
        if reason is None:
            raise
        raise NotMedia(reason, UNAVAILABLE_MESSAGES[reason]) from None
    body = answer["Body"]
    try:
        with reading(f"s3://{drop.bucket}/{drop.key}"):
            return answer, body.read(HEAD_BYTES)
    finally:
        body.close()


def _stored_checksum(answer: "GetObjectOutputTypeDef") -> int | None:
    # For an object in parts, it may be a checksum of checksums, which no other system uses.
    if "ChecksumCRC32C" not in answer or answer.get("ChecksumType", "FULL_OBJECT") != "FULL_OBJECT":
        return None
    return None if "-" in answer["ChecksumCRC32C"] else crc32c.from_s3(answer["ChecksumCRC32C"])
