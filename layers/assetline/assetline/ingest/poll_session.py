"""Poll Session: reads the progress of an ingestion session once, and computes the pause before the next poll."""

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

REST_SECONDS = 10.0  # ours: several times as long as Vi needs for a file
LEAST_PATIENCE = 1800.0  # ours: seconds that any session may take
PATIENCE_PER_ASSET = 2.0  # ours: seconds
TIMED_OUT = "ETIMEOUT"  # Vi: of an entry whose file did not arrive


class PollSessionResult(BaseModel, frozen=True):
    """The progress of a session; `wait_seconds` until the next poll, 0 if none is needed."""

    progress: Literal["running", "finished", "failed", "cancelled", "overdue"]
    wait_seconds: int = 0


@dataclass(frozen=True)
class SessionPoller:
    """Polls ingestion sessions."""

    client: ViClient
    table: SessionsTable
    s3: "S3Client"
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def look(self, session: SessionRef, polls: int, *, broke_off: bool = False) -> PollSessionResult:
        """Return the progress of a session, after *polls* earlier polls, and record it in the table.

        - `finished`: also if only files are missing whose uploads failed, or whose end is unknown because uploads
          *broke off*
        - `failed`: also if Vi does not have the session
        - `cancelled`: also if the session has ended in the table
        - `overdue`: the maximum wait is over

        Raises:
            ViUnavailable, ViUnreachable, RateLimited: Vi did not answer.
            KeyMissing, KeyRefused, KeyForbidden: Vi refuses the key.
        """
        stored = self.table.get(session.session_key)
        # The lease is renewed before the request, since Vi's answer may take long.
        if stored is None or not self.table.update(session.session_key):
            return PollSessionResult(progress="cancelled")
        try:
            seen = Sessions(self.client, session.dataset_id).get(session.session_id)
        except SessionUnknown:
            return PollSessionResult(progress="failed")
        self.table.update(session.session_key, succeeded=seen.succeeded, errored=seen.errored, polls=polls)
        if seen.progress != "running":
            return PollSessionResult(progress=seen.progress)
        # A value recorded by this poll, before it was killed, is not an older observation.
        waited_since = stored.polls != polls and rested(polls)
        rests = (stored.succeeded, stored.errored) == (seen.succeeded, seen.errored) and waited_since
        if self._waits_in_vain(session, seen, rests=rests, broke_off=broke_off):
            return PollSessionResult(progress="finished")
        if self._is_overdue(session, polls):
            return PollSessionResult(progress="overdue")
        return PollSessionResult(progress="running", wait_seconds=math.ceil(poll_interval(polls)))

    def _waits_in_vain(self, session: SessionRef, seen: IngestionSession, *, rests: bool, broke_off: bool) -> bool:
        """Return whether Vi has processed all uploaded files, and waits for files that never arrive.

        If an upload may have failed only in its answer, or if uploads *broke off*, Vi may still be processing a file.
        Then the counts must also be at *rest*.
        """
        total = session.total if seen.total is None else seen.total
        missing = total - seen.succeeded - seen.errored
        if missing <= 0:
            return False  # it is about to finish
        staging = SessionStaging(self.s3, session.bucket, session.session_key)
        outcome = staging.outcomes()
        failed = outcome.failed
        unreported = session.total - len(outcome.uploaded) - len(failed) if broke_off else 0
        # Files that Vi has given up are among its errors, so they are not missing.
        given_up = sum(code == TIMED_OUT for code in seen.file_errors.values())
        certain = not unreported and not any(failure.retryable for failure in failed)
        return missing <= len(failed) + unreported - given_up and (certain or rests)

    def _is_overdue(self, session: SessionRef, polls: int) -> bool:
        """Return whether the maximum wait is over, since the opening or, after long uploads, since their end."""
        patience = max(LEAST_PATIENCE, PATIENCE_PER_ASSET * session.total)
        return self.now() >= session.opened_at + timedelta(seconds=patience) and waited(polls) >= LEAST_PATIENCE


def rested(polls: int) -> bool:
    """Return whether the pause before a poll with *polls* earlier polls was long enough to detect rest."""
    return polls > 0 and poll_interval(polls - 1) >= REST_SECONDS


def waited(polls: int) -> float:
    """Return the seconds of pause between *polls* polls and the next one."""
    return sum(poll_interval(poll) for poll in range(polls))
