"""Open Export: makes all checks that can refuse an export, before anything is opened."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from assetline.errors import NotResumable
from assetline.execution_input import parent_of, parse, without_parent
from assetline.export.checkpoint import Checkpoint, Export, OpenedExport, Staged
from assetline.export.export_item import ExportProgress, ExportState
from assetline.export.export_names import export_ids, manifest_key, object_key
from assetline.export.exports_table import ExportsTable
from assetline.export.page_sources import PageSource
from assetline.export.previous_export import Latest, LatestExports
from assetline.export.request import AnyRequest, ExportRequest, ResumeRequest, parsed_request
from assetline.export.staging import ExportStaging
from assetline.export.turn_memory import Memory
from assetline.observability import logger
from assetline.table.columns import Columns

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class OpenExportInput(BaseModel, frozen=True):
    """The execution, as the machine describes it; `input` is the execution's input, unchecked."""

    execution_arn: str
    started_at: datetime
    input: Any

    @property
    def request_input(self) -> Any:
        """The input as the user wrote it, without the key that Step Functions adds for a nested execution."""
        return without_parent(self.input)

    @property
    def parent_execution_arn(self) -> str | None:
        """The execution that started this one, if any."""
        return parent_of(self.input)


@dataclass(frozen=True)
class ExportOpener:
    """Opens exports; `source_of` returns the source of a request's pages.

    `failure_of` returns the error's name and message of a failed execution, None for any other.
    """

    source_of: Callable[[AnyRequest], PageSource]
    table: ExportsTable
    s3: "S3Client"
    bucket: str
    failure_of: Callable[[str], tuple[str, str | None] | None]

    def open(self, opening: OpenExportInput) -> OpenedExport:
        """Open the export of an execution, or continue the one it resumes; a repeat returns the same.

        Raises:
            InvalidInput, UnknownFeed, NotResumable: the input is refused.
            Permanent, Retryable: as `PageSource.admit`; the API refuses the token or does not answer.
            NamesExhausted: see `ExportsTable.claim`.
        """
        if ResumeRequest.is_requested(opening.request_input):
            return self._resumed(parse(ResumeRequest, opening.request_input), opening)
        return self._opened(parsed_request(opening.request_input), opening)

    def _opened(self, request: AnyRequest, opening: OpenExportInput) -> OpenedExport:
        source = self.source_of(request)
        source.first_cursor(request.page_size, None)  # refuse invalid options before any request is sent
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="source") as meanwhile:
            admitted = meanwhile.submit(source.admit)
            latest = LatestExports(self.table.table).of(request)
            modified_after = _modified_after(request, latest)
            remembered = None if latest is None else latest.page_size_at(opening.started_at)
            cursor = source.first_cursor(request.page_size or remembered, modified_after)
            admitted.result()
            claimed, already_opened = self.table.claim(candidates(opening, request, self.bucket))
            if already_opened is not None:
                return already_opened
            memory = self._remembered(claimed.export_id, source, _columns_of(request, latest))
        export = Export(
            export_id=claimed.export_id,
            execution_arn=opening.execution_arn,
            request=request,
            bucket=self.bucket,
            key=claimed.key,
            manifest_key=claimed.manifest_key,
            started_at=opening.started_at,
            modified_after=modified_after,
            previous=latest,
        )
        logger.info("export_opened", export_id=export.export_id, feed=request.feed, modified_after=modified_after)
        return self.table.open(OpenedExport(export=export, checkpoint=Checkpoint(cursor=cursor, memory=memory)))

    def _remembered(self, export_id: str, source: PageSource, remembered: Columns | None) -> Staged | None:
        """Stage the memory of the first turn: the columns, if they are known, and those of the last export."""
        memory = Memory(columns=source.columns(), remembered=remembered)
        return ExportStaging(self.s3, self.bucket, export_id).keep("memory", memory.to_bytes())

    def _resumed(self, request: ResumeRequest, opening: OpenExportInput) -> OpenedExport:
        opened = self.table.opened(request.resume)
        if opened is None:
            raise NotResumable(
                f"There is no export {request.resume!r} to resume. Run `assetline exports list` to see all exports."
            )
        self.source_of(opened.export.request).admit()
        resumed_request = opened.export.request.model_copy(update={"max_turn_seconds": request.max_turn_seconds})
        export = opened.export.model_copy(update={"execution_arn": opening.execution_arn, "request": resumed_request})
        self._record_failure(request.resume)
        if not self.table.take_over(export):
            state = (self.table.item(request.resume) or {}).get("state", "gone")
            raise NotResumable(_why_not_resumable(request.resume, state))
        checkpoint = opened.checkpoint.model_copy(update={"faults": 0, "pause_seconds": 0, "stale_pages": 0})
        return OpenedExport(export=export, checkpoint=checkpoint)

    def _record_failure(self, export_id: str) -> None:
        """Record a failure without an event: EventBridge delivers at best effort."""
        item = self.table.item(export_id)
        if item is None or item["state"] != "running":
            return
        failure = self.failure_of(item["execution_arn"])
        if failure is not None:
            self.table.fail(ExportProgress.from_item(item), *failure)


def _why_not_resumable(export_id: str, state: str) -> str:
    match state:
        case "running":
            return (
                f"The export {export_id!r} is running: there is nothing to resume. To see its progress, run "
                f"`assetline exports watch {export_id}`. To end it, run `assetline exports stop {export_id}`."
            )
        case "complete":
            return f"The export {export_id!r} is complete: there is nothing to resume."
        case _:
            return f"The export {export_id!r} is {state}: only a failed export can be resumed. Start a new export."


def _columns_of(request: AnyRequest, latest: Latest | None) -> Columns | None:
    return latest.columns if latest is not None and request.format.startswith("csv") else None


def _modified_after(request: AnyRequest, latest: Latest | None) -> str | None:
    """Return the moment to export from: some minutes before the start of the last complete export.

    Return None, to export all records, without such an export.
    """
    if not isinstance(request, ExportRequest) or request.since is None or latest is None:
        return None
    moment = latest.watermark - timedelta(minutes=request.overlap_minutes)
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"


def candidates(
    opening: OpenExportInput, request: AnyRequest, bucket: str, state: ExportState = "running"
) -> Iterator[ExportProgress]:
    """Yield the items that an execution may claim for its export, in order."""
    for export_id in export_ids(request.feed, opening.started_at):
        yield ExportProgress(
            export_id=export_id,
            feed=request.feed,
            format=request.format,
            state=state,
            execution_arn=opening.execution_arn,
            parent_execution_arn=opening.parent_execution_arn,
            bucket=bucket,
            key=object_key(request.feed, export_id, request.format),
            manifest_key=manifest_key(request.feed, export_id),
            started_at=opening.started_at,
            updated_at=opening.started_at,
        )
