"""Poll Deletion: reads the progress of a bulk deletion once, and computes the pause before the next poll."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pydantic import BaseModel

from assetline.deletion.request import deletion_requested
from assetline.deletion.staging import DeletionStaging, DeletionTask, Progress
from assetline.errors import RateLimited, SessionUnknown, StagedGone
from assetline.observability import logger
from assetline.vi.assets import Assets
from assetline.vi.bulk_deletions import BulkDeletions
from assetline.vi.client import ViClient
from assetline.vi.poll_interval import poll_interval

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LONGEST_PAUSE = 3600.0  # ours: seconds; the longest pause on Vi's request
LEAST_PATIENCE = 1800.0  # ours: seconds that any deletion may take
PATIENCE_PER_ASSET = 1.0  # ours: seconds
MOST_PATIENCE = 43_200.0  # ours: seconds, well below the limit of the machine


class PollDeletionResult(BaseModel, frozen=True):
    """The progress of a bulk deletion, and after its end the number of assets that its query finds."""

    progress: Progress
    wait_seconds: int = 0
    count_after: int | None = None
    failure: str = ""


@dataclass
class DeletionPoller:
    """Polls bulk deletions."""

    client: ViClient
    s3: "S3Client"
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def look(self, deletion: DeletionTask, polls: int) -> PollDeletionResult:
        """Return the progress of a bulk deletion, after *polls* earlier polls.

        `unknown` means that Vi no longer has the session. `overdue` means that the maximum wait is over; the session
        may still run.

        Raises:
            StagedGone: the opening of the deletion has expired.
            ViUnavailable, ViUnreachable: Vi did not answer.
            KeyMissing, KeyRefused, KeyForbidden: Vi refuses the key.
        """
        try:
            progress, failure = self._seen(deletion)
            count = None if progress == "running" else self._count(deletion)
        except RateLimited as limit:
            if self._is_overdue(deletion):
                return PollDeletionResult(progress="overdue")
            requested = min(limit.pause_seconds or 0.0, LONGEST_PAUSE)
            return PollDeletionResult(progress="running", wait_seconds=math.ceil(max(requested, poll_interval(polls))))
        if count is None:
            return PollDeletionResult(progress="running", wait_seconds=math.ceil(poll_interval(polls)))
        logger.info("deletion_over", progress=progress, left=count)
        return PollDeletionResult(progress=progress, count_after=count, failure=failure)

    def _seen(self, deletion: DeletionTask) -> tuple[Progress, str]:
        try:
            seen = BulkDeletions(self.client, deletion.dataset_id).get(deletion.session_id or "")
        except SessionUnknown:
            return "unknown", ""
        if seen.progress == "running" and self._is_overdue(deletion):
            return "overdue", ""
        return seen.progress, seen.failure

    def _count(self, deletion: DeletionTask) -> int:
        opening = DeletionStaging(self.s3, deletion.ref).opening()
        if opening is None:
            raise StagedGone("The record of the assets to delete has expired. Check which assets are left.")
        return Assets(self.client, deletion.dataset_id).count(deletion_requested(opening.input).query)

    def _is_overdue(self, deletion: DeletionTask) -> bool:
        patience = min(max(LEAST_PATIENCE, PATIENCE_PER_ASSET * deletion.count), MOST_PATIENCE)
        return self.now() >= deletion.opened_at + timedelta(seconds=patience)
