"""The sessions table: every ingestion session, its worker and its lease.

It also holds items for datasets with drops, for the owners of datasets (see `run_ownership`), and for permits (see
`session_permits`).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Self

from boto3.dynamodb.conditions import Attr, ConditionBase
from pydantic import AwareDatetime, BaseModel

from assetline.ingest.drop import moment
from assetline.ingest.run_ownership import LEASE_SECONDS, RUN, datasets_with_owner
from assetline.ingest.session_permits import PREFIX as PERMIT

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

type SessionState = Literal["opening", "open", "finished", "failed", "cancelled", "overdue", "abandoned"]

UNFINISHED: tuple[SessionState, ...] = ("opening", "open")
DATASET = "dataset#"
UPLOADED_OF_SLICE = "uploaded_of_slice_"  # one attribute a slice, so that a repeat counts nothing twice


class Session(BaseModel, frozen=True):
    """One item of the sessions table; `session_key` is its key, `session_id` and `ingestion_id` are Vi's.

    `opener` is the last invocation that began to open it; earlier ones write no more. `tries` counts the requests sent
    to open it, `polls` the polls before the last one. The worker renews `lease_until`, in seconds since 1970; after
    that, there is no worker. `uploaded` counts the drops whose bytes Vi has, as far as the slices have reported.
    `returned` counts drops that wait for another session.

    Reading is lenient, since the command `assetline` also reads items of other versions of the stack: an unknown state
    stays text.
    """

    session_key: str
    dataset_id: str
    execution_arn: str = ""
    state: SessionState | str
    session_id: str | None = None
    ingestion_id: str | None = None
    tries: int = 0
    opener: str | None = None
    total: int = 0
    succeeded: int = 0
    errored: int = 0
    uploaded: int = 0
    polls: int = 0
    ingested: int = 0
    rejected: int = 0
    returned: int = 0
    opened_at: AwareDatetime
    updated_at: AwareDatetime
    finished_at: AwareDatetime | None = None
    lease_until: int = 0
    report_key: str | None = None
    error: str | None = None
    message: str | None = None

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Self:
        """Parse an item of the table."""
        values = {name: int(value) if isinstance(value, Decimal) else value for name, value in item.items()}
        uploaded = sum(int(values[name]) for name in values if name.startswith(UPLOADED_OF_SLICE))
        return cls.model_validate(values | {"uploaded": uploaded})

    def to_item(self) -> dict[str, Any]:
        """Return the session as an item of the table; unknown values are absent."""
        return _attributes(self.model_dump(exclude_none=True, exclude={"uploaded"}))


@dataclass(frozen=True)
class Work:
    """The work of a sweep.

    `datasets` maps ids to the time of their last record. The `owned` ones have a living run.
    """

    sessions: list[Session]
    datasets: dict[str, str]
    owned: set[str]


class SessionsTable:
    """The sessions table; every write is conditional."""

    def __init__(self, table: "Table") -> None:
        self.table = table
        self._refused = table.meta.client.exceptions.ConditionalCheckFailedException

    def open(self, session: Session) -> bool:
        """Record a session that is about to be opened; return False if it is recorded already."""
        try:
            self.table.put_item(Item=session.to_item(), ConditionExpression="attribute_not_exists(session_key)")
        except self._refused:
            return False
        return True

    def take_over(self, session_key: str, opener: str) -> bool:
        """Make *opener* the only opener of a session; return False if the session is open, has ended, or is absent."""
        return self._set(session_key, {"opener": opener} | _lease(), Attr("state").eq("opening"))

    def update_opening(self, session: Session, **values: Any) -> bool:
        """Set fields of a session that is being opened, and renew its lease; return False if it was taken over."""
        mine = Attr("state").eq("opening") & Attr("opener").eq(session.opener)
        return self._set(session.session_key, values | _lease(), mine)

    def get(self, session_key: str) -> Session | None:
        """Return the recorded session, None without one."""
        item = self.table.get_item(Key={"session_key": session_key}, ConsistentRead=True).get("Item")
        return None if item is None else Session.from_item(item)

    def of_dataset(self, dataset_id: str) -> Session | None:
        """Return the last session of the run that owns a dataset, None without an owner or a session."""
        owner = self.table.get_item(Key={"session_key": f"{RUN}{dataset_id}"}, ConsistentRead=True).get("Item", {})
        key = owner.get("session_key_of_run")
        return self.get(str(key)) if key else None

    def update(self, session_key: str, **values: Any) -> bool:
        """Set fields of an unfinished session, and renew its lease; return False if it has ended or is absent."""
        return self._set(session_key, values | _lease(), Attr("state").is_in([*UNFINISHED]))

    def report_uploads(self, session_key: str, number: int, uploaded: int) -> bool:
        """Set the count of uploaded drops of slice *number*; otherwise as `update`."""
        return self.update(session_key, **{f"{UPLOADED_OF_SLICE}{number:04}": uploaded})

    def finish(self, session_key: str, state: SessionState, **values: Any) -> bool:
        """Record the end of a session; the first call decides. A repeat with the same end is harmless."""
        ended = Attr("state").is_in([*UNFINISHED]) | Attr("state").eq(state)
        now = datetime.now(UTC)
        return self._set(session_key, values | {"state": state, "finished_at": now}, ended)

    def take_over_dead(self, session: Session, opener: str) -> bool:
        """Stop the invocation that opens a session; return False if it was changed since *session* was read."""
        unchanged = Attr("state").eq("opening") & Attr("lease_until").eq(session.lease_until)
        return self._set(session.session_key, {"opener": opener} | _lease(), unchanged)

    def abandon_opening(self, session: Session) -> bool:
        """Record that a session will not be opened; return False if another invocation opens it."""
        mine = Attr("state").eq("opening") & Attr("opener").eq(session.opener)
        now = datetime.now(UTC)
        return self._set(session.session_key, {"state": "abandoned", "finished_at": now}, mine)

    def forget(self, session: Session) -> None:
        """Delete a session without effects, unless another invocation opens it."""
        mine = Attr("state").eq("opening") & Attr("opener").eq(session.opener)
        try:
            self.table.delete_item(Key={"session_key": session.session_key}, ConditionExpression=mine)
        except self._refused:
            return

    def sessions(self) -> Iterator[Session]:
        """Yield every session."""
        for item in self._items():
            if not item["session_key"].startswith((PERMIT, DATASET, RUN)):
                yield Session.from_item(item)

    def work(self, now: datetime) -> Work:
        """Return the unfinished sessions, and the datasets that may have unfinished drops.

        The table is read once, page by page; finished sessions are not kept in memory.
        """
        condition = Attr("state").is_in([*UNFINISHED]) | Attr("session_key").begins_with(DATASET)
        condition |= Attr("session_key").begins_with(RUN)
        items = [*self._items({"FilterExpression": condition, "ConsistentRead": True})]
        active = [item for item in items if item["session_key"].startswith(DATASET) and "idle_at" not in item]
        return Work(
            sessions=[Session.from_item(item) for item in items if item.get("state") in UNFINISHED],
            datasets={item["session_key"].removeprefix(DATASET): item.get("seen_at", "") for item in active},
            owned=datasets_with_owner(self._with_their_sessions(items), now),
        )

    def note_dataset(self, dataset_id: str) -> None:
        """Record that a dataset has drops, so that sweeps check it."""
        self.table.update_item(
            Key={"session_key": f"{DATASET}{dataset_id}"},
            UpdateExpression="SET seen_at = :now REMOVE idle_at, expires_at",
            ExpressionAttributeValues={":now": moment(datetime.now(UTC))},
        )

    def note_idle(self, dataset_id: str, seen_at: str, expires_at: int) -> None:
        """Record that a dataset, last recorded at *seen_at*, has no unfinished drop: sweeps skip it.

        The record expires at *expires_at*, in seconds since 1970. A dataset recorded again since then is unchanged.
        """
        try:
            self.table.update_item(
                Key={"session_key": f"{DATASET}{dataset_id}"},
                UpdateExpression="SET idle_at = :now, expires_at = :expires_at",
                ConditionExpression=Attr("seen_at").eq(seen_at),
                ExpressionAttributeValues={":now": moment(datetime.now(UTC)), ":expires_at": expires_at},
            )
        except self._refused:
            return

    def datasets(self) -> list[str]:
        """Return the datasets with drops."""
        return _datasets(self._items())

    def _with_their_sessions(self, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return *items* with the sessions of the owners among them, also finished ones: their leases count."""
        known = {item["session_key"] for item in items}
        expected = {item["session_key_of_run"] for item in items if "session_key_of_run" in item} - known
        found = [self.table.get_item(Key={"session_key": key}).get("Item") for key in sorted(expected)]
        return items + [dict(item) for item in found if item is not None]

    def _items(
        self, options: Mapping[str, Any] = MappingProxyType({"ConsistentRead": True})
    ) -> Iterator[dict[str, Any]]:
        scan = dict(options)
        while True:
            answer = self.table.scan(**scan)
            yield from answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            scan["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _set(self, session_key: str, values: dict[str, Any], condition: ConditionBase) -> bool:
        written = _attributes(values | {"updated_at": datetime.now(UTC)})
        kept = {name: value for name, value in written.items() if value is not None}
        try:
            self.table.update_item(
                Key={"session_key": session_key},
                UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in kept),
                ConditionExpression=condition,
                ExpressionAttributeNames={f"#{name}": name for name in kept},
                ExpressionAttributeValues={f":{name}": value for name, value in kept.items()},
            )
        except self._refused:
            return False
        return True


def lease_over(session: Session, now: datetime) -> bool:
    """Return whether a session has no worker any more."""
    return session.lease_until < now.timestamp()


def _datasets(items: Iterable[Mapping[str, Any]]) -> list[str]:
    keys = [item["session_key"] for item in items]
    return sorted(key.removeprefix(DATASET) for key in keys if key.startswith(DATASET))


def _lease() -> dict[str, int]:
    return {"lease_until": int(datetime.now(UTC).timestamp()) + LEASE_SECONDS}


def _attributes(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: moment(value) if isinstance(value, datetime) else value for name, value in values.items()}
