"""Open Deletion: what is to be deleted is proven to be what was meant; then Vi is told once to delete what it finds.

When this is killed, or an answer of Vi is lost, a second request must not be sent blindly. So `DeletionOpening` is kept
before the first one: how many assets were found, when, and which sessions Vi listed then. A repeat finds it:

- A session of the same filter that was not listed before is taken for ours. Were it somebody else's, it would delete
  what we were to delete. No clock is asked, so it does not matter how far Vi's is from ours.
- A new one of which Vi does not say what it deletes may be ours: it is waited for, then the assets are counted.
- Where there is none, or Vi lists none, the assets are counted again. None left: there is nothing to do. As many as
  were meant, `LISTED_AFTER` seconds after Vi was told: none of them was deleted, and Vi is told again, which is not
  different from telling it the first time. Any other number: no more are deleted, and a person hears both numbers.

What no client can rule out: between the count and the moment at which Vi looks, an upload may add an asset that the
filter finds; Vi takes no count along with the filter.
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

# ours: seconds after which a session that Vi was told to open is in its list, if there is one; for a third of them its
# answer is waited for
LISTED_AFTER = 180


class OpeningTask(BaseModel, frozen=True):
    """The input of Open Deletion."""

    execution_arn: str
    started_at: datetime
    input: Any


@dataclass
class DeletionOpener:
    """Opens deletions; a repeat goes on where the one before it was."""

    client: ViClient
    s3: "S3Client"
    bucket: str
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def open(self, asked: OpeningTask) -> OpenDeletionResult:
        """Keep the ids that are to be deleted, or have Vi delete what the filter finds; return what is left to do.

        Raises:
            InvalidInput: the input is not one we take.
            CountMismatch: the filter finds another number of assets than was expected; none is deleted.
            AnswerLost: Vi may be deleting, and it cannot be told yet: come back.
            DatasetUnknown, KeyRefused and the like: as Vi says.
        """
        request = deletion_requested(asked.input)
        ref = deletion_ref(request.dataset_id, asked.execution_arn, asked.started_at, self.bucket)
        logger.append_keys(deletion_id=ref.deletion_id)
        one = _OneOpening(self.client, request, ref, DeletionStaging(self.s3, ref), self.now)
        opened = one.again() or one.begin()
        logger.info("deletion_opened", by=opened.deletion.by, found=opened.deletion.count, progress=opened.progress)
        return opened


@dataclass
class _OneOpening:
    client: ViClient
    request: DeletionRequest
    ref: DeletionRef
    staging: DeletionStaging
    now: Callable[[], datetime]

    def again(self) -> OpenDeletionResult | None:
        """Return what an earlier try has opened; None when Vi is to be told, be it again."""
        before = self.staging.opening()
        if before is None:
            return None
        if before.opened is not None or before.asked_at is None:
            return before.opened
        if before.sessions_before is not None:
            lost = find_lost(self._sessions, self.request, before.sessions_before)
            if lost is not None:
                return self._opened(before, "running", lost.session_id)
        count = self._assets.count(self.request.query)
        if count == 0:
            return self._opened(before, "unknown")
        if self.now() < before.asked_at + timedelta(seconds=LISTED_AFTER):
            raise AnswerLost("Vi did not say whether it has begun to delete, and it cannot be told yet.")
        if count != self.request.expect_count:
            raise CountMismatch(
                f"{self.request.expect_count:,} assets were to be deleted and Vi, which may have begun to, now finds "
                f"{count:,}: no more are. Look at what is left, and start again with its number."
            )
        return None

    def begin(self) -> OpenDeletionResult:
        """Open it: count, compare, keep what is about to be done, and do it."""
        # In a dataset that is not there every id would be gone, and a filter may well find nothing.
        datasets.get(self.client, self.request.dataset_id)
        if self.request.ids is not None:
            return self._by_ids(self.request.ids)
        count = self._assets.count(self.request.query)
        opening = DeletionOpening(input=self._input(), ids=None, count=count)
        if count != self.request.expect_count:
            self.staging.keep_opening(opening)
            raise CountMismatch(
                f"{self.request.expect_count:,} assets were to be deleted and Vi finds {count:,}: none is deleted. "
                "Look at what the filter finds, and start again with its number."
            )
        return self._by_query(opening) if count else self._opened(opening, "finished")

    def _by_ids(self, ids: tuple[str, ...]) -> OpenDeletionResult:
        different = tuple(dict.fromkeys(ids))
        self.staging.keep_ids(different)
        opening = DeletionOpening(input=self._input(), ids=len(different), count=self._assets.count())
        return self._opened(opening, "running")

    def _by_query(self, opening: DeletionOpening) -> OpenDeletionResult:
        telling = {"sessions_before": sessions_now(self._sessions), "asked_at": self.now()}
        self.staging.keep_opening(opening.model_copy(update=telling))
        try:
            session = self._sessions.start(self.request.query)
        except (Permanent, RateLimited, ViUnreachable):  # Vi has not begun
            self.staging.keep_opening(opening)
            raise
        return self._opened(opening.model_copy(update=telling), "running", session.session_id)

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
