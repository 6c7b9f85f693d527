"""The ledger: the state of every drop. Every write is conditional, may be repeated, and may arrive late."""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from heapq import merge, nlargest
from itertools import batched, islice
from operator import itemgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from boto3.dynamodb.conditions import Attr, ConditionBase, Key

from assetline.ingest.conditional_writes import FastUpdate, Transition, apply, pauses, wait
from assetline.ingest.drop import (
    HELD,
    LISTED,
    OVER,
    SHARDS,
    Drop,
    DropState,
    SessionDrop,
    dataset_state,
    moment,
    shard_of,
)
from assetline.ingest.gathering import GatheredDrops
from assetline.ingest.outcomes import DropOutcome

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

INDEX = "by_dataset_state"
READ_AT_ONCE = 100  # DynamoDB: items of one BatchGetItem
SEGMENTS = 8  # ours: parts of the table that are scanned at once
_SEQUENCER_LENGTH = 32

type Recorded = Literal["recorded", "known", "again"]


class Ledger:
    """The drops table. A drop in a final state expires after *retention_days*."""

    def __init__(
        self,
        table: "Table",
        retention_days: int,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], None] = time.sleep,
        fast: FastUpdate = lambda _: None,
    ) -> None:
        self.table = table
        self._fast = fast
        self._sleep = sleep
        self._retention = timedelta(days=retention_days)
        self._clock = clock
        self._refused = table.meta.client.exceptions.ConditionalCheckFailedException

    def record(self, drop: Drop) -> Recorded:
        """Record a drop; a recorded one is `known` and unchanged, unless its object was put again.

        A newer event than the recorded one means that it was. Then a drop in a final state is dropped `again`. A
        waiting drop gets the new properties of the object. If the metadata are others, it gets a new revision, too.
        """
        item = self._finished(drop).to_item() if drop.state in OVER else drop.to_item()
        return "recorded" if self.put_if_absent(item) else self._recorded_again(drop)

    def record_as_held(self, drop: Drop) -> Recorded:
        """Record a drop as ingested, since Vi holds it already; a recorded one is treated as in `record`."""
        return self.record(drop.model_copy(update={"state": "ingested"}))

    def put_if_absent(self, item: Mapping[str, Any]) -> bool:
        """Put an item, unless the table has one with its key; return whether it was put."""
        try:
            self.table.put_item(Item=dict(item), ConditionExpression="attribute_not_exists(drop_id)")
        except self._refused:
            return False
        return True

    def apply(self, transitions: Sequence[Transition]) -> set[str]:
        """Execute the *transitions* of items whose condition holds, and return their keys."""
        return apply(self.table, "drop_id", transitions, fast=self._fast)

    def waiting(self, dataset_id: str, limit: int) -> list[Drop]:
        """Return up to *limit* waiting drops of a dataset, the oldest first, as the index shows them."""
        return [*islice(self.listed(dataset_id, "dropped", limit), limit)]

    def any_waiting(self, dataset_id: str, earlier: datetime | None = None) -> bool:
        """Return whether a drop of a dataset waits, if given since before a moment."""
        return any(earlier is None or drop.dropped_at < earlier for drop in self.waiting(dataset_id, 1))

    def summary_of_waiting(self, dataset_id: str, session_size: int) -> GatheredDrops | None:
        """Return what the index shows of the waiting drops of a dataset; None if no drop waits.

        It reads the times of at most twice *session_size* drops, with one Query for each shard.
        """
        # The ids of drops are hashes, so a shard with twice its share means that the others hold theirs.
        most = 2 * math.ceil(session_size / SHARDS)
        times = {"ProjectionExpression": "dropped_at"}
        shards = self._from_shards(dataset_id, "dropped", most, newest_first=True, options=times)
        if not any(shards):
            return None
        arrivals = [datetime.fromisoformat(item["dropped_at"]) for items in shards for item in items]
        filled = len(arrivals) >= session_size or any(len(items) == most for items in shards)
        return GatheredDrops(min(arrivals), max(arrivals), filled)

    def listed(self, dataset_id: str, state: DropState, limit: int, *, newest_first: bool = False) -> Iterator[Drop]:
        """Yield drops of a dataset in a state in the order of their arrival, at most *limit* from every shard."""
        items = self._from_shards(dataset_id, state, limit, newest_first=newest_first)
        shards = [[*map(Drop.from_item, of_shard)] for of_shard in items]
        yield from merge(*shards, key=lambda drop: (drop.dropped_at, drop.drop_id), reverse=newest_first)

    def ingested(self, dataset_id: str | None, limit: int) -> Iterator[Drop]:
        """Yield ingested drops of a dataset, or of all, in no order; the *limit* newest ones are among them.

        The index does not list them, so this reads the table. It keeps at most *limit* drops of each segment.
        """
        found: ConditionBase = Attr("state").eq("ingested")
        if dataset_id is not None:
            found &= Attr("dataset_id").eq(dataset_id)

        def of_segment(segment: int) -> list[Mapping[str, Any]]:
            scan = {"FilterExpression": found, "Segment": segment, "TotalSegments": SEGMENTS}
            return nlargest(limit, _pages(self.table.scan, scan), key=itemgetter("dropped_at", "drop_id"))

        with ThreadPoolExecutor(SEGMENTS) as threads:
            for items in threads.map(of_segment, range(SEGMENTS)):
                yield from map(Drop.from_item, items)

    def get(self, drop_ids: Iterable[str]) -> dict[str, Drop]:
        """Return drops by their ids, without unknown ones."""
        drops = map(Drop.from_item, self.items(drop_ids))
        return {drop.drop_id: drop for drop in drops}

    def settle(
        self, outcomes: Iterable[DropOutcome], sent: Iterable[SessionDrop], dataset_id: str, session_key: str
    ) -> set[str]:
        """Record the outcomes of the drops that a session has *sent*; return those that were recorded.

        A drop that has another revision by now is unchanged: it waits for another session, or has ended. So is a drop
        to reject whose object was put again.
        """
        as_sent = {drop.drop_id: drop for drop in sent}
        settled = {outcome.drop_id: outcome for outcome in outcomes if outcome.drop_id in as_sent}
        transitions = [
            self._settled(outcome, as_sent[drop_id], dataset_id, session_key) for drop_id, outcome in settled.items()
        ]
        return self.apply(transitions)

    def return_held(self, drops: Iterable[Drop]) -> set[str]:
        """Let drops wait that an earlier version of the stack claimed for a session that is over; return those."""
        held = {f":{state}": state for state in HELD}
        return self._change(
            {drop.drop_id: drop.dataset_id for drop in drops},
            "dropped",
            {},
            f"#state IN ({', '.join(held)})",
            held,
            removed=("session_key", "session_id"),
        )

    def reject(self, drops: Iterable[Drop], reason: str, message: str) -> set[str]:
        """Reject waiting drops; return those that were waiting."""
        return self._change(
            {drop.drop_id: drop.dataset_id for drop in drops},
            "rejected",
            {"reason": reason, "message": message} | self._ending(),
            "#state = :dropped",
            {":dropped": "dropped"},
        )

    def suspect(self, drops: Iterable[Drop]) -> set[str]:
        """Mark waiting drops as suspect: Vi refused a session for one of them. Return the marked ones."""
        return self._change(
            {drop.drop_id: drop.dataset_id for drop in drops},
            "dropped",
            {"suspect": True},
            "#state = :dropped",
            {":dropped": "dropped"},
        )

    def retry(self, drops: Iterable[Drop], state: Literal["rejected", "ingested"] = "rejected") -> set[str]:
        """Let drops in a state wait for a session again, with no attempts counted; return those that do."""
        return self._change(
            {drop.drop_id: drop.dataset_id for drop in drops},
            "dropped",
            {"attempts": 0, "retried": True},
            "#state = :over",
            {":over": state},
            removed=_OF_AN_ENDING,
            added=("revision",),
        )

    def send_again(self, drop_ids: Iterable[str], late_session: str) -> set[str]:
        """Send drops again that another session than *late_session* sent or is to send; return those.

        A waiting drop gets a new revision: if a session sends it at this moment, another one sends it again.
        """
        resent, left = set[str](), {*drop_ids}
        while left:  # read the drops again that changed meanwhile
            drops = [*self.get(left).values()]
            ingested = [
                drop for drop in drops if drop.state == "ingested" and drop.session_key not in {None, late_session}
            ]
            waiting = {drop.drop_id: drop.dataset_id for drop in drops if drop.state == "dropped"}
            resent |= self.retry(ingested, "ingested")
            is_waiting = "#state = :dropped", {":dropped": "dropped"}
            resent |= self._change(waiting, "dropped", {}, *is_waiting, added=("revision",))
            left = ({drop.drop_id for drop in ingested} | {*waiting}) - resent
        return resent

    def forgotten_at(self) -> int:
        """Return when a drop that ends now expires, in seconds since 1970."""
        expires_at: int = self._ending_at(self._clock())["expires_at"]
        return expires_at

    def _recorded_again(self, drop: Drop) -> Recorded:
        while True:
            recorded = self.get([drop.drop_id]).get(drop.drop_id)
            if recorded is None:  # it expired at this moment
                return self.record(drop)
            if drop.sequencer is None or (recorded.sequencer or "") >= drop.sequencer:
                return "known"
            after = put_again(recorded, drop)
            if self._replaced(recorded, self._finished(after) if after.state in OVER else after):
                return "again" if recorded.state in OVER and drop.state != "ingested" else "known"

    def _replaced(self, earlier: Drop, after: Drop) -> bool:
        """Replace a drop by *after* if it is unchanged since *earlier*."""
        fence = {"state": earlier.state, "sequencer": earlier.sequencer, "session_key": earlier.session_key}
        condition: ConditionBase = Attr("attempts").eq(earlier.attempts)
        revision = Attr("revision").eq(earlier.revision)
        condition &= revision if earlier.revision else revision | Attr("revision").not_exists()
        for name, value in fence.items():
            condition &= Attr(name).not_exists() if value is None else Attr(name).eq(value)
        try:
            self.table.put_item(Item=after.to_item(), ConditionExpression=condition)
        except self._refused:
            return False
        return True

    def items(self, keys_of_items: Iterable[str]) -> Iterator[Any]:
        """Yield the existing items of the table with these keys, as they are now."""
        for batch in batched(dict.fromkeys(keys_of_items), READ_AT_ONCE, strict=False):
            keys: list[Any] = [{"drop_id": drop_id} for drop_id in batch]
            patience = pauses()
            while keys:
                request: Any = {self.table.name: {"Keys": keys, "ConsistentRead": True}}
                answer = self.table.meta.client.batch_get_item(RequestItems=request)
                yield from answer["Responses"].get(self.table.name, [])
                left = answer["UnprocessedKeys"].get(self.table.name)
                keys = [*left["Keys"]] if left else []
                if keys:  # DynamoDB read as much as the table's capacity, or 16 MB, allows
                    wait(patience, self._sleep)

    def _from_shards(
        self,
        dataset_id: str,
        state: DropState,
        limit: int,
        *,
        newest_first: bool,
        options: Mapping[str, Any] = MappingProxyType({}),
    ) -> list[list[Mapping[str, Any]]]:
        """Return at most *limit* items of the index from every shard, in the order of their arrival."""

        def of_shard(shard: int) -> list[Mapping[str, Any]]:
            query: dict[str, Any] = {
                "IndexName": INDEX,
                "KeyConditionExpression": Key("dataset_state").eq(dataset_state(dataset_id, state, shard)),
                "ScanIndexForward": not newest_first,
                "Limit": limit,
            }
            return [*islice(_pages(self.table.query, query | dict(options)), limit)]

        with ThreadPoolExecutor(SHARDS) as threads:
            return [*threads.map(of_shard, range(SHARDS))]

    def _settled(self, outcome: DropOutcome, sent: SessionDrop, dataset_id: str, session_key: str) -> Transition:
        values: dict[str, Any] = {"reason": outcome.reason, "message": outcome.message}
        removed = tuple(name for name, value in values.items() if value is None)
        added = ("attempts",) if outcome.counts_attempt else ()
        if outcome.state == "dropped":
            removed, added = (*removed, "session_key", "session_id"), (*added, "revision")
        else:
            values |= self._ending() | {"session_key": session_key, "asset_filename": sent.asset_filename}
        condition = "#state = :dropped AND " + _revision_is(sent.revision)
        compared: dict[str, Any] = {":dropped": "dropped", ":sent": sent.revision}
        if outcome.state == "rejected" and sent.sequencer is None:
            condition += " AND attribute_not_exists(sequencer)"
        elif outcome.state == "rejected":
            condition, compared = f"{condition} AND sequencer = :sequencer", compared | {":sequencer": sent.sequencer}
        return self._transition(
            outcome.drop_id,
            dataset_id,
            outcome.state,
            {name: value for name, value in values.items() if value is not None},
            condition,
            compared,
            removed=removed,
            added=added,
        )

    def _change(  # noqa: PLR0913, PLR0917 - one for each clause of the update
        self,
        drops: Mapping[str, str],
        state: DropState,
        values: dict[str, Any],
        condition: str,
        compared: dict[str, Any],
        removed: tuple[str, ...] = (),
        added: tuple[str, ...] = (),
    ) -> set[str]:
        transitions = [
            self._transition(drop_id, dataset_id, state, values, condition, compared, removed=removed, added=added)
            for drop_id, dataset_id in drops.items()
        ]
        return self.apply(transitions)

    def _transition(  # noqa: PLR0913, PLR0917
        self,
        drop_id: str,
        dataset_id: str,
        state: DropState,
        values: dict[str, Any],
        condition: str,
        compared: dict[str, Any],
        *,
        removed: tuple[str, ...] = (),
        added: tuple[str, ...] = (),
    ) -> Transition:
        """Return the transition of a drop to *state*; each number in *added* grows by one."""
        written = values | {"state": state, "updated_at": moment(self._clock())}
        if state in LISTED:
            written["dataset_state"] = dataset_state(dataset_id, state, shard_of(drop_id))
        else:
            removed = (*removed, "dataset_state")
        update = "SET " + ", ".join(f"#{name} = :{name}" for name in written)
        if removed:
            update += " REMOVE " + ", ".join(f"#{name}" for name in removed)
        if added:
            update += " ADD " + ", ".join(f"#{name} :one" for name in added)
            compared = compared | {":one": 1}
        names = {f"#{name}": name for name in (*written, *removed, *added)}
        return Transition(
            drop_id, update, condition, names, {f":{name}": value for name, value in written.items()} | compared
        )

    def _finished(self, drop: Drop) -> Drop:
        return drop.model_copy(update=self._ending_at(self._clock()))

    def _ending(self) -> dict[str, Any]:
        ending = self._ending_at(self._clock())
        return ending | {"finished_at": moment(ending["finished_at"])}

    def _ending_at(self, now: datetime) -> dict[str, Any]:
        return {"finished_at": now, "expires_at": int((now + self._retention).timestamp())}


