"""The sessions table: every ingestion session of ours, who works for it and until when.

The datasets there were drops for, the owners of datasets (see `run_ownership`) and the permits (see `session_permits`)
are items of it, too.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Self

from boto3.dynamodb.conditions import Attr, ConditionBase
from pydantic import AwareDatetime, BaseModel

from assetline.ingest.conditional_writes import Guard
from assetline.ingest.drop import moment
from assetline.ingest.run_ownership import LEASE_SECONDS, RUN, datasets_with_owner
from assetline.ingest.session_permits import PREFIX as PERMIT

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

type SessionState = Literal["opening", "open", "finished", "failed", "cancelled", "overdue", "abandoned"]

UNFINISHED: tuple[SessionState, ...] = ("opening", "open")
DATASET = "dataset#"


class Session(BaseModel, frozen=True):
    """One item of the sessions table; `session_key` is its key, `session_id` and `ingestion_id` are Vi's.

    `opener` is the invocation that opens it, the last one that began to; others write nothing of it any more. `tries`
    counts the requests to open it that were sent, `polls` the looks at it before the last one. Whoever works
    for it renews `lease_until`, in seconds since 1970; when that has passed, nobody does. `returned` are drops that
    went back to wait for another session.

    It is lenient in what it reads, for the command `assetline` reads items of other versions of the stack: a state it
    does not have stays text.
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
        """Return the session that an item describes."""
        return cls.model_validate(
            {name: int(value) if isinstance(value, Decimal) else value for name, value in item.items()}
        )

    def to_item(self) -> dict[str, Any]:
        """Return the session as an item of the table; what is not known is absent."""
        return _attributes(self.model_dump(exclude_none=True))


@dataclass(frozen=True)
class Work:
    """The work of a sweep.

    `datasets` are by id, with when they were noted last. The `owned` ones have a run that lives.
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
        """Note a session that is about to be opened; False when it is noted already."""
        try:
            self.table.put_item(Item=session.to_item(), ConditionExpression="attribute_not_exists(session_key)")
        except self._refused:
            return False
        return True

    def take_over(self, session_key: str, opener: str) -> bool:
        """Let *opener* open a session from now on, and nobody else; False when it is open, over or gone."""
        return self._set(session_key, {"opener": opener} | _lease(), Attr("state").eq("opening"))

    def update_opening(self, session: Session, **values: Any) -> bool:
        """Set fields of a session that is being opened, and renew its lease; False when others took it over."""
        mine = Attr("state").eq("opening") & Attr("opener").eq(session.opener)
        return self._set(session.session_key, values | _lease(), mine)

    def opening_guard(self, session: Session) -> Guard:
        """Return what lets writes of other tables happen only while the opener of a session may open it."""
        return Guard(
            self.table.name,
            {"session_key": session.session_key},
            "opener = :opener AND #state = :opening",
            {"#state": "state"},
            {":opener": session.opener, ":opening": "opening"},
        )

    def get(self, session_key: str) -> Session | None:
        """Return a session as it is noted."""
        item = self.table.get_item(Key={"session_key": session_key}, ConsistentRead=True).get("Item")
        return None if item is None else Session.from_item(item)

    def update(self, session_key: str, **values: Any) -> bool:
        """Set fields of a session that is not over, and renew its lease; False when it is over or gone."""
        return self._set(session_key, values | _lease(), Attr("state").is_in([*UNFINISHED]))

    def finish(self, session_key: str, state: SessionState, **values: Any) -> bool:
        """Note how a session ended; the first to do so is believed. A repeat of the same ending is no harm."""
        ended = Attr("state").is_in([*UNFINISHED]) | Attr("state").eq(state)
        now = datetime.now(UTC)
        return self._set(session_key, values | {"state": state, "finished_at": now}, ended)

    def take_over_dead(self, session: Session, opener: str) -> bool:
        """Fence off whoever opens a session; False when somebody has worked for it since *session* was read."""
        unchanged = Attr("state").eq("opening") & Attr("lease_until").eq(session.lease_until)
        return self._set(session.session_key, {"opener": opener} | _lease(), unchanged)

    def abandon_opening(self, session: Session) -> bool:
        """Note that a session will not be opened; False when another invocation opens it, after all."""
        mine = Attr("state").eq("opening") & Attr("opener").eq(session.opener)
        now = datetime.now(UTC)
        return self._set(session.session_key, {"state": "abandoned", "finished_at": now}, mine)

    def forget(self, session: Session) -> None:
        """Take out a session of which nothing came, unless another invocation opens it."""
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
        """Return the sessions that are not over, and the datasets that may have drops which are not.

        The table is read once, page by page; sessions that are over are not kept.
        """
        wanted = Attr("state").is_in([*UNFINISHED]) | Attr("session_key").begins_with(DATASET)
        wanted |= Attr("session_key").begins_with(RUN)
        items = [*self._items({"FilterExpression": wanted, "ConsistentRead": True})]
        active = [item for item in items if item["session_key"].startswith(DATASET) and "idle_at" not in item]
        return Work(
            sessions=[Session.from_item(item) for item in items if item.get("state") in UNFINISHED],
            datasets={item["session_key"].removeprefix(DATASET): item.get("seen_at", "") for item in active},
            owned=datasets_with_owner(self._with_their_sessions(items), now),
        )

    def note_dataset(self, dataset_id: str) -> None:
        """Remember that there were drops for a dataset, so that sweeps look after them."""
        self.table.update_item(
            Key={"session_key": f"{DATASET}{dataset_id}"},
            UpdateExpression="SET seen_at = :now REMOVE idle_at, expires_at",
            ExpressionAttributeValues={":now": moment(datetime.now(UTC))},
        )

    def note_idle(self, dataset_id: str, seen_at: str, expires_at: int) -> None:
        """Note that a dataset, last noted at *seen_at*, has no drop that is not over: sweeps pass it over.

        It is forgotten at *expires_at*, in seconds since 1970. One that was noted again since stays as it is.
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
        """Return the datasets there were drops for."""
        return _datasets(self._items())

    def _with_their_sessions(self, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return *items* with the sessions of the owners among them, also those that are over: their leases count."""
        known = {item["session_key"] for item in items}
        wanted = {item["session_key_of_run"] for item in items if "session_key_of_run" in item} - known
        found = [self.table.get_item(Key={"session_key": key}).get("Item") for key in sorted(wanted)]
        return items + [dict(item) for item in found if item is not None]

    def _items(self, asked: Mapping[str, Any] = MappingProxyType({"ConsistentRead": True})) -> Iterator[dict[str, Any]]:
        scan = dict(asked)
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
    """Say whether nobody works for a session any more."""
    return session.lease_until < now.timestamp()


def _datasets(items: Iterable[Mapping[str, Any]]) -> list[str]:
    keys = [item["session_key"] for item in items]
    return sorted(key.removeprefix(DATASET) for key in keys if key.startswith(DATASET))


def _lease() -> dict[str, int]:
    return {"lease_until": int(datetime.now(UTC).timestamp()) + LEASE_SECONDS}


def _attributes(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: moment(value) if isinstance(value, datetime) else value for name, value in values.items()}
