"""An execution that did not complete: what it had written is published if it was stopped, kept if it failed."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from assetline.aws.event_bus import EXPORT_SALVAGED, announce
from assetline.errors import InvalidInput, NamesExhausted, PartsMismatch, StagedGone, UploadGone
from assetline.export.checkpoint import MAX_PARTS, Checkpoint, Export
from assetline.export.close_export import put_manifest
from assetline.export.ended_execution import EndedExecution
from assetline.export.export_item import Progress
from assetline.export.export_names import export_ids, partial_key, partial_manifest_key
from assetline.export.exports_table import ExportsTable
from assetline.export.file_formats import rendering
from assetline.export.manifest import manifest_of
from assetline.export.multipart_upload import MultipartUpload, Part
from assetline.export.open_export import candidates
from assetline.export.part_writer import PartWriter
from assetline.export.publish import appear, assemble, clear
from assetline.export.request import ResumeRequest, asked_for, called_after
from assetline.export.staging import Staging
from assetline.export.turn_memory import Memory
from assetline.observability import logger

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_s3 import S3Client


TAIL_PUTS = 5  # ours: how often the tail is put while a turn that still runs replaces it


class Salvaged(BaseModel, frozen=True):
    """What is left of an export that was stopped."""

    export_id: str
    feed: str
    bucket: str
    key: str
    manifest_key: str
    rows: int
    pages: int
    complete: bool = Field(default=False)


def end_export(
    ended: EndedExecution, bucket: str, s3: "S3Client", table: ExportsTable, events: "EventBridgeClient"
) -> Salvaged | None:
    """Note how an export's execution ended; publish what it had written if somebody stopped it. A repeat is harmless.

    Returns None when there is nothing to publish: it failed and may be resumed, or is over, or was never opened.
    """
    if ended.status == "ABORTED":
        _keep_from_opening(ended, bucket, table)
    claimed = _claimed_by(ended, table)
    if claimed is None or table.is_over(claimed.export_id):
        return None
    if ended.status != "ABORTED":
        table.fail(claimed, ended.error or ended.status, ended.message())
        return None
    opened = table.opened(claimed.export_id)
    if opened is None:
        table.update(claimed, state="partial")
        return None
    table.stop(opened.export)
    try:
        return _salvage(opened.export, table.furthest(opened.export, opened.checkpoint), s3, table, events)
    except (PartsMismatch, StagedGone, UploadGone) as error:
        # No repeat publishes it: the export ends here, with the reason, instead of running for ever.
        logger.error("export_not_salvaged", export_id=claimed.export_id, error=type(error).__name__)
        outcome = {"error": type(error).__name__, "message": str(error)}
        table.update(claimed, state="partial", **outcome, pause_seconds=0, remaining=None, eta_seconds=None)
        return None


def _keep_from_opening(ended: EndedExecution, bucket: str, table: ExportsTable) -> None:
    """Leave, where an execution was stopped while it opened, what its function meets: that goes on all the same."""
    asked = ended.opening()
    if ResumeRequest.asked_for(asked.asked):
        table.bar(str(asked.asked["resume"]), ended.execution_arn)
        return
    with suppress(InvalidInput, NamesExhausted):  # then it opens nothing
        table.claim(candidates(asked, asked_for(asked.asked), bucket, state="partial"))


def _claimed_by(ended: EndedExecution, table: ExportsTable) -> Progress | None:
    """Return the export that belongs to the execution, by the names it may have claimed."""
    for export_id in _names(ended):
        item = table.item(export_id)
        if item is None:
            return None
        if item["execution_arn"] == ended.execution_arn:
            return Progress.from_item(item)
    return None


def _names(ended: EndedExecution) -> Iterator[str]:
    asked = ended.asked()
    if ResumeRequest.asked_for(asked):
        yield str(asked["resume"])
    elif (feed := called_after(asked)) is not None:
        yield from export_ids(feed, ended.started_at)


def _salvage(
    export: Export, checkpoint: Checkpoint, s3: "S3Client", table: ExportsTable, events: "EventBridgeClient"
) -> Salvaged:
    staging = Staging(s3, export.bucket, export.export_id)
    memory = Memory.from_bytes(staging.fetch(checkpoint.memory))
    feed, format_ = export.request.feed, export.request.format
    key = partial_key(feed, export.export_id, format_)
    sealed = _publish_partial(export, checkpoint, memory, s3, key)
    manifest = manifest_of(export, sealed, memory, key=key, complete=False, finished_at=datetime.now(UTC))
    manifest_key = partial_manifest_key(feed, export.export_id)
    put_manifest(s3, manifest, manifest_key)
    salvaged = Salvaged(
        export_id=export.export_id,
        feed=feed,
        bucket=export.bucket,
        key=key,
        manifest_key=manifest_key,
        rows=sealed.rows,
        pages=sealed.pages,
    )
    announce(events, EXPORT_SALVAGED, salvaged)  # before the table says that all is done
    table.update(
        export,
        state="partial",
        partial_key=key,
        rows=sealed.rows,
        pages=sealed.pages,
        bytes=sealed.bytes,
        pause_seconds=0,
        remaining=None,
        eta_seconds=None,
    )
    logger.info("export_salvaged", export_id=export.export_id, rows=sealed.rows, pages=sealed.pages)
    return salvaged


def _publish_partial(export: Export, checkpoint: Checkpoint, memory: Memory, s3: "S3Client", key: str) -> Checkpoint:
    """Publish the bytes of *checkpoint* as *key* and return the checkpoint that describes them.

    The tail becomes the next part. A turn that still runs may replace that part before the upload is completed: S3
    then refuses to complete it, and the tail is put again.

    Raises:
        PartsMismatch: the part was replaced each time, or S3 does not hold the parts below it.
        UploadGone: the upload expired or was aborted.
    """
    tail = Staging(s3, export.bucket, export.export_id).fetch(checkpoint.tail)
    end = rendering(export.request, memory).end()
    for attempt in range(1, TAIL_PUTS + 1):
        sealed, last = _seal(export, checkpoint, tail, end, s3)
        try:
            if not assemble(s3, export, sealed, key, last):
                appear(s3, export, sealed, key)
        except PartsMismatch:
            if attempt == TAIL_PUTS:
                raise
            logger.warning("tail_replaced", export_id=export.export_id, attempt=attempt)
        else:
            break
    clear(s3, export)
    return sealed


def _seal(
    export: Export, checkpoint: Checkpoint, tail: bytes, end: bytes, s3: "S3Client"
) -> tuple[Checkpoint, list[Part]]:
    """Put *tail* and *end* as the parts from `next_part` on; return what is then rendered, and those parts."""
    upload = MultipartUpload(s3, export.bucket, export.upload_key, export.upload_id)
    last: list[Part] = []

    def put(number: int, body: bytes) -> None:
        with suppress(UploadGone):  # an earlier attempt has completed it, or `assemble` finds that it is gone
            last.append(upload.put(number, body))

    with PartWriter(checkpoint.model_copy(update={"last_part": MAX_PARTS}), tail, put) as writer:
        writer.write(end)
        writer.end_feed()
    return checkpoint.model_copy(update={"bytes": writer.bytes, "crc32": writer.crc32, "tail": None}), last
