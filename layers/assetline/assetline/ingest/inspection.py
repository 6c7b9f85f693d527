"""An object that arrived is read once, and becomes a drop that waits or one that is refused, with the reason."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from assetline.aws.failures import reading
from assetline.ingest.arrival import Arrival
from assetline.ingest.asset_names import DATASET_ID, asset_filename, dataset_and_path
from assetline.ingest.drop import NOWHERE, Drop, drop_id
from assetline.vi import crc32c
from assetline.vi.media_types import HEAD_BYTES, NotMedia, by_extension, checked

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

MAX_SUMMED_BYTES = 1024**3  # Vi: beyond a GiB a session takes no checksum (contract sheet, section 5)
MAX_VIDEO_BYTES = 64 * 1024**3  # ours: what one invocation can stream
PIECE = 1024**2

DELETED = "Deleted"
OVERWRITTEN = "Overwritten"
ARCHIVED = "Archived"
_GONE = {
    "NoSuchKey": DELETED,
    "NoSuchVersion": DELETED,
    "404": DELETED,
    "PreconditionFailed": OVERWRITTEN,
    "412": OVERWRITTEN,
    "InvalidObjectState": ARCHIVED,
}
GONE_MESSAGES = {
    DELETED: "It was deleted before it could be read: drop it again.",
    OVERWRITTEN: "Another object took its key before it was read; that one is a drop of its own.",
    ARCHIVED: "It is archived, and S3 does not give it out as it is: restore it, and drop a copy of it.",
}


@dataclass(frozen=True)
class Limits:
    """What a drop may be, and where one goes whose key does not say."""

    max_image_bytes: int
    default_dataset: str


def inspect(s3: "S3Client", arrival: Arrival, limits: Limits, now: datetime | None = None) -> Drop:
    """Return the drop that an object is: `dropped`, or `rejected` with the reason why it cannot be an asset.

    Raises:
        AwsUnavailable: S3 cannot be asked just now.
        AwsRefused: S3 denies the object.
    """
    seen_at = now or datetime.now(UTC)
    dataset_id, path = _where(arrival, limits)
    drop = Drop(
        drop_id=drop_id(arrival.bucket, arrival.key, arrival.version),
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
        _check_before_reading(drop, path, limits)
        return drop.model_copy(update=_read(s3, drop, path))
    except NotMedia as refusal:
        return drop.model_copy(update={"state": "rejected", "reason": refusal.reason, "message": str(refusal)})


def version_of(drop: Drop) -> dict[str, Any]:
    """Return the parameters that make S3 give out the object as it was dropped, if it still is that, or refuse.

    Also where S3 keeps versions: an older one has the name of the newer one's asset, and must not take its place.
    """
    return {"IfMatch": f'"{drop.etag}"'}


def gone_reason(error: ClientError) -> str | None:
    """Return why an object is not to be had any more; None for an error of another kind."""
    return _GONE.get(error.response.get("Error", {}).get("Code", ""))


def _where(arrival: Arrival, limits: Limits) -> tuple[str | None, str]:
    if arrival.dataset_id is None:
        return dataset_and_path(arrival.key, limits.default_dataset)
    if not DATASET_ID.fullmatch(arrival.dataset_id):
        return None, arrival.key
    # A key that names the dataset is called as it would be if it were dropped; of any other, all of it says something.
    return arrival.dataset_id, arrival.key.removeprefix(f"{arrival.dataset_id}/") or arrival.key


def _check_before_reading(drop: Drop, path: str, limits: Limits) -> None:
    if drop.dataset_id == NOWHERE:
        raise NotMedia("NoDataset", "Its key names no dataset: drop it as DATASET_ID/…, or set DefaultDatasetId.")
    media = by_extension(path)
    if media is None:
        raise NotMedia("UnsupportedType", "Its extension is of no image or video that Vi takes.")
    if drop.size == 0:
        raise NotMedia("EmptyObject", "It has no bytes: drop it again, whole.")
    limit = limits.max_image_bytes if media.kind == "Image" else MAX_VIDEO_BYTES
    if drop.size > limit:
        raise NotMedia("TooLarge", f"It has {drop.size:,} bytes, and at most {limit:,} are taken.")


def _read(s3: "S3Client", drop: Drop, path: str) -> dict[str, Any]:
    """Return what is known of a drop when its object has been read, as far as it has to be."""
    try:
        answer = s3.get_object(Bucket=drop.bucket, Key=drop.key, ChecksumMode="ENABLED", **version_of(drop))
    except ClientError as error:
        reason = gone_reason(error)
        if reason is None:
            raise
        raise NotMedia(reason, GONE_MESSAGES[reason]) from None
    body = answer["Body"]
    try:
        with reading(f"s3://{drop.bucket}/{drop.key}"):
            head = body.read(HEAD_BYTES)
            media = checked(path, head)
            stored = _stored_checksum(answer)
            if stored is None and answer["ContentLength"] <= MAX_SUMMED_BYTES:
                checksum = crc32c.Crc32c()
                checksum.update(head)
                for piece in _pieces(body):
                    checksum.update(piece)
                stored = checksum.signed
    finally:
        body.close()
    return {
        "size": answer["ContentLength"],
        "mime": media.mime,
        "kind": media.kind,
        "crc32c": stored,
        "custom_metadata": answer.get("Metadata") or None,
        "tag_count": answer.get("TagCount", 0),
    }


def _stored_checksum(answer: "GetObjectOutputTypeDef") -> int | None:
    # That of an object put in parts may be one of checksums, which is of no use to anybody else.
    if "ChecksumCRC32C" not in answer or answer.get("ChecksumType", "FULL_OBJECT") != "FULL_OBJECT":
        return None
    return None if "-" in answer["ChecksumCRC32C"] else crc32c.from_s3(answer["ChecksumCRC32C"])


def _pieces(body: Any) -> Iterator[bytes]:
    while piece := body.read(PIECE):
        yield piece
