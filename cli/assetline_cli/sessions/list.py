"""List ingestion sessions."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from assetline.ingest.run_ownership import RUN
from assetline.ingest.session_permits import PREFIX as PERMIT
from assetline.ingest.sessions_table import DATASET, UNFINISHED, Session
from assetline_cli.stack import find_stack
from assetline_cli.suggested_commands import upload_command
from assetline_cli.terminal.formatting import age, count, duration
from assetline_cli.terminal.tables import ListLayout, TableColumns, print_list

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from mypy_boto3_dynamodb.service_resource import Table

    from assetline_cli.context import CliContext


INTERNAL = {"lease_until", "opener", "polls", "tries"}  # of the machine, not listed
FIGURES = ("Total", "Ingested", "Rejected", "Returned")
COLUMNS = TableColumns(
    headings=("Session", "Dataset", "State", *FIGURES, "Age", "Duration", "Error", "Report"),
    # The session's key begins with the dataset; a report is named after both.
    dispensable=("Report", "Dataset", "Age", "Duration", "Error", "Returned", "Total", "Rejected", "Ingested"),
    right=frozenset({*FIGURES, "Age", "Duration"}),
    if_any=("Error", "Report"),
    folded="Session",
)
STATE_STYLES = {
    "opening": "cyan",
    "open": "cyan",
    "finished": "green",
    "failed": "bold red",
    "cancelled": "yellow",
    "overdue": "yellow",
    "abandoned": "yellow",
}


def session_of(item: Mapping[str, Any]) -> Session | None:
    """Read *item*, or return None if it is not a session: the table also holds permits, datasets and owners."""
    if str(item.get("session_key")).startswith((PERMIT, DATASET, RUN)):
        return None
    try:
        return Session.from_item(item)
    except ValidationError:
        return None


def seconds_of(session: Session, now: datetime) -> float:
    """Return how long a session has run, or ran until its last update."""
    until = now if session.state in UNFINISHED else session.finished_at or session.updated_at
    return max(0.0, (until - session.opened_at).total_seconds())


@dataclass(frozen=True)
class SessionFilter:
    """A filter of sessions; None accepts any."""

    dataset_id: str | None = None
    state: str | None = None
    limit: int = 20

    def newest(self, sessions: Iterable[Session]) -> list[Session]:
        """Return the newest of *sessions* that pass the filter."""
        matching = (session for session in sessions if self._matches(session))
        return heapq.nlargest(self.limit, matching, key=lambda session: (session.opened_at, session.session_key))

    def hint(self, stack: str) -> str:
        """Return the next command where no session passes."""
        if self.dataset_id is None and self.state is None:
            return f"No ingestion sessions yet. Upload a folder: {upload_command(stack)}"
        return "No session matches. Omit --dataset or --state to list the others."

    def _matches(self, session: Session) -> bool:
        return self.dataset_id in {None, session.dataset_id} and self.state in {None, session.state}


def sessions_of(table: Table) -> Iterator[Session]:
    """Yield every session of the table, in no order."""
    options: dict[str, Any] = {}
    while True:
        answer = table.scan(**options)
        yield from (session for session in map(session_of, answer["Items"]) if session)
        if "LastEvaluatedKey" not in answer:
            return
        options["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def layout(now: datetime) -> ListLayout[Session]:
    """Return how sessions are listed."""
    return ListLayout(
        columns=COLUMNS,
        cells=lambda session: _cells(session, now, [count(figure) for figure in _figures(session)]),
        plain_cells=lambda session: _cells(session, now, [str(figure) for figure in _figures(session)]),
        as_json=lambda session: session.model_dump(mode="json", exclude_none=True, exclude=INTERNAL),
        style=lambda session: STATE_STYLES.get(session.state, ""),
    )


def _figures(session: Session) -> tuple[int, ...]:
    return session.total, session.ingested, session.rejected, session.returned


def _cells(session: Session, now: datetime, figures: Sequence[str]) -> tuple[str, ...]:
    return (
        session.session_key,
        session.dataset_id,
        session.state,
        *figures,
        age((now - session.opened_at).total_seconds()),
        duration(seconds_of(session, now)),
        session.error or "",
        session.report_key or "",
    )


def list_sessions(context: CliContext, stack: str, choice: SessionFilter, *, json: bool) -> None:
    """Print the newest sessions that pass the filter."""
    ingestion = find_stack(context.aws.cloudformation, stack).ingestion()
    newest = choice.newest(sessions_of(context.aws.table(ingestion.sessions_table)))
    print_list(context.out, newest, layout(context.clock.now()), json=json)
    if not newest and not json:
        context.print_message(choice.hint(stack))
