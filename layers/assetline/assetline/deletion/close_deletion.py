"""Close Deletion: writes the report of a deletion and announces its end."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field

from assetline.assets.selection import ID
from assetline.aws.event_bus import announce
from assetline.deletion.report import (
    FAILURES_SHOWN,
    DeletionCounts,
    DeletionReport,
    DeletionResult,
    Ended,
    csv_key,
    report_key,
)
from assetline.deletion.request import DeletionRef, deletion_ref
from assetline.deletion.staging import DeletionOpening, DeletionStaging, Progress
from assetline.errors import StagedGone
from assetline.observability import count, logger

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_s3 import S3Client

DELETION_COMPLETE = "Deletion Complete"
DELETION_INCOMPLETE = "Deletion Incomplete"  # ended, but some assets may not be deleted


class CloseDeletionInput(BaseModel, frozen=True):
    """The input of Close Deletion: the last progress, if any, and the error that the machine caught."""

    execution_arn: str
    started_at: datetime
    dataset_id: str = Field(pattern=ID)
    progress: Progress
    count_after: int | None = None
    failure: str = ""
    error: dict[str, Any] | None = None


@dataclass
class DeletionCloser:
    """Closes deletions, also those that were never opened; a repeat writes the same documents."""

    s3: "S3Client"
    events: "EventBridgeClient"
    bucket: str
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def close(self, closing: CloseDeletionInput) -> DeletionResult:
        """Write the report and the CSV, announce the end of the deletion, and return the result."""
        ref = deletion_ref(closing.dataset_id, closing.execution_arn, closing.started_at, self.bucket)
        staging = DeletionStaging(self.s3, ref)
        opening = staging.opening()
        tally = _tally(staging, opening)
        if opening is not None and opening.ids is not None:
            self.s3.put_object(Bucket=ref.bucket, Key=csv_key(ref), Body=tally.csv(), ContentType="text/csv")
        report = self._report(closing, ref, opening, tally)
        self.s3.put_object(
            Bucket=ref.bucket,
            Key=report.report_key,
            Body=report.model_dump_json(indent=2).encode() + b"\n",
            ContentType="application/json",
        )
        result = DeletionResult(**report.model_dump(include={*DeletionResult.model_fields}))
        count(None, AssetsDeleted=result.deleted or 0, DeletionsFailed=result.failed)
        logger.info("deletion_closed", **result.model_dump(include={"ended", "deleted", "gone", "failed", "left"}))
        announce(self.events, DELETION_COMPLETE if result.complete else DELETION_INCOMPLETE, result)
        return result

    def _report(
        self, closing: CloseDeletionInput, ref: DeletionRef, opening: DeletionOpening | None, tally: DeletionCounts
    ) -> DeletionReport:
        ended, by_ids = _ended(closing, opening), opening is not None and opening.ids is not None
        deleted, left = (tally.counts["deleted"], tally.counts["left"]) if by_ids else _found(closing, opening, ended)
        failed, finished_at = tally.counts["failed"], self.now()
        opened = opening.opened if opening else None
        shown = opening.input if opening else None
        return DeletionReport(
            complete=ended in {"finished", "unknown"} and left == 0 and not failed and not closing.error,
            deletion_id=ref.deletion_id,
            dataset_id=ref.dataset_id,
            session_id=opened.deletion.session_id if opened else None,
            ended=ended,
            deleted=deleted,
            gone=tally.counts["gone"],
            failed=failed,
            left=left,
            expect_count=shown.get("expect_count") if shown else None,
            count_before=opening.count if opening else None,
            count_after=closing.count_after,
            bucket=ref.bucket,
            report_key=report_key(ref),
            csv_key=csv_key(ref) if by_ids else None,
            execution_arn=closing.execution_arn,
            started_at=ref.started_at,
            finished_at=finished_at,
            seconds=round((finished_at - ref.started_at).total_seconds(), 3),
            ids=opening.ids if opening else None,
            reasons=tally.reasons,
            failed_assets=tally.failed[:FAILURES_SHOWN],
            failure=closing.failure,
            error=str(closing.error.get("Error")) if closing.error else None,
            input=shown,
        )


def _tally(staging: DeletionStaging, opening: DeletionOpening | None) -> DeletionCounts:
    if opening is None or opening.ids is None:
        return DeletionCounts()
    ids = staging.ids()
    if ids is None:
        raise StagedGone("The list of ids to delete has expired.")
    return DeletionCounts(staging.outcomes(ids))


def _ended(closing: CloseDeletionInput, opening: DeletionOpening | None) -> Ended:
    if opening is None or (opening.opened is None and opening.asked_at is None):
        return "not_begun"
    if opening.opened is None:
        return "unknown"  # Vi may have received the request, and nothing later is known
    return "broken" if closing.progress == "running" else closing.progress


def _found(closing: CloseDeletionInput, opening: DeletionOpening | None, ended: Ended) -> tuple[int | None, int | None]:
    """Return how many assets of a filter are deleted, and how many it still finds; None if unknown."""
    count_before = opening.count if opening else None
    if ended == "not_begun":
        return 0, count_before
    if count_before is None or closing.count_after is None:
        return None, closing.count_after
    return max(0, count_before - closing.count_after), closing.count_after
