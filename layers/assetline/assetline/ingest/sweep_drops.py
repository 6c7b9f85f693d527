"""Sweep Drops: what a run left behind when it died is settled or given back, and what waits too long is started."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel

from assetline.budget import Budget
from assetline.ingest.find_lost_session import find_lost
from assetline.ingest.ingestion_runs import Runs
from assetline.ingest.ledger import Ledger
from assetline.ingest.sessions_table import Session, SessionsTable, lease_over
from assetline.ingest.settle_session import NEVER_OPENED, Settler
from assetline.ingest.staging import SessionRef
from assetline.observability import logger
from assetline.vi.ingestion_sessions import Sessions

RESERVED_SECONDS = 300  # ours: what giving up one more session and starting the runs may take
WINDOWS = 2  # ours: gather windows that a drop may wait before somebody looks after it


class Swept(BaseModel, frozen=True):
    """What was done: sessions that were abandoned, and runs that were started."""

    abandoned: int
    started: int


@dataclass(frozen=True)
class Sweeper:
    """Looks after what nobody works for. A repeat is harmless; so is doing it while somebody works, after all."""

    settler: Settler
    ledger: Ledger
    table: SessionsTable
    runs: Runs
    bucket: str
    gather_seconds: int
    budget: Budget
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def sweep(self) -> Swept:
        """Give up the sessions whose lease is over, then start runs for what waits and no run works for.

        One that cannot be given up, as Vi cannot be told, does not hold up the others; the first such error is raised
        when all is done, and the next sweep tries again.

        Raises:
            Retryable, Permanent: as `Settler.settle`.
        """
        abandoned, errors = 0, list[Exception]()
        unfinished, datasets = self.table.unfinished_and_datasets(self.now())
        for session in [session for session in unfinished if lease_over(session, self.now())]:
            if self.budget.spent():
                break
            try:
                self._abandon(session)
                abandoned += 1
            except Exception as error:
                logger.warning("session_not_abandoned", session_key=session.session_key, error=type(error).__name__)
                errors.append(error)
        started = sum(self._started(dataset_id) for dataset_id in datasets)
        logger.info("swept", abandoned=abandoned, started=started)
        if errors:
            raise errors[0]
        return Swept(abandoned=abandoned, started=started)

    def _abandon(self, session: Session) -> None:
        if session.session_id is None and session.tries:
            self._cancel_lost(session)
        reference = SessionRef(
            session_key=session.session_key,
            dataset_id=session.dataset_id,
            session_id=session.session_id or NEVER_OPENED,
            ingestion_id=session.ingestion_id or "",
            bucket=self.bucket,
            total=session.total,
            opened_at=session.opened_at,
        )
        self.settler.settle(reference, "abandoned")

    def _cancel_lost(self, session: Session) -> None:
        """Cancel the session that Vi may have opened when nobody heard of it any more."""
        drops = self.settler.held(session.session_key, session.dataset_id, self.bucket)
        sessions = Sessions(self.settler.client, session.dataset_id)
        lost = find_lost(sessions, {drop.asset_filename for drop in drops}, session) if drops else None
        if lost is not None:
            sessions.cancel(lost.session_id)
            logger.warning("lost_session_cancelled", session_id=lost.session_id)

    def _started(self, dataset_id: str) -> bool:
        before = self.now() - timedelta(seconds=WINDOWS * self.gather_seconds)
        return self.ledger.any_waiting(dataset_id, before) and self.runs.start(dataset_id)
