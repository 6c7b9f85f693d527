"""An execution that did not complete: what it had written is published if it was stopped, kept if it failed."""

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from assetline.aws.event_bus import EXPORT_SALVAGED, announce
from assetline.errors import InvalidInput, NamesExhausted, UploadGone
from assetline.export.checkpoint import MAX_PARTS, SALVAGE_PARTS, Checkpoint, Export
from assetline.export.close_export import put_manifest
from assetline.export.export_item import Progress
from assetline.export.export_names import export_ids, partial_key, partial_manifest_key
from assetline.export.exports_table import ExportsTable
from assetline.export.file_formats import rendering
from assetline.export.manifest import manifest_of
from assetline.export.multipart_upload import MultipartUpload
from assetline.export.open_export import Opening, candidates
from assetline.export.part_writer import PartWriter
from assetline.export.publish import publish
from assetline.export.request import ResumeRequest, asked_for, called_after
from assetline.export.staging import Staging
from assetline.export.turn_memory import Memory
from assetline.observability import logger

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_s3 import S3Client


class Ending(BaseModel):
    """The detail of EventBridge's "Step Functions Execution Status Change"; `start_date` is in milliseconds."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel)

    execution_arn: str
    status: Literal["ABORTED", "FAILED", "TIMED_OUT"]
    start_date: int
    input: str | None = None
    error: str | None = None
    cause: str | None = None

    def asked(self) -> dict[str, Any]:
        """Return the execution's input; {} when it is no JSON object, or too long for an event."""
        asked = _json(self.input)
        return asked if isinstance(asked, dict) else {}

    @property
    def started_at(self) -> datetime:
        """When the execution started."""
        return datetime.fromtimestamp(self.start_date / 1000, UTC)

    def opening(self) -> Opening:
        """Return what the execution opened its export with, or was about to."""
        return Opening(execution_arn=self.execution_arn, started_at=self.started_at, input=self.asked())

    def message(self) -> str | None:
        """Return what the error said, without the traceback that Lambda puts beside it."""
        said = _json(self.cause)
        message = said.get("errorMessage") if isinstance(said, dict) else self.cause
        return str(message)[:1000] if message else None


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
    ending: Ending, bucket: str, s3: "S3Client", table: ExportsTable, events: "EventBridgeClient"
) -> Salvaged | None:
    """Note how an export's execution ended; publish what it had written if somebody stopped it. A repeat is harmless.

    Returns None when there is nothing to publish: it failed and may be resumed, or is over, or was never opened.
    """
    if ending.status == "ABORTED":
        _keep_from_opening(ending, bucket, table)
    claimed = _claimed_by(ending, table)
    if claimed is None or table.is_over(claimed.export_id):
        return None
    if ending.status != "ABORTED":
        table.update(
            claimed,
            state="failed",
            error=ending.error or ending.status,
            message=ending.message(),
            pause_seconds=0,
            remaining=None,
            eta_seconds=None,
        )
        return None
    opened = table.opened(claimed.export_id)
    if opened is None:
        table.update(claimed, state="partial")
        return None
    table.stop(opened.export)
    return _salvage(opened.export, table.furthest(opened.export, opened.checkpoint), s3, table, events)


def _keep_from_opening(ending: Ending, bucket: str, table: ExportsTable) -> None:
    """Leave, where an execution was stopped while it opened, what its function meets: that goes on all the same."""
    asked = ending.opening()
    if ResumeRequest.asked_for(asked.asked):
        table.bar(str(asked.asked["resume"]), ending.execution_arn)
        return
    with suppress(InvalidInput, NamesExhausted):  # then it opens nothing
        table.claim(candidates(asked, asked_for(asked.asked), bucket, state="partial"))


def _claimed_by(ending: Ending, table: ExportsTable) -> Progress | None:
    """Return the export that belongs to the execution, by the names it may have claimed."""
    for export_id in _names(ending):
        item = table.item(export_id)
        if item is None:
            return None
        if item["execution_arn"] == ending.execution_arn:
            return Progress.from_item(item)
    return None


def _names(ending: Ending) -> Iterator[str]:
    asked = ending.asked()
    if ResumeRequest.asked_for(asked):
        yield str(asked["resume"])
    elif (feed := called_after(asked)) is not None:
        yield from export_ids(feed, ending.started_at)


def _salvage(
    export: Export, checkpoint: Checkpoint, s3: "S3Client", table: ExportsTable, events: "EventBridgeClient"
) -> Salvaged:
    staging = Staging(s3, export.bucket, export.export_id)
    memory = Memory.from_bytes(staging.fetch(checkpoint.memory))
    sealed = _seal(export, checkpoint, memory, s3)
    feed, format_ = export.request.feed, export.request.format
    key = partial_key(feed, export.export_id, format_)
    publish(s3, export, sealed, key)
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


def _seal(export: Export, checkpoint: Checkpoint, memory: Memory, s3: "S3Client") -> Checkpoint:
    """Put what is not yet a part under numbers no turn writes, as a turn may still be running that nobody waits for."""
    staging = Staging(s3, export.bucket, export.export_id)
    upload = MultipartUpload(s3, export.bucket, export.upload_key, export.upload_id)
    above = checkpoint.model_copy(update={"next_part": MAX_PARTS - SALVAGE_PARTS + 1, "last_part": MAX_PARTS})

    def put(number: int, body: bytes) -> None:
        with suppress(UploadGone):  # an attempt before this one has completed it, or `publish` finds that it is gone
            upload.put(number, body)

    with PartWriter(above, staging.fetch(checkpoint.tail), put) as writer:
        writer.write(rendering(export.request, memory).end())
        writer.end_feed()
    return checkpoint.model_copy(update={"bytes": writer.bytes, "crc32": writer.crc32, "tail": None})


def _json(text: str | None) -> Any:
    try:
        return json.loads(text or "null")
    except ValueError:
        return None
