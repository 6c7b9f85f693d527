"""Close Export: the parts are proven, the object appears, the manifest says it is whole, the bus hears of it."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pydantic import BaseModel

from assetline.errors import UploadGone
from assetline.export.checkpoint import Checkpoint, Export
from assetline.export.exports_table import ExportsTable
from assetline.export.manifest import Manifest, manifest_of
from assetline.export.upload import MultipartUpload, proven
from assetline.observability import logger

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_s3 import S3Client

EVENT_SOURCE = "assetline"
EVENT_DETAIL_TYPE = "Export Complete"


class Result(BaseModel, frozen=True):
    """The output of the execution."""

    export_id: str
    feed: str
    bucket: str
    key: str
    manifest_key: str
    rows: int
    pages: int
    bytes: int
    turns: int
    complete: bool


def close_export(
    export: Export, checkpoint: Checkpoint, s3: "S3Client", table: ExportsTable, events: "EventBridgeClient"
) -> Result:
    """Publish the object, its manifest and the news of it; a repeat finds what is done and does the rest.

    Raises:
        PartsMismatch: S3 does not hold what was rendered; nothing was published.
        UploadGone: the upload expired or was aborted, and no object was published from it.
    """
    _publish(MultipartUpload(s3, export.bucket, export.key, export.upload_id), checkpoint)
    finished_at = datetime.now(UTC)
    manifest = manifest_of(export, checkpoint, finished_at)
    s3.put_object(
        Bucket=export.bucket,
        Key=export.manifest_key,
        Body=manifest.model_dump_json(indent=2).encode() + b"\n",
        ContentType="application/json",
    )
    table.update(
        export.export_id,
        state="complete",
        finished_at=finished_at,
        rows=checkpoint.rows,
        pages=checkpoint.pages,
        bytes=checkpoint.bytes,
        turns=checkpoint.turns,
        pages_per_second=manifest.pages_per_second,
        rows_per_second=manifest.rows_per_second,
        remaining=None,
        eta_seconds=None,
    )
    result = _result(export, checkpoint, manifest)
    events.put_events(
        Entries=[{"Source": EVENT_SOURCE, "DetailType": EVENT_DETAIL_TYPE, "Detail": result.model_dump_json()}]
    )
    logger.info("export_complete", rows=result.rows, pages=result.pages, bytes=result.bytes, turns=result.turns)
    return result


def _publish(upload: MultipartUpload, checkpoint: Checkpoint) -> None:
    try:
        parts = upload.parts()
        upload.complete(proven(parts, next_part=checkpoint.next_part, size=checkpoint.bytes, checksum=checkpoint.crc32))
    except UploadGone:
        # Completed by an attempt whose answer was lost: the key is claimed by this export alone.
        if upload.published_bytes() != checkpoint.bytes:
            raise


def _result(export: Export, checkpoint: Checkpoint, manifest: Manifest) -> Result:
    return Result(
        export_id=export.export_id,
        feed=export.request.feed,
        bucket=export.bucket,
        key=export.key,
        manifest_key=export.manifest_key,
        rows=checkpoint.rows,
        pages=checkpoint.pages,
        bytes=checkpoint.bytes,
        turns=checkpoint.turns,
        complete=manifest.complete,
    )
