"""Sweep Drops: what a run left behind when it died is settled or given back, and what waits too long is started."""

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from pydantic import BaseModel

from assetline.budget import Budget
from assetline.ingest.drop import Drop, DropState, moment
from assetline.ingest.find_lost_session import cancel_lost
from assetline.ingest.ingestion_runs import Runs
from assetline.ingest.ledger import Ledger
from assetline.ingest.outcomes import DropOutcome
from assetline.ingest.run_ownership import LEASE_SECONDS
from assetline.ingest.sessions_table import UNFINISHED, Session, SessionsTable, Work, lease_over
from assetline.ingest.settle_session import NEVER_OPENED, Settler
from assetline.ingest.staging import SessionRef
from assetline.observability import logger, measure_seconds
from assetline.vi.ingestion_sessions import Sessions

HELD: tuple[DropState, ...] = ("claimed", "uploaded")
HELD_FROM_A_SHARD = 50  # ours: the oldest ones; what a session lost is older than what one has
IDLE_SECONDS = 3600  # ours: without a new drop, and with none that is not over
RESERVED_SECONDS = 300  # ours: what giving up one more session and starting the runs may take
WINDOWS = 2  # ours: gather windows that a drop may wait before somebody looks after it


@dataclass(frozen=True)
class DatasetSeen:
    """The work of a sweep on a dataset, and the time of the dataset's oldest drop that has not ended."""

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
    """Looks after what nobody works for. A repeat is harmless; so is doing it while somebody works, after all."""

    settler: Settler
    ledger: Ledger
    table: SessionsTable
    runs: Runs
    bucket: str
    gather_seconds: int
    budget: Budget
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def sweep(self) -> SweepDropsResult:
        """Give up the sessions whose lease is over, give back what no session has, and start runs for what waits.

        One that cannot be given up, as Vi cannot be told, does not hold up the others; the first such error is raised
        when all is done, and the next sweep tries again. What the budget leaves no time for is for the next sweep, too.

        Raises:
            Retryable, Permanent: as `Settler.settle`.
        """
        errors = list[Exception]()
        work = self.table.work(self.now())
        abandoned = sum(self._abandoned(session, errors) for session in work.sessions if self._is_dead(session))
        seen = self._datasets_looked_at(work)
        oldest = min((one.oldest for one in seen if one.oldest is not None), default=None)
        swept = SweepDropsResult(
            abandoned=abandoned, returned=sum(one.returned for one in seen), started=sum(one.started for one in seen)
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
        random.shuffle(datasets)  # where time is short, each is looked at some time
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
        returned = self._given_back(dataset_id, held)
        before = self.now() - timedelta(seconds=WINDOWS * self.gather_seconds)
        waits_long = any(drop.dropped_at < before for drop in waiting)
        started = waits_long and not owned and self.runs.start(dataset_id)
        if not waiting and not held and seen_at < moment(self.now() - timedelta(seconds=IDLE_SECONDS)):
            self.table.note_idle(dataset_id, seen_at, self.ledger.forgotten_at())
        oldest = min((drop.dropped_at for drop in (*waiting, *held)), default=None)
        return DatasetSeen(returned=returned, started=started, oldest=oldest)

    def _given_back(self, dataset_id: str, held: Sequence[Drop]) -> int:
        """Give back the drops of sessions that are over, or that there are none of; return how many."""
        long_ago = self.now() - timedelta(seconds=LEASE_SECONDS)
        by_session = defaultdict[str, list[Drop]](list)
        for drop in held:
            if drop.updated_at < long_ago:  # else their session may be about to say what became of them
                by_session[drop.session_key or ""].append(drop)
        returned = 0
        for session_key, drops in by_session.items():
            session = self.table.get(session_key) if session_key else None
            if session is not None and session.state in UNFINISHED:
                continue
            outcomes = [DropOutcome(drop.drop_id, "dropped") for drop in drops]
            returned += len(self.ledger.settle(outcomes, dataset_id, session_key))
            logger.warning("drops_without_session", session_key=session_key, drops=len(drops))
        return returned

    def _abandon(self, session: Session) -> bool:
        """Settle a session that nobody works for; return False where somebody does, after all."""
        if session.session_id is None:
            # First of all, so that the invocation that opens it sends nothing more. A sweep that is killed before the
            # session is abandoned leaves it to the next one.
            fenced = session.model_copy(update={"opener": uuid4().hex})
            if not self.table.take_over_dead(session, fenced.opener or ""):
                return False
            if session.tries:
                self._cancel_lost(fenced)
            if not self.table.abandon_opening(fenced):
                return False
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
        return True

    def _cancel_lost(self, session: Session) -> None:
        """Cancel the session that Vi may have opened when nobody heard of it any more."""
        drops = self.settler.held(session.session_key, session.dataset_id, self.bucket)
        sessions = Sessions(self.settler.client, session.dataset_id)
        cancel_lost(sessions, {drop.asset_filename for drop in drops}, session)
