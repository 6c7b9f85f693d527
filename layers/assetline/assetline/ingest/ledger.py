"""The ledger: the state of every drop. Every write is conditional, may be repeated, and may arrive late."""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from heapq import merge
from itertools import batched, islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from boto3.dynamodb.conditions import Attr, ConditionBase, Key

from assetline.ingest.conditional_writes import Guard, Transition, apply, pauses, wait
from assetline.ingest.drop import HELD, OVER, SHARDS, Drop, DropState, dataset_state, moment, shard_of
from assetline.ingest.gathering import GatheredDrops
from assetline.ingest.outcomes import DropOutcome

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

INDEX = "by_dataset_state"
READ_AT_ONCE = 100  # DynamoDB: items of one BatchGetItem
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
    ) -> None:
        self.table = table
        self._sleep = sleep
        self._retention = timedelta(days=retention_days)
        self._clock = clock
        self._refused = table.meta.client.exceptions.ConditionalCheckFailedException

    def record(self, drop: Drop) -> Recorded:
        """Record a drop; a recorded one is `known` and unchanged, unless its object was put again.

        A newer event than the recorded one means that it was. Then a drop in a final state is dropped `again`. A
        waiting drop gets the new properties of the object. A drop in a session gets a mark.
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

    def items(self, keys: Iterable[str]) -> Iterator[Any]:
        """Yield the existing items of *keys*."""
        return self._items(keys)

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

    def get(self, drop_ids: Iterable[str]) -> dict[str, Drop]:
        """Return drops by their ids, without unknown ones."""
        drops = map(Drop.from_item, self._items(drop_ids))
        return {drop.drop_id: drop for drop in drops}

    def held(self, drop_ids: Iterable[str], session_key: str) -> set[str]:
        """Return the ids of the drops that a session holds; only their states are read."""
        options = {
            "ProjectionExpression": "drop_id, session_key, #state",
            "ExpressionAttributeNames": {"#state": "state"},
        }
        items = self._items(drop_ids, options)
        return {item["drop_id"] for item in items if item.get("session_key") == session_key and item["state"] in HELD}

    def claim(self, drops: Sequence[Drop], session_key: str, guard: Guard | None = None) -> list[Drop]:
        """Claim the waiting drops among *drops*, and return them with those that the session has claimed before.

        A drop whose object was put again since *drops* were read is left for the next session.

        Raises:
            GuardFailed: the *guard* failed; some drops may be claimed.
        """
        transitions = [self._claim(drop, session_key) for drop in drops]
        claimed = apply(self.table, "drop_id", transitions, guard=guard)
        return [
            drop.model_copy(update={"state": "claimed", "session_key": session_key})
            for drop in drops
            if drop.drop_id in claimed
        ]

    def settle(
        self, outcomes: Iterable[DropOutcome], dataset_id: str, session_key: str, guard: Guard | None = None
    ) -> set[str]:
        """Record the outcomes of a session's drops; return those that were still in that session.

        If an object was put again meanwhile, its drop waits for another session. This applies if it is refused, or if
        the session sent other metadata than the object has now.

        Raises:
            GuardFailed: the *guard* failed; some outcomes may be recorded.
        """
        settled = {outcome.drop_id: outcome for outcome in outcomes}
        transitions = [self._settled(outcome, dataset_id, session_key) for outcome in settled.values()]
        done = apply(self.table, "drop_id", transitions, guard=guard)
        left = [outcome for drop_id, outcome in settled.items() if outcome.state != "dropped" and drop_id not in done]
        resettled = [self._settled(replace(outcome, state="dropped"), dataset_id, session_key) for outcome in left]
        return done | apply(self.table, "drop_id", resettled)

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
        )

    def send_again(self, drop_ids: Iterable[str], late_session: str) -> set[str]:
        """Send drops again that another session than *late_session* sent or is to send; return those.

        A session that still holds such a drop returns it to the queue when it settles it as ingested.
        """
        resent, left = set[str](), {*drop_ids}
        while left:  # read the drops again that changed meanwhile
            drops = [drop for drop in self.get(left).values() if drop.session_key not in {None, late_session}]
            resent |= self.retry([drop for drop in drops if drop.state == "ingested"], "ingested")
            held = [drop for drop in drops if drop.state in HELD]
            resent |= apply(self.table, "drop_id", [_changed_under(drop) for drop in held])
            left = {drop.drop_id for drop in drops if drop.state not in {"dropped", "rejected"}} - resent
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
        for name, value in fence.items():
            condition &= Attr(name).not_exists() if value is None else Attr(name).eq(value)
        try:
            self.table.put_item(Item=after.to_item(), ConditionExpression=condition)
        except self._refused:
            return False
        return True

    def _items(self, drop_ids: Iterable[str], options: Mapping[str, Any] = MappingProxyType({})) -> Iterator[Any]:
        for batch in batched(dict.fromkeys(drop_ids), READ_AT_ONCE, strict=False):
            keys: list[Any] = [{"drop_id": drop_id} for drop_id in batch]
            patience = pauses()
            while keys:
                request: Any = {self.table.name: {"Keys": keys, "ConsistentRead": True, **options}}
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
            return [*islice(self._pages(query | dict(options)), limit)]

        with ThreadPoolExecutor(SHARDS) as threads:
            return [*threads.map(of_shard, range(SHARDS))]

    def _pages(self, query: dict[str, Any]) -> Iterator[Mapping[str, Any]]:
        while True:
            answer = self.table.query(**query)
            yield from answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _claim(self, drop: Drop, session_key: str) -> Transition:
        unchanged = "attribute_not_exists(sequencer)" if drop.sequencer is None else "sequencer = :sequencer"
        return self._transition(
            drop.drop_id,
            drop.dataset_id,
            "claimed",
            {"session_key": session_key},
            f"(#state = :dropped AND {unchanged}) OR (#state = :state AND session_key = :session_key)",
            {":dropped": "dropped"} | ({} if drop.sequencer is None else {":sequencer": drop.sequencer}),
            removed=(*_OF_A_SESSION, "name_is_new"),  # readers of the object get its current version from now on
        )

    def _settled(self, outcome: DropOutcome, dataset_id: str, session_key: str) -> Transition:
        values: dict[str, Any] = {"reason": outcome.reason, "message": outcome.message}
        removed: tuple[str, ...] = tuple(name for name, value in values.items() if value is None)
        if outcome.state == "dropped":
            removed += ("session_key", "session_id")
        else:
            values |= self._ending()
        still = "session_key = :key AND #state IN (:claimed, :uploaded)"
        put_once_more = {"rejected": "dropped_again", "ingested": "metadata_changed"}.get(outcome.state)
        return self._transition(
            outcome.drop_id,
            dataset_id,
            outcome.state,
            {name: value for name, value in values.items() if value is not None},
            f"{still} AND attribute_not_exists({put_once_more})" if put_once_more else still,
            _of(session_key, *HELD),
            removed=removed,
            counts=outcome.counts_attempt,
        )

    def _change(  # noqa: PLR0913, PLR0917 - one for each clause of the update
        self,
        drops: Mapping[str, str],
        state: DropState,
        values: dict[str, Any],
        condition: str,
        compared: dict[str, Any],
        removed: tuple[str, ...] = (),
    ) -> set[str]:
        transitions = [
            self._transition(drop_id, dataset_id, state, values, condition, compared, removed=removed)
            for drop_id, dataset_id in drops.items()
        ]
        return apply(self.table, "drop_id", transitions)

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
        counts: bool = False,
    ) -> Transition:
        written = values | {
            "state": state,
            "dataset_state": dataset_state(dataset_id, state, shard_of(drop_id)),
            "updated_at": moment(self._clock()),
        }
        update = "SET " + ", ".join(f"#{name} = :{name}" for name in written)
        if removed:
            update += " REMOVE " + ", ".join(f"#{name}" for name in removed)
        if counts:
            update += " ADD attempts :one"
            compared = compared | {":one": 1}
        names = {f"#{name}": name for name in (*written, *removed)}
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


_OF_A_SESSION = ("dropped_again", "metadata_changed")
_OF_AN_ENDING = ("suspect", "reason", "message", "finished_at", "expires_at", "session_key", "session_id")


def put_again(earlier: Drop, drop: Drop) -> Drop:
    """Return the recorded drop *earlier* with the properties of *drop*, after its object was put again."""
    if earlier.state in OVER:
        return drop
    seen: dict[str, Any] = {"sequencer": drop.sequencer, "updated_at": drop.updated_at}
    if drop.state != "rejected":  # a rejected drop has the event only, not the object's properties
        seen |= drop.model_dump(include={"version_id", "custom_metadata", "tag_count"})
    if earlier.state != "dropped":
        seen["dropped_again"] = True
        if seen.get("custom_metadata", earlier.custom_metadata) != earlier.custom_metadata:
            seen["metadata_changed"] = True
    return earlier.model_copy(update=seen)


def _changed_under(drop: Drop) -> Transition:
    """Return the transition after which the session of a drop returns it to the queue, whatever it sent."""
    return Transition(
        drop.drop_id,
        "SET #metadata_changed = :true",
        "session_key = :key AND #state IN (:claimed, :uploaded)",
        {"#metadata_changed": "metadata_changed", "#state": "state"},
        {":true": True} | _of(drop.session_key or "", *HELD),
    )


def _of(session_key: str, *states: DropState) -> dict[str, Any]:
    return {":key": session_key} | {f":{state}": state for state in states}


def comparable(sequencer: str) -> str:
    """Return S3's sequencer of an event in a form that sorts as text: S3 omits zeros at the end."""
    return sequencer.upper().ljust(_SEQUENCER_LENGTH, "0")
