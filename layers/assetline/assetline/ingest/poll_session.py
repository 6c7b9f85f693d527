"""Poll Session: one look at how far Vi is with an ingestion session, and how long to wait for the next."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel

from assetline.errors import SessionUnknown
from assetline.ingest.sessions_table import SessionsTable
from assetline.ingest.staging import SessionRef, SessionStaging
from assetline.vi.client import ViClient
from assetline.vi.ingestion_sessions import IngestionSession, Sessions
from assetline.vi.poll_interval import poll_interval

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

REST_SECONDS = 10.0  # ours: what Vi takes for a file, several times over
LEAST_PATIENCE = 1800.0  # ours: seconds that any session may take
PATIENCE_PER_ASSET = 2.0  # ours: seconds
TIMED_OUT = "ETIMEOUT"  # Vi: of an entry that it waited for in vain


class PollSessionResult(BaseModel, frozen=True):
    """The progress of a session; `wait_seconds` until the next poll, 0 when none is needed."""

    progress: Literal["running", "finished", "failed", "cancelled", "overdue"]
    wait_seconds: int = 0


@dataclass(frozen=True)
class SessionPoller:
    """Looks at ingestion sessions."""

    client: ViClient
    table: SessionsTable
    s3: "S3Client"
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def look(self, session: SessionRef, polls: int, *, broke_off: bool = False) -> PollSessionResult:
        """Return where a session is, after *polls* looks before this one, and note it in the table.

        It is `finished` also when only those are missing whose uploads failed, or whose end nobody heard of as some
        *broke off*: nothing more will come of it. It is `failed` when Vi does not know it, `cancelled` also when it is
        over in the table, `overdue` when it was waited for long enough.

        Raises:
            ViUnavailable, ViUnreachable, RateLimited: Vi could not be asked.
            KeyMissing, KeyRefused, KeyForbidden: Vi does not take the key.
        """
        before = self.table.get(session.session_key)
        # The lease is renewed before Vi is asked, for it may be long in answering.
        if before is None or not self.table.update(session.session_key):
            return PollSessionResult(progress="cancelled")
        try:
            seen = Sessions(self.client, session.dataset_id).get(session.session_id)
        except SessionUnknown:
            return PollSessionResult(progress="failed")
        self.table.update(session.session_key, succeeded=seen.succeeded, errored=seen.errored, polls=polls)
        if seen.progress != "running":
            return PollSessionResult(progress=seen.progress)
        # What this look noted itself, before it was killed, is not what was there a while ago.
        waited_since = before.polls != polls and rested(polls)
        rests = (before.succeeded, before.errored) == (seen.succeeded, seen.errored) and waited_since
        if self._waits_in_vain(session, seen, rests=rests, broke_off=broke_off):
            return PollSessionResult(progress="finished")
        if self._is_overdue(session, polls):
            return PollSessionResult(progress="overdue")
        return PollSessionResult(progress="running", wait_seconds=math.ceil(poll_interval(polls)))

    def _waits_in_vain(self, session: SessionRef, seen: IngestionSession, *, rests: bool, broke_off: bool) -> bool:
        """Say whether Vi is through with all that was uploaded, and waits for what never will be.

        Where an upload may have failed in its answer only, or have *broken off* when some were sent, Vi may count its
        file while it is still at another: then it has to have come to *rest*, too.
        """
        total = session.total if seen.total is None else seen.total
        missing = total - seen.succeeded - seen.errored
        if missing <= 0:
            return False  # it is about to finish
        staging = SessionStaging(self.s3, session.bucket, session.session_key)
        outcomes = [*staging.outcomes().values()]
        failed = [failure for outcome in outcomes for failure in outcome.failed]
        heard_of = sum(outcome.uploaded + len(outcome.failed) for outcome in outcomes)
        unheard_of = session.total - heard_of if broke_off else 0
        # Those that Vi has given up, and so are among its errors, are not missing any more.
        given_up = sum(code == TIMED_OUT for code in seen.file_errors.values())
        certain = not unheard_of and not any(failure.retryable for failure in failed)
        return missing <= len(failed) + unheard_of - given_up and (certain or rests)

    def _is_overdue(self, session: SessionRef, polls: int) -> bool:
        """Say whether it was waited for long enough, since it was opened and, after long uploads, since these ended."""
        patience = max(LEAST_PATIENCE, PATIENCE_PER_ASSET * session.total)
        return self.now() >= session.opened_at + timedelta(seconds=patience) and waited(polls) >= LEAST_PATIENCE


def rested(polls: int) -> bool:
    """Say whether the wait before a look that *polls* went before was long enough to see that nothing moves."""
    return polls > 0 and poll_interval(polls - 1) >= REST_SECONDS


def waited(polls: int) -> float:
    """Return the seconds that were waited between *polls* looks and the one after them."""
    return sum(poll_interval(poll) for poll in range(polls))
