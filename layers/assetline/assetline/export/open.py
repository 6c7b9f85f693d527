"""Open Export: everything that can be refused is refused here, before anything is opened."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from assetline.errors import InvalidInput, NotResumable
from assetline.export.checkpoint import Checkpoint, Export, Opened
from assetline.export.exports_table import ExportsTable
from assetline.export.latest import Latest, LatestExports
from assetline.export.memory import Memory
from assetline.export.names import export_ids, manifest_key, object_key, staging_key
from assetline.export.progress import Progress
from assetline.export.rendering import CONTENT_TYPES
from assetline.export.request import PARENT, ExportRequest, ResumeRequest, parse
from assetline.export.staging import Staging
from assetline.export.upload import MultipartUpload
from assetline.feed.catalogue import feed_named
from assetline.feed.client import FeedClient
from assetline.feed.definition import MODIFIED_AFTER, Feed
from assetline.observability import logger
from assetline.table.columns import FIELDS, Columns, defined_fields

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Opening(BaseModel, frozen=True):
    """What the machine says of its execution; `input` is whatever somebody started it with."""

    execution_arn: str
    started_at: datetime
    input: Any

    @property
    def asked(self) -> Any:
        """The input as somebody wrote it, without what Step Functions adds to that of a nested execution."""
        return {k: v for k, v in self.input.items() if k != PARENT} if isinstance(self.input, dict) else self.input

    @property
    def parent_execution_arn(self) -> str | None:
        """The execution that started this one, if one did."""
        parent = self.input.get(PARENT) if isinstance(self.input, dict) else None
        return parent if isinstance(parent, str) else None


@dataclass(frozen=True)
class Door:
    """What an export is opened with."""

    client: FeedClient
    table: ExportsTable
    s3: "S3Client"
    bucket: str

    def open(self, opening: Opening) -> Opened:
        """Open the export an execution asks for, or go on with the one it resumes; a repeat gives the same.

        Raises:
            InvalidInput, UnknownFeed, NotResumable: the input is refused.
            TokenMissing, TokenRefused: the token is.
            FeedUnreachable, FeedUnavailable, RateLimited: the API cannot be asked just now.
            NamesExhausted: see `ExportsTable.claim`.
        """
        if ResumeRequest.asked_for(opening.asked):
            return self._resumed(parse(ResumeRequest, opening.asked), opening)
        return self._opened(parse(ExportRequest, opening.asked), opening)

    def _opened(self, request: ExportRequest, opening: Opening) -> Opened:
        feed = feed_named(request.feed)
        latest = LatestExports(self.table.table).of(request)
        modified_after = _modified_after(feed, request, latest)
        params = request.wire_params() | ({MODIFIED_AFTER: modified_after} if modified_after else {})
        remembered = None if latest is None else latest.page_size_at(opening.started_at)
        cursor = feed.first_cursor(params, request.page_size or remembered)
        self.client.who_am_i()
        claimed = self.table.claim(_candidates(opening, request, self.bucket))
        before = self.table.opened(claimed.export_id)
        if before is not None:
            return before
        upload_key = staging_key(claimed.export_id, "file")
        upload = MultipartUpload.open(self.s3, self.bucket, upload_key, CONTENT_TYPES[request.format])
        export = Export(
            export_id=claimed.export_id,
            execution_arn=opening.execution_arn,
            request=request,
            bucket=self.bucket,
            key=claimed.key,
            manifest_key=claimed.manifest_key,
            upload_key=upload_key,
            upload_id=upload.upload_id,
            started_at=opening.started_at,
            modified_after=modified_after,
            previous=latest,
        )
        staging = Staging(self.s3, self.bucket, export.export_id)
        memory = staging.keep("memory", Memory(columns=self._columns(feed, request)).to_bytes())
        logger.info("export_opened", export_id=export.export_id, feed=feed.name, modified_after=modified_after)
        return self.table.open(Opened(export=export, checkpoint=Checkpoint(cursor=cursor, memory=memory)))

    def _columns(self, feed: Feed, request: ExportRequest) -> Columns | None:
        """Ask the API which custom fields there are, when the feed has any and the token may read them."""
        if FIELDS not in feed.columns or not request.format.startswith("csv"):
            return None
        definitions = self.client.field_definitions()
        return None if definitions is None else Columns.flattened(feed.columns, defined_fields(definitions))

    def _resumed(self, request: ResumeRequest, opening: Opening) -> Opened:
        opened = self.table.opened(request.resume)
        if opened is None:
            raise NotResumable(f"There is no export {request.resume!r} to resume. `assetline exports` lists them.")
        self.client.who_am_i()
        asked = opened.export.request.model_copy(update={"max_turn_seconds": request.max_turn_seconds})
        export = opened.export.model_copy(update={"execution_arn": opening.execution_arn, "request": asked})
        if not self.table.take_over(export):
            state = (self.table.item(request.resume) or {}).get("state")
            raise NotResumable(
                f"The export {request.resume!r} is {state}: only one that failed can be resumed. Start it anew."
            )
        checkpoint = opened.checkpoint.model_copy(update={"faults": 0, "pause_seconds": 0})
        return Opened(export=export, checkpoint=checkpoint)


def _modified_after(feed: Feed, request: ExportRequest, latest: Latest | None) -> str | None:
    """Return the moment to export from: when the last complete export began; None, for all, if there was none."""
    if request.since is None:
        return None
    if not feed.takes_modified_after:
        raise InvalidInput(f"Feed {feed.name} does not say what has changed: leave `since` out.")
    if MODIFIED_AFTER in request.params:
        raise InvalidInput(f"`since` sets {MODIFIED_AFTER!r}: leave one of the two out.")
    return None if latest is None else f"{latest.watermark.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"


def _candidates(opening: Opening, request: ExportRequest, bucket: str) -> Iterator[Progress]:
    for export_id in export_ids(request.feed, opening.started_at):
        yield Progress(
            export_id=export_id,
            feed=request.feed,
            format=request.format,
            state="running",
            execution_arn=opening.execution_arn,
            parent_execution_arn=opening.parent_execution_arn,
            bucket=bucket,
            key=object_key(request.feed, export_id, request.format),
            manifest_key=manifest_key(request.feed, export_id),
            started_at=opening.started_at,
            updated_at=opening.started_at,
        )
