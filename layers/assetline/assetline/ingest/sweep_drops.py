"""Sweep Drops: settles or returns the work of dead runs, and starts runs for drops that wait too long."""

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from pydantic import BaseModel

from assetline.budget import Budget
from assetline.ingest.drop import HELD, Drop, moment
from assetline.ingest.find_lost_session import cancel_lost
from assetline.ingest.ingestion_runs import Runs
from assetline.ingest.ledger import Ledger
from assetline.ingest.run_ownership import LEASE_SECONDS
from assetline.ingest.sessions_table import UNFINISHED, Session, SessionsTable, Work, lease_over
from assetline.ingest.settle_session import Settler
from assetline.ingest.staging import SessionRef, SessionStaging
from assetline.observability import logger, measure_seconds
from assetline.vi.ingestion_sessions import Sessions

HELD_FROM_A_SHARD = 50  # ours: the oldest ones; drops of lost sessions are older than those of running ones
IDLE_SECONDS = 3600  # ours: without a new drop, and without an unfinished one
RESERVED_SECONDS = 300  # ours: the time to give up one more session and to start the runs
WINDOWS = 2  # ours: gather windows that a drop may wait before a sweep starts a run


@dataclass(frozen=True)
class DatasetSeen:
    """The work of a sweep on a dataset, and the time of the dataset's oldest unfinished drop."""

    returned: int
    started: bool
    oldest: datetime | None


class SweepDropsResult(BaseModel, frozen=True):
    """The numbers of sessions abandoned, drops returned to the queue, and runs started."""

    abandoned: int
    returned: int
    started: int


@dataclass(frozen=True)
class Sweeper:
    """Handles sessions and drops without a worker. A repeat is harmless, also if there is a worker."""

    settler: Settler
    ledger: Ledger
    table: SessionsTable
    runs: Runs
    bucket: str
    gather_seconds: int
    budget: Budget
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def sweep(self) -> SweepDropsResult:
        """Give up the sessions with expired leases, return drops without a session, and start runs for waiting drops.

        A session that cannot be given up, because Vi does not answer, does not delay the others. The first such error
        is raised at the end, and the next sweep retries. Work beyond the budget is left for the next sweep, too.

        Raises:
            Retryable, Permanent: as `Settler.settle`.
        """
        errors = list[Exception]()
        work = self.table.work(self.now())
        abandoned = sum(self._abandoned(session, errors) for session in work.sessions if self._is_dead(session))
        seen = self._datasets_looked_at(work)
        oldest = min((dataset.oldest for dataset in seen if dataset.oldest is not None), default=None)
        swept = SweepDropsResult(
            abandoned=abandoned,
            returned=sum(dataset.returned for dataset in seen),
            started=sum(dataset.started for dataset in seen),
        )
        measure_seconds(OldestDropAge=0 if oldest is None else max(0.0, (self.now() - oldest).total_seconds()))
        logger.info("swept", **swept.model_dump())
        if errors:
            raise errors[0]
        return swept

    def _is_dead(self, session: Session) -> bool:
        return lease_over(session, self.now()) and not self.budget.spent()

    def _abandoned(self, session: Session, errors: list[Exception]) -> bool:
        try:
            return self._abandon(session)
        except Exception as error:
            logger.warning("session_not_abandoned", session_key=session.session_key, error=type(error).__name__)
            errors.append(error)
            return False

    def _datasets_looked_at(self, work: Work) -> list[DatasetSeen]:
        datasets = [*work.datasets.items()]
        random.shuffle(datasets)  # if the time is short, each gets its turn in some sweep
        seen = list[DatasetSeen]()
        for dataset_id, seen_at in datasets:
            if self.budget.spent():
                logger.warning("sweep_cut_short", datasets=len(datasets), looked_at=len(seen))
                break
            seen.append(self._looked_at(dataset_id, seen_at, owned=dataset_id in work.owned))
        return seen

    def _looked_at(self, dataset_id: str, seen_at: str, *, owned: bool) -> DatasetSeen:
        waiting = self.ledger.waiting(dataset_id, 1)
        held = [drop for state in HELD for drop in self.ledger.listed(dataset_id, state, HELD_FROM_A_SHARD)]
        returned = self._given_back(held)
        cutoff = self.now() - timedelta(seconds=WINDOWS * self.gather_seconds)
        waits_long = any(drop.dropped_at < cutoff for drop in waiting)
        started = waits_long and not owned and self.runs.start(dataset_id)
        if not waiting and not held and seen_at < moment(self.now() - timedelta(seconds=IDLE_SECONDS)):
            self.table.note_idle(dataset_id, seen_at, self.ledger.forgotten_at())
        oldest = min((drop.dropped_at for drop in (*waiting, *held)), default=None)
        return DatasetSeen(returned=returned, started=started, oldest=oldest)

    def _given_back(self, held: Sequence[Drop]) -> int:
        """Return the drops that an earlier version claimed for an ended session to the queue; return their number."""
        long_ago = self.now() - timedelta(seconds=LEASE_SECONDS)
        by_session = defaultdict[str, list[Drop]](list)
        for drop in held:
            if drop.updated_at < long_ago:  # otherwise their session may be about to settle them
                by_session[drop.session_key or ""].append(drop)
        returned = 0
        for session_key, drops in by_session.items():
            session = self.table.get(session_key) if session_key else None
            if session is not None and session.state in UNFINISHED:
                continue
            returned += len(self.ledger.return_held(drops))
            logger.warning("drops_without_session", session_key=session_key, drops=len(drops))
        return returned

    def _abandon(self, session: Session) -> bool:
        """Settle a session without a worker; return False if it has one."""
        if session.session_id is None:
            # First, so that a late opener sends nothing. If this sweep is killed before the session is abandoned, the
            # next one continues.
            fenced = session.model_copy(update={"opener": uuid4().hex})
            if not self.table.take_over_dead(session, fenced.opener or ""):
                return False
            if session.tries:
                self._cancel_lost(fenced)
            if not self.table.abandon_opening(fenced):
                return False
        self.settler.settle(SessionRef.of(session, self.bucket), "abandoned")
        return True

    def _cancel_lost(self, session: Session) -> None:
        """Cancel the session of a request whose answer was lost, if Vi opened one."""
        requests = SessionStaging(self.settler.s3, self.bucket, session.session_key).requests()
        cancel_lost(Sessions(self.settler.client, session.dataset_id), requests, session)
