"""One run handles a dataset at a time: its owner, an item of the sessions table with a lease.

A run ends at once if another one owns its dataset, because the owner opens sessions until no drop waits. Each Open
Session renews the owner's lease. In between, the other functions renew the lease of its session. So the item names that
session, and the owner is alive as long as either lease is valid. No other run takes the dataset before that session is
settled, also if its run is dead: so no two sessions have the same drop. An owner with a long history starts its
successor, which takes the dataset over.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Attr, ConditionBase

from assetline.ingest.drop import moment

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

RUN = "run#"
LEASE_SECONDS = 1200  # ours: longer than a function may run, so that a living owner has renewed it


class RunOwnership:
    """The owners of datasets; every write is conditional."""

    def __init__(self, table: "Table", now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._table = table
        self._now = now
        self._refused = table.meta.client.exceptions.ConditionalCheckFailedException

    def take(
        self,
        dataset_id: str,
        execution_arn: str,
        session_key: str,
        idle_seconds: int = 0,
        predecessor_arn: str | None = None,
    ) -> bool:
        """Take or renew the ownership of a dataset for a session; return False if another run owns it.

        The other run is alive, or a sweep has not settled its session yet.

        *idle_seconds* is the pause of the run until the next call. The run *predecessor_arn* has handed it over.
        """
        owners = [execution_arn] if predecessor_arn is None else [execution_arn, predecessor_arn]
        mine = Attr("execution_arn").not_exists() | Attr("execution_arn").is_in(owners)
        if self._owned(dataset_id, execution_arn, session_key, idle_seconds, mine):
            return True
        item = self._item(f"{RUN}{dataset_id}")
        owner_session = self._item(item.get("session_key_of_run", ""))
        if lives(item, owner_session, self._now()) or not _is_settled(owner_session):
            return False
        unchanged = Attr("execution_arn").eq(item.get("execution_arn")) & Attr("lease_until").eq(item["lease_until"])
        return self._owned(dataset_id, execution_arn, session_key, idle_seconds, mine | unchanged)

    def release(self, dataset_id: str, execution_arn: str) -> None:
        """End the ownership of a dataset, unless another run owns it."""
        try:
            self._table.update_item(
                Key={"session_key": f"{RUN}{dataset_id}"},
                UpdateExpression="SET lease_until = :now REMOVE execution_arn, session_key_of_run",
                ConditionExpression=Attr("execution_arn").eq(execution_arn),
                ExpressionAttributeValues={":now": 0},
            )
        except self._refused:
            return

    def _owned(
        self, dataset_id: str, execution_arn: str, session_key: str, idle_seconds: int, condition: ConditionBase
    ) -> bool:
        now = self._now()
        values: dict[str, Any] = {
            "execution_arn": execution_arn,
            "session_key_of_run": session_key,
            "lease_until": int(now.timestamp()) + LEASE_SECONDS + idle_seconds,
            "updated_at": moment(now),
        }
        try:
            self._table.update_item(
                Key={"session_key": f"{RUN}{dataset_id}"},
                UpdateExpression="SET " + ", ".join(f"{name} = :{name}" for name in values),
                ConditionExpression=condition,
                ExpressionAttributeValues={f":{name}": value for name, value in values.items()},
            )
        except self._refused:
            return False
        return True

    def _item(self, session_key: str) -> Mapping[str, Any]:
        if not session_key:
            return {}
        return self._table.get_item(Key={"session_key": session_key}, ConsistentRead=True).get("Item", {})


def lives(owner: Mapping[str, Any], session: Mapping[str, Any], now: datetime) -> bool:
    """Return whether the run is alive, by *owner*, its item, and *session*, the item of its session.

    The lease of an ended session counts, too: its run is about to open the next one.
    """
    if "execution_arn" not in owner:
        return False
    return any(float(item.get("lease_until", 0)) >= now.timestamp() for item in (owner, session))


def _is_settled(session: Mapping[str, Any]) -> bool:
    """Return whether the item of a session is that of an ended one, or absent."""
    return not session or "finished_at" in session


def datasets_with_owner(items: Iterable[Mapping[str, Any]], now: datetime) -> set[str]:
    """Return the datasets with a living owner, from all *items* of the sessions table."""
    by_key = {item["session_key"]: item for item in items}
    return {
        key.removeprefix(RUN)
        for key, item in by_key.items()
        if key.startswith(RUN) and lives(item, by_key.get(item.get("session_key_of_run", ""), {}), now)
    }
