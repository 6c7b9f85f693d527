"""Watch drops in the ledger until each is ingested or rejected."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import batched
from typing import TYPE_CHECKING, Self

from assetline.ingest.drop import HELD, OVER
from assetline_cli.polling import looks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from assetline.ingest.drop import Drop, DropState
    from assetline_cli.clock import Clock
    from assetline_cli.drops.ingestion_runs import FailedRuns
    from assetline_cli.drops.table import DropsTable
    from assetline_cli.drops.upload import DroppedFile

LOOK_EVERY_SECONDS = 2.0  # ours: a drop takes a minute and more
DROPS_PER_READ = 100  # DynamoDB: items of one BatchGetItem
THREADS = 8  # ours: a look at fifty thousand drops takes a second or two
RUNS_EVERY = timedelta(seconds=30)
# Ours: longer than the session quota, an upload or a session of Vi delays drops.
NOTHING_MOVED = timedelta(hours=1)


@dataclass(frozen=True)
class IngestionProgress:
    """One observation of the drops; `trouble` is the reason of the last failed run.

    `waiting` are those that no session has claimed, recorded or not. The sessions of the others have
    `uploaded_of_sessions` of `total_of_sessions` files, also those of other drops.
    """

    total: int
    ingested: int
    rejected: int
    in_session: int
    since: datetime
    uploaded_of_sessions: int = 0
    total_of_sessions: int = 0
    trouble: str | None = None
    gave_up: bool = False
    answered: bool = True

    @property
    def waiting(self) -> int:
        """The number of drops that no session has claimed."""
        return self.total - self.ingested - self.rejected - self.in_session

    @property
    def over(self) -> int:
        """The number of ingested or rejected drops."""
        return self.ingested + self.rejected

    @property
    def ended(self) -> bool:
        """Whether all drops have ended, or the watcher gave up."""
        return self.over == self.total or self.gave_up

    def without_answer(self) -> Self:
        """Return the same observation, marked as without an answer from AWS."""
        return replace(self, answered=False)


class IngestionWatcher:
    """Polls *dropped* until all have ended; `over` has those that have, by ID."""

    def __init__(
        self, drops: DropsTable, failed_runs: FailedRuns, dropped: Sequence[DroppedFile], clock: Clock
    ) -> None:
        self._drops = drops
        self._failed_runs = failed_runs
        self._dropped_at = {file.drop_id: file.at for file in dropped}
        self._clock = clock
        self._began_at = self._moved_at = self._runs_read_at = clock.now()
        self._seen: tuple[Counter[DropState], int] = Counter(), 0
        self._trouble: str | None = None
        self.over: dict[str, Drop] = {}

    def looks(self) -> Iterator[IngestionProgress]:
        """Yield an observation every few seconds; the last one has ended."""
        return looks(self._look, self._clock, LOOK_EVERY_SECONDS)

    def _look(self) -> IngestionProgress:
        drops = self._drops_left()
        states = Counter(drop.state for drop in (*drops, *self.over.values()))
        sessions = self._drops.sessions({drop.session_key for drop in drops if drop.session_key})
        uploaded = sum(session.uploaded for session in sessions)
        now = self._clock.now()
        if (states, uploaded) != self._seen:
            self._seen, self._moved_at, self._trouble = (states, uploaded), now, None
        elif now - self._runs_read_at >= RUNS_EVERY:
            self._runs_read_at = now
            self._trouble = self._failed_runs.newest(self._began_at)
        return IngestionProgress(
            total=len(self._dropped_at),
            ingested=states["ingested"],
            rejected=states["rejected"],
            in_session=sum(states[state] for state in HELD),
            since=self._began_at,
            uploaded_of_sessions=uploaded,
            total_of_sessions=sum(session.total for session in sessions),
            trouble=self._trouble,
            gave_up=now - self._moved_at >= NOTHING_MOVED,
        )

    def _drops_left(self) -> list[Drop]:
        """Return the recorded drops that have not ended; add the others to `over`."""
        left = [drop_id for drop_id in self._dropped_at if drop_id not in self.over]
        with ThreadPoolExecutor(THREADS) as threads:
            read = threads.map(self._drops.get, batched(left, DROPS_PER_READ, strict=False))
            drops = [drop for found in read for drop in found.values() if self._is_news(drop)]
        self.over |= {drop.drop_id: drop for drop in drops if drop.state in OVER}
        return self._drops.with_sessions(drop for drop in drops if drop.state not in OVER)

    def _is_news(self, drop: Drop) -> bool:
        """Return whether the ledger's drop is of this upload: the same file may have been uploaded earlier."""
        # S3 returns times without fractions of a second.
        return drop.finished_at is None or drop.finished_at >= self._dropped_at[drop.drop_id].replace(microsecond=0)
