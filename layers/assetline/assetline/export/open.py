"""Open Export: everything that can be refused is refused here, before anything is opened."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from assetline.export.checkpoint import Checkpoint, Export, Opened
from assetline.export.exports_table import ExportsTable
from assetline.export.names import export_ids, manifest_key, object_key
from assetline.export.progress import Progress
from assetline.export.request import ExportRequest
from assetline.export.upload import MultipartUpload
from assetline.feed.catalogue import feed_named
from assetline.feed.client import FeedClient

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CONTENT_TYPES = {"csv": "text/csv; charset=utf-8"}


class Opening(BaseModel, frozen=True):
    """What the machine says of its execution; `input` is whatever somebody started it with."""

    execution_arn: str
    started_at: datetime
    input: Any


def open_export(opening: Opening, client: FeedClient, table: ExportsTable, s3: "S3Client", bucket: str) -> Opened:
    """Check the input and the token, claim the export's name and open its upload; a repeat opens the same one.

    Raises:
        InvalidInput, UnknownFeed: the input is refused.
        TokenMissing, TokenRefused: the token is.
        FeedUnreachable, FeedUnavailable, RateLimited: the API cannot be asked just now.
        NamesExhausted: see `ExportsTable.claim`.
    """
    request = ExportRequest.parse(opening.input)
    cursor = feed_named(request.feed).first_cursor(request.wire_params(), request.page_size)
    client.who_am_i()
    claimed = table.claim(_candidates(opening, request, bucket))
    upload_id = table.upload_of(claimed.export_id)
    if upload_id is None:
        opened = MultipartUpload.open(s3, bucket, claimed.key, CONTENT_TYPES[request.format])
        upload_id = table.record_upload(claimed.export_id, opened.upload_id)
    export = Export(
        export_id=claimed.export_id,
        execution_arn=opening.execution_arn,
        request=request,
        bucket=bucket,
        key=claimed.key,
        manifest_key=claimed.manifest_key,
        upload_id=upload_id,
        started_at=opening.started_at,
    )
    return Opened(export=export, checkpoint=Checkpoint(cursor=cursor))


def _candidates(opening: Opening, request: ExportRequest, bucket: str) -> Iterator[Progress]:
    for export_id in export_ids(request.feed, opening.started_at):
        yield Progress(
            export_id=export_id,
            feed=request.feed,
            format=request.format,
            state="running",
            execution_arn=opening.execution_arn,
            bucket=bucket,
            key=object_key(request.feed, export_id, request.format),
            manifest_key=manifest_key(request.feed, export_id),
            started_at=opening.started_at,
            updated_at=opening.started_at,
        )
