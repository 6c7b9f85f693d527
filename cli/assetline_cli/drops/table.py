"""The drops table, read and changed by an operator."""

from __future__ import annotations

import heapq
from contextlib import contextmanager
from itertools import chain, islice
from typing import TYPE_CHECKING, Literal

from pydantic import ValidationError

from assetline.ingest.claimed_drops import ClaimedDrops
from assetline.ingest.drop import HELD, NOWHERE
from assetline.ingest.ledger import Ledger
from assetline.ingest.sessions_table import SessionsTable
from assetline_cli.errors import CommandFailed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from assetline.ingest.drop import Drop, DropState
    from assetline.ingest.sessions_table import Session
    from assetline_cli.context import CliContext
    from assetline_cli.stack import Stack

ALL = 1_000_000  # more than any list has
STATES: tuple[DropState, ...] = ("dropped", "claimed", "ingested", "rejected")


class DropsTable:
    """The drops of a stack."""

    def __init__(self, ledger: Ledger, sessions: SessionsTable, claimed: ClaimedDrops) -> None:
        self._ledger = ledger
        self._sessions = sessions
        self._claimed = claimed

    @classmethod
    def of(cls, context: CliContext, stack: Stack) -> DropsTable:
        """Return the drops of a stack; raises as `Stack.ingestion`."""
        ingestion = stack.ingestion()
        # The ledger writes the retention when drops end; the command ends none.
        ledger = Ledger(context.aws.table(ingestion.drops_table), retention_days=0, clock=context.clock.now)
        sessions = SessionsTable(context.aws.table(ingestion.sessions_table))
        return cls(ledger, sessions, ClaimedDrops(sessions, context.aws.s3, stack.bucket))

    def with_sessions(self, drops: Iterable[Drop]) -> list[Drop]:
        """Return *drops* in their order; those that an open session sends are `claimed`, with its key."""
        return self._claimed.marked(drops)

    def get(self, drop_ids: Iterable[str]) -> dict[str, Drop]:
        """Return drops by ID as the table has them, without unknown IDs.

        Raises:
            CommandFailed: one of them cannot be read.
        """
        with _readable():
            return self._ledger.get(drop_ids)

    def sessions(self, session_keys: Iterable[str]) -> list[Session]:
        """Return the ingestion sessions with these keys, without unknown ones."""
        found = map(self._sessions.get, session_keys)
        return [session for session in found if session is not None]

    def newest(self, dataset_id: str | None, states: Sequence[DropState] = STATES, limit: int = ALL) -> list[Drop]:
        """Return the drops of a dataset, or of all, that are in one of *states*, the newest first.

        The index does not list ingested drops, so this reads the table.

        Raises:
            CommandFailed: one of them cannot be read.
        """
        datasets = self.datasets() if dataset_id is None else [dataset_id]
        found: dict[str, Drop] = {}
        with _readable():
            for dataset in datasets:
                for state in states:
                    _add(found, self._newest(dataset, state, limit))
            if "ingested" in states:
                _add(found, self._ledger.ingested(dataset_id, limit))
        return heapq.nlargest(limit, found.values(), key=lambda drop: (drop.dropped_at, drop.drop_id))

    def _newest(self, dataset_id: str, state: DropState, limit: int) -> Iterator[Drop]:
        """Yield the newest drops of a dataset in *state*, none of the ingested ones."""
        claimed = self._claimed.ids(dataset_id) if state in {"dropped", "claimed"} else frozenset[str]()
        if state == "claimed":
            drops = chain(
                self.with_sessions(self._ledger.get(claimed).values()),
                *(self._ledger.listed(dataset_id, held, limit, newest_first=True) for held in HELD),
            )
            yield from (drop for drop in drops if drop.state in HELD)
        elif state != "ingested":
            listed = self._ledger.listed(dataset_id, state, min(ALL, limit + len(claimed)), newest_first=True)
            yield from (drop for drop in listed if drop.drop_id not in claimed)

    def datasets(self) -> list[str]:
        """Return the datasets with drops, and the name that stands for none."""
        return [*self._sessions.datasets(), NOWHERE]

    def oldest_waiting(self, dataset_id: str, limit: int) -> list[Drop]:
        """Return at most *limit* drops of a dataset that no session sends, the oldest first; raises as `newest`."""
        claimed = self._claimed.ids(dataset_id)
        with _readable():
            listed = self._ledger.listed(dataset_id, "dropped", limit + len(claimed))
            return [*islice((drop for drop in listed if drop.drop_id not in claimed), limit)]

    def retry(self, drops: Iterable[Drop], state: Literal["rejected", "ingested"]) -> set[str]:
        """Queue drops in a state for a new session; return the IDs of the queued ones."""
        retriable = [*drops]
        waiting = self._ledger.retry(retriable, state)
        for dataset_id in {drop.dataset_id for drop in retriable if drop.drop_id in waiting}:
            self._sessions.note_dataset(dataset_id)  # so that a sweep finds them, should no run start
        return waiting


def _add(found: dict[str, Drop], drops: Iterable[Drop]) -> None:
    """Add *drops* by ID. The index is a moment behind: of a drop that changes during the read, the newer one counts."""
    for drop in drops:
        earlier = found.get(drop.drop_id)
        if earlier is None or earlier.updated_at < drop.updated_at:
            found[drop.drop_id] = drop


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except ValidationError as error:
        raise CommandFailed(
            "This version of the command cannot read an item of the drops table. "
            "Use one version for the command and the stack."
        ) from error