_OF_AN_ENDING = (
    "suspect",
    "reason",
    "message",
    "finished_at",
    "expires_at",
    "session_key",
    "session_id",
)


def put_again(earlier: Drop, drop: Drop) -> Drop:
    """Return the recorded drop *earlier* with the properties of *drop*, after its object was put again."""
    if earlier.state in OVER:
        return drop.model_copy(update={"revision": earlier.revision + 1})
    seen: dict[str, Any] = {"sequencer": drop.sequencer, "updated_at": drop.updated_at}
    if drop.state != "rejected":  # a rejected drop has the event only, not the object's properties
        seen |= drop.model_dump(include={"version_id", "custom_metadata", "tag_count"})
    if seen.get("custom_metadata", earlier.custom_metadata) != earlier.custom_metadata:
        seen["revision"] = earlier.revision + 1
    return earlier.model_copy(update=seen)


def _revision_is(revision: int) -> str:
    """Return the condition that a drop has the revision `:sent`; drops of earlier versions have none."""
    return "revision = :sent" if revision else "(revision = :sent OR attribute_not_exists(revision))"


def _pages(read: Callable[..., Any], request: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the items of a Query or a Scan, of all its pages."""
    page = dict(request)
    while True:
        answer = read(**page)
        yield from answer["Items"]
        if "LastEvaluatedKey" not in answer:
            return
        page["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def comparable(sequencer: str) -> str:
    """Return S3's sequencer of an event in a form that sorts as text: S3 omits zeros at the end."""
    return sequencer.upper().ljust(_SEQUENCER_LENGTH, "0")
