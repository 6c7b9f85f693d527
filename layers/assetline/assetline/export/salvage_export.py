"""Settles an execution that did not complete: publishes the data of a stopped one, keeps that of a failed one."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from assetline.aws.event_bus import EXPORT_SALVAGED, announce
from assetline.errors import InvalidInput, NamesExhausted, PartsMismatch, StagedGone
from assetline.export.checkpoint import MAX_PARTS, Checkpoint, Export
from assetline.export.close_export import close_export, put_manifest
from assetline.export.ended_execution import EndedExecution
from assetline.export.export_item import ExportProgress
from assetline.export.export_names import export_ids, partial_key, partial_manifest_key
from assetline.export.exports_table import ExportsTable
from assetline.export.file_formats import rendering
from assetline.export.manifest import manifest_of
from assetline.export.open_export import candidates
from assetline.export.part_writer import PartWriter
from assetline.export.publish import clear, publish
from assetline.export.request import ResumeRequest, called_after, parsed_request
from assetline.export.sealed_parts import keep_part
from assetline.export.staging import ExportStaging
from assetline.export.turn_memory import Memory
from assetline.observability import logger

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_s3 import S3Client


class Salvaged(BaseModel, frozen=True):
    """The published data of an export that was stopped."""

    export_id: str
    feed: str
    bucket: str
    key: str
    manifest_key: str
    rows: int
    pages: int
    complete: bool = Field(default=False)


def end_export(  # noqa: PLR0913 - connections of the caller
    ended: EndedExecution,
    bucket: str,
    s3: "S3Client",
    table: ExportsTable,
    events: "EventBridgeClient",
    *,
    latest_file: bool,
) -> Salvaged | None:
    """Record the end of an export's execution; publish its data if it was stopped. A repeat is harmless.

    An export that was claimed for publication before the stop is published as complete, with *latest_file* as
    `close_export`. The function returns None
    without a partial file: the export failed and may be resumed, has ended, is complete, or was never opened.
    """
    if ended.status == "ABORTED":
        _keep_from_opening(ended, bucket, table)
    claimed = _claimed_by(ended, table)
    if claimed is None or table.is_over(claimed.export_id):
        return None
    if ended.status != "ABORTED" and not table.was_stopped(claimed.export_id):
        table.fail(claimed, ended.error or ended.status, ended.message())
        return None
    opened = table.opened(claimed.export_id)
    if opened is None:
        table.update(claimed, state="partial")
        return None
    try:
        if table.stop(opened.export):
            opened = table.opened(claimed.export_id) or opened  # a turn may have stored more before the stop
            return _salvage(opened.export, opened.checkpoint, s3, table, events)
        if table.is_claimed(opened.export):
            close_export(opened.export, opened.checkpoint, s3, table, events, latest_file=latest_file)
        return None  # noqa: TRY300 - nothing partial
    except (PartsMismatch, StagedGone) as error:
        # No repeat can publish it: the export ends here, with the reason.
        logger.error("export_not_salvaged", export_id=claimed.export_id, error=type(error).__name__)
        outcome = {"error": type(error).__name__, "message": str(error)}
        table.update(claimed, state="partial", **outcome, pause_seconds=0, remaining=None, eta_seconds=None)
        return None


def _keep_from_opening(ended: EndedExecution, bucket: str, table: ExportsTable) -> None:
    """Block the opening of an execution that was stopped while it opened: its function may still be running."""
    opening = ended.opening()
    if ResumeRequest.is_requested(opening.request_input):
        table.bar(str(opening.request_input["resume"]), ended.execution_arn)
        return
    with suppress(InvalidInput, NamesExhausted):  # then the execution opens nothing
        table.claim(candidates(opening, parsed_request(opening.request_input), bucket, state="partial"))


def _claimed_by(ended: EndedExecution, table: ExportsTable) -> ExportProgress | None:
    """Return the export of the execution, by the names it may have claimed."""
    for export_id in _names(ended):
        item = table.item(export_id)
        if item is None:
            return None
        if item["execution_arn"] == ended.execution_arn:
            return ExportProgress.from_item(item)
    return None


def _names(ended: EndedExecution) -> Iterator[str]:
    raw_input = ended.request_input()
    if ResumeRequest.is_requested(raw_input):
        yield str(raw_input["resume"])
    elif (feed := called_after(raw_input)) is not None:
        yield from export_ids(feed, ended.started_at)


def _salvage(
    export: Export, checkpoint: Checkpoint, s3: "S3Client", table: ExportsTable, events: "EventBridgeClient"
) -> Salvaged:
    staging = ExportStaging(s3, export.bucket, export.export_id)
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
    announce(events, EXPORT_SALVAGED, salvaged)  # before the table marks the end
    table.update(
        export,
        state="partial",
        partial_key=key,
        rows=sealed.rows,
        pages=sealed.pages,
        bytes=sealed.bytes,
        error=None,  # of an earlier execution: a failure may be recorded late
        message=None,
        pause_seconds=0,
        remaining=None,
        eta_seconds=None,
    )
    logger.info("export_salvaged", export_id=export.export_id, rows=sealed.rows, pages=sealed.pages)
    return salvaged


def _publish_partial(export: Export, checkpoint: Checkpoint, memory: Memory, s3: "S3Client", key: str) -> Checkpoint:
    """Publish the bytes of *checkpoint* as *key*, with the tail as last part; return the checkpoint of the file.

    Raises:
        PartsMismatch, StagedGone: as `publish`.
    """
    staging = ExportStaging(s3, export.bucket, export.export_id)
    writer = PartWriter(
        checkpoint.model_copy(update={"last_part": MAX_PARTS}),
        staging.fetch(checkpoint.tail),
        memory.parts,
        partial(keep_part, staging),
    )
    with writer:
        writer.write(rendering(export.request, memory).end())
        writer.end_feed()
    places = {"next_part": writer.next_part, "bytes": writer.bytes, "crc32": writer.crc32, "tail": None}
    sealed = checkpoint.model_copy(update=places)
    publish(s3, export, sealed, memory.parts, key)
    clear(s3, export, memory.parts, key)
    return sealed
