"""The drops table, read and changed by an operator."""

from __future__ import annotations

import heapq
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Literal

from pydantic import ValidationError

from assetline.ingest.drop import NOWHERE, STATES
from assetline.ingest.ledger import Ledger
from assetline.ingest.sessions_table import SessionsTable
from assetline_cli.errors import CommandFailed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from assetline.ingest.drop import Drop, DropState
    from assetline.ingest.sessions_table import Session
    from assetline_cli.context import CliContext
    from assetline_cli.stack import Ingestion

ALL = 1_000_000  # more than any list has


class DropsTable:
    """The drops of a stack."""

    def __init__(self, ledger: Ledger, sessions: SessionsTable) -> None:
        self._ledger = ledger
        self._sessions = sessions

    @classmethod
    def of(cls, context: CliContext, ingestion: Ingestion) -> DropsTable:
        """Return the drops of the stack with the outputs *ingestion*."""
        # The ledger writes the retention when drops end; the command ends none.
        ledger = Ledger(context.aws.table(ingestion.drops_table), retention_days=0, clock=context.clock.now)
        return cls(ledger, SessionsTable(context.aws.table(ingestion.sessions_table)))

    def get(self, drop_ids: Iterable[str]) -> dict[str, Drop]:
        """Return drops by ID, without unknown IDs.

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

        Raises:
            CommandFailed: one of them cannot be read.
        """
        datasets = self.datasets() if dataset_id is None else [dataset_id]
        found: dict[str, Drop] = {}
        with _readable():
            for dataset in datasets:
                for state in states:
                    for drop in self._ledger.listed(dataset, state, limit, newest_first=True):
                        # The index is a moment behind: a drop that changes during the read is listed twice.
                        earlier = found.get(drop.drop_id)
                        if earlier is None or earlier.updated_at < drop.updated_at:
                            found[drop.drop_id] = drop
        return heapq.nlargest(limit, found.values(), key=lambda drop: (drop.dropped_at, drop.drop_id))

    def datasets(self) -> list[str]:
        """Return the datasets with drops, and the name that stands for none."""
        return [*self._sessions.datasets(), NOWHERE]

    def oldest(self, dataset_id: str, state: DropState, limit: int) -> list[Drop]:
        """Return at most *limit* drops of a dataset in *state*, the oldest first; raises as `newest`."""
        with _readable():
            return [*islice(self._ledger.listed(dataset_id, state, limit), limit)]

    def retry(self, drops: Iterable[Drop], state: Literal["rejected", "ingested"]) -> set[str]:
        """Queue drops in a state for a new session; return the IDs of the queued ones."""
        retriable = [*drops]
        waiting = self._ledger.retry(retriable, state)
        for dataset_id in {drop.dataset_id for drop in retriable if drop.drop_id in waiting}:
            self._sessions.note_dataset(dataset_id)  # so that a sweep finds them, should no run start
        return waiting


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except ValidationError as error:
        raise CommandFailed(
            "This version of the command cannot read an item of the drops table. "
            "Use one version for the command and the stack."
        ) from error
