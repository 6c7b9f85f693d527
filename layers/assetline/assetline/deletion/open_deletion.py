"""Open Deletion: checks the number of assets to delete, then requests the deletion from Vi once.

If the function is killed or an answer of Vi is lost, it must not repeat the request blindly. So it stores a
`DeletionOpening` before the first request: the number of assets found, the time, and the sessions that Vi listed. A
repeat reads it:

- A session of the same filter that was not listed before counts as ours. If another client started it, it deletes the
  same assets. No clock is compared, so the difference between Vi's clock and ours does not matter.
- A new session whose query Vi does not return may be ours. The function waits for its end, then counts the assets.
- Without such a session, or if Vi lists none, the function counts the assets again. If none are left, there is nothing
  to do. If the number is as expected `LISTED_AFTER` seconds after the request, no asset was deleted. The function
  repeats the request, which is equivalent to the first one. For any other number, it deletes nothing and reports both
  numbers.

One race cannot be excluded. Between the count and Vi's evaluation of the filter, an upload may add an asset that the
filter finds. Vi accepts no expected count with the filter.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from assetline.deletion.find_lost_deletion import find_lost, sessions_now
from assetline.deletion.request import DeletionRef, DeletionRequest, deletion_ref, deletion_requested
from assetline.deletion.staging import DeletionOpening, DeletionStaging, DeletionTask, OpenDeletionResult, Progress
from assetline.errors import AnswerLost, CountMismatch, Permanent, RateLimited, ViUnreachable
from assetline.observability import logger
from assetline.vi import datasets
from assetline.vi.assets import Assets
from assetline.vi.bulk_deletions import BulkDeletions
from assetline.vi.client import ViClient

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# ours: seconds after which Vi lists a session that was requested, if it exists; its answer may take a third of them
LISTED_AFTER = 180


class OpeningTask(BaseModel, frozen=True):
    """The input of Open Deletion."""

    execution_arn: str
    started_at: datetime
    input: Any


@dataclass
class DeletionOpener:
    """Opens deletions; a repeat continues the earlier attempt."""

    client: ViClient
    s3: "S3Client"
    bucket: str
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def open(self, task: OpeningTask) -> OpenDeletionResult:
        """Store the ids to delete, or request the deletion from Vi; return the rest of the work.

        Raises:
            InvalidInput: the input is not valid.
            CountMismatch: the filter finds another number of assets than expected; none is deleted.
            AnswerLost: Vi may be deleting, and the request must not be repeated yet; retry later.
            DatasetUnknown, KeyRefused and similar errors of Vi.
        """
        request = deletion_requested(task.input)
        ref = deletion_ref(request.dataset_id, task.execution_arn, task.started_at, self.bucket)
        logger.append_keys(deletion_id=ref.deletion_id)
        work = _OneOpening(self.client, request, ref, DeletionStaging(self.s3, ref), self.now)
        opened = work.resumed() or work.begin()
        logger.info("deletion_opened", by=opened.deletion.by, found=opened.deletion.count, progress=opened.progress)
        return opened


@dataclass
class _OneOpening:
    client: ViClient
    request: DeletionRequest
    ref: DeletionRef
    staging: DeletionStaging
    now: Callable[[], datetime]

    def resumed(self) -> OpenDeletionResult | None:
        """Return the result of an earlier attempt; None if the request must be sent, for the first time or again."""
        earlier = self.staging.opening()
        if earlier is None:
            return None
        if earlier.opened is not None or earlier.asked_at is None:
            return earlier.opened
        if earlier.sessions_before is not None:
            lost = find_lost(self._sessions, self.request, earlier.sessions_before)
            if lost is not None:
                return self._opened(earlier, "running", lost.session_id)
        count = self._assets.count(self.request.query)
        if count == 0:
            return self._opened(earlier, "unknown")
        if self.now() < earlier.asked_at + timedelta(seconds=LISTED_AFTER):
            raise AnswerLost(
                "Vi did not confirm the start of the deletion, and it is too early to repeat the request. The "
                "machine retries."
            )
        if count != self.request.expect_count:
            raise CountMismatch(
                f"{self.request.expect_count:,} assets were expected, but Vi now finds {count:,} and may have "
                "deleted some. No more assets are deleted. Check the remaining assets, and start again with "
                "their number."
            )
        return None

    def begin(self) -> OpenDeletionResult:
        """Open the deletion: count, compare, store the plan, then execute it."""
        # In an absent dataset, every id would be unknown, and a filter might find nothing.
        datasets.get(self.client, self.request.dataset_id)
        if self.request.ids is not None:
            return self._by_ids(self.request.ids)
        count = self._assets.count(self.request.query)
        opening = DeletionOpening(input=self._input(), ids=None, count=count)
        if count != self.request.expect_count:
            self.staging.keep_opening(opening)
            raise CountMismatch(
                f"{self.request.expect_count:,} assets were expected, but Vi finds {count:,}. No asset is "
                "deleted. Check the assets that the filter finds, and start again with their number."
            )
        return self._by_query(opening) if count else self._opened(opening, "finished")

    def _by_ids(self, ids: tuple[str, ...]) -> OpenDeletionResult:
        different = tuple(dict.fromkeys(ids))
        self.staging.keep_ids(different)
        opening = DeletionOpening(input=self._input(), ids=len(different), count=self._assets.count())
        return self._opened(opening, "running")

    def _by_query(self, opening: DeletionOpening) -> OpenDeletionResult:
        request_sent = {"sessions_before": sessions_now(self._sessions), "asked_at": self.now()}
        self.staging.keep_opening(opening.model_copy(update=request_sent))
        try:
            session = self._sessions.start(self.request.query)
        except (Permanent, RateLimited, ViUnreachable):  # Vi has not started
            self.staging.keep_opening(opening)
            raise
        return self._opened(opening.model_copy(update=request_sent), "running", session.session_id)

    def _opened(
        self, opening: DeletionOpening, progress: Progress, session_id: str | None = None
    ) -> OpenDeletionResult:
        deletion = DeletionTask(
            **self.ref.model_dump(),
            by="query" if self.request.ids is None else "ids",
            session_id=session_id,
            count=opening.count,
            opened_at=self.now(),
        )
        opened = OpenDeletionResult(
            deletion=deletion, progress=progress, count_after=None if progress == "running" else 0
        )
        self.staging.keep_opening(opening.model_copy(update={"opened": opened}))
        return opened

    def _input(self) -> dict[str, Any]:
        return self.request.model_dump(mode="json", exclude={"ids", "where"})

    @property
    def _assets(self) -> Assets:
        return Assets(self.client, self.request.dataset_id)

    @property
    def _sessions(self) -> BulkDeletions:
        return BulkDeletions(self.client, self.request.dataset_id)
