"""Close Export: verifies the parts, publishes the file and its manifest, and announces the export."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from assetline.aws.event_bus import EXPORT_COMPLETE, EXPORT_SHRUNK, announce
from assetline.errors import ExportLost
from assetline.export.checkpoint import Checkpoint, Export
from assetline.export.export_result import ExportResult
from assetline.export.exports_table import ExportsTable
from assetline.export.latest_file import LatestFile
from assetline.export.manifest import Manifest, Shrunk, manifest_of
from assetline.export.previous_export import Latest, LatestExports
from assetline.export.publish import clear, publish
from assetline.export.staging import ExportStaging
from assetline.export.turn_memory import Memory
from assetline.observability import count, logger

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_s3 import S3Client

SHRUNK_BELOW = 0.8  # ours: an export with fewer rows than this share of the last complete one is flagged


def close_export(  # noqa: PLR0913 - connections of the caller
    export: Export,
    checkpoint: Checkpoint,
    s3: "S3Client",
    table: ExportsTable,
    events: "EventBridgeClient",
    *,
    latest_file: bool,
) -> ExportResult:
    """Publish the object and its manifest, and announce them; a repeat does the missing steps.

    An export of all rows becomes the newest file of its feed: see `LatestFile`, and *latest_file* for its `with_file`.

    If the export is stopped meanwhile, a claim decides whether it is published as complete or as partial.

    Raises:
        ExportLost: the export was stopped before, or another execution owns it; nothing was published.
        PartsMismatch: the parts are not the rendered bytes; nothing was published.
        StagedGone: a part or the memory has expired; nothing was published.
    """
    staging = ExportStaging(s3, export.bucket, export.export_id)
    staging.fetch_ahead(checkpoint.memory)
    checkpoint = _claimed(table, export, checkpoint)
    shrunk = _shrunk(export, checkpoint)
    memory = Memory.after_loop(staging.fetch(checkpoint.memory))  # a file appears only if its manifest can be written
    publish(s3, export, checkpoint, memory.parts, export.key)
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="close") as meanwhile:
        latest_exports, finished_at = LatestExports(table.table), datetime.now(UTC)
        latest = _latest(export, checkpoint, memory, finished_at)
        noted = meanwhile.submit(latest_exports.note, export.request, latest)
        manifest = manifest_of(
            export, checkpoint, memory, key=export.key, complete=True, finished_at=finished_at, shrunk=shrunk
        )
        put_manifest(s3, manifest, export.manifest_key)
        newest = LatestFile(s3, latest_exports, export, with_file=latest_file)
        recorded = noted.result()
        if newest.applies:
            newest.publish(latest if recorded else None)
        cleared = meanwhile.submit(clear, s3, export, memory.parts, export.key)
        result = _result(export, checkpoint)
        announce(events, EXPORT_COMPLETE, result)
        if shrunk:
            count(None, ExportsShrunk=1)  # the alarm covers all feeds together
            announce(events, EXPORT_SHRUNK, result, shrunk.model_dump())
        cleared.result()
        _note_completion(table, export, checkpoint, manifest)  # last: a complete export has been announced
    logger.info("export_complete", rows=result.rows, pages=result.pages, bytes=result.bytes, turns=result.turns)
    return result


def _claimed(table: ExportsTable, export: Export, checkpoint: Checkpoint) -> Checkpoint:
    """Claim the publication. An export whose failure was noted runs again first: this is a redrive."""
    try:
        return table.claim_publication(export, checkpoint)
    except ExportLost:
        return table.claim_publication(export, table.begun(export, checkpoint))


def put_manifest(s3: "S3Client", manifest: Manifest, key: str) -> None:
    """Write a manifest next to its file."""
    body = manifest.model_dump_json(indent=2).encode() + b"\n"
    s3.put_object(Bucket=manifest.bucket, Key=key, Body=body, ContentType="application/json")


def _note_completion(table: ExportsTable, export: Export, checkpoint: Checkpoint, manifest: Manifest) -> None:
    table.update(
        export,
        state="complete",
        finished_at=manifest.finished_at,
        rows=checkpoint.rows,
        pages=checkpoint.pages,
        bytes=checkpoint.bytes,
        turns=checkpoint.turns,
        duplicates=checkpoint.duplicates,
        pages_per_second=manifest.pages_per_second,
        rows_per_second=manifest.rows_per_second,
        remaining=None,
        estimated_remaining=None,
        eta_seconds=None,
        error=None,
        message=None,
        **({} if manifest.shrunk is None else manifest.shrunk.model_dump()),
    )


def _shrunk(export: Export, checkpoint: Checkpoint) -> Shrunk | None:
    previous = export.previous
    if previous is None or not previous.rows or not previous.whole_export_id or export.modified_after is not None:
        return None
    if checkpoint.rows >= SHRUNK_BELOW * previous.rows:
        return None
    logger.warning("export_shrunk", rows=checkpoint.rows, rows_before=previous.rows)
    return Shrunk(rows_before=previous.rows, export_id_before=previous.whole_export_id)


def _latest(export: Export, checkpoint: Checkpoint, memory: Memory, finished_at: datetime) -> Latest:
    latest = Latest(
        columns=memory.columns,
        watermark=export.started_at,
        page_size=checkpoint.page_size,
        page_size_found_at=None if checkpoint.page_size is None else _page_size_found_at(export),
    )
    if export.modified_after is not None:
        return latest
    return latest.model_copy(
        update={
            "whole_export_id": export.export_id,
            "key": export.key,
            "format": export.request.format,
            "rows": checkpoint.rows,
            "finished_at": finished_at,
        }
    )


def _page_size_found_at(export: Export) -> datetime:
    """Return when the page size was searched: by *export*, or by the export that it was taken from."""
    previous = export.previous
    if previous is None or previous.page_size_found_at is None or previous.page_size_at(export.started_at) is None:
        return export.started_at
    return previous.page_size_found_at


def _result(export: Export, checkpoint: Checkpoint) -> ExportResult:
    return ExportResult(
        export_id=export.export_id,
        feed=export.request.feed,
        bucket=export.bucket,
        key=export.key,
        manifest_key=export.manifest_key,
        rows=checkpoint.rows,
        pages=checkpoint.pages,
        bytes=checkpoint.bytes,
        turns=checkpoint.turns,
        complete=True,
    )
