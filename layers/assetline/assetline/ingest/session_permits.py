"""The limit of ingestion sessions: a fixed number per window, also after network errors (see docs/decisions/0013)."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from boto3.dynamodb.conditions import Attr

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

PREFIX = "permit#"
LONGEST_ANSWER = 900  # Lambda: an invocation ends by then, so that it sends no request later


@dataclass(frozen=True)
class Permit:
    """The right of *holder* to open one session."""

    number: int
    holder: str


@dataclass(frozen=True)
class Wait:
    """No permit is free for *seconds*."""

    seconds: int


class Permits:
    """*per_window* permits, items of the sessions table; each opens one session per *window_seconds*."""

    def __init__(self, table: "Table", per_window: int, window_seconds: float, clock: Callable[[], float]) -> None:
        self._table = table
        self._per_window = per_window
        self._window = window_seconds
        self._clock = clock
        self._refused = table.meta.client.exceptions.ConditionalCheckFailedException

    def take(self, holder: str) -> Permit | Wait:
        """Take a free permit, or the one that *holder* has already; otherwise return the wait."""
        now = self._clock()
        items = {number: self._item(number) for number in range(self._per_window)}
        for number, (_, held_by) in items.items():
            if held_by == holder:
                return Permit(number, holder)
        for number, (free_at, _) in sorted(items.items(), key=lambda entry: entry[1][0]):
            if free_at <= now and self._set(number, holder, now + self._window + LONGEST_ANSWER, free_by=now):
                return Permit(number, holder)
        soonest = min(free_at for free_at, _ in items.values())
        return Wait(max(1, math.ceil(soonest - now)))

    def used(self, permit: Permit) -> None:
        """Free the permit a window from now, after Vi's answer."""
        self._release(permit, self._clock() + self._window)

    def give_back(self, permit: Permit) -> None:
        """Free the permit at once: no request was sent to Vi."""
        self._release(permit, 0)

    def pause(self, seconds: float) -> None:
        """Keep all permits taken for *seconds*, in which Vi opens no session."""
        until = self._clock() + seconds
        for number in range(self._per_window):
            try:
                self._table.update_item(
                    Key={"session_key": f"{PREFIX}{number}"},
                    UpdateExpression="SET free_at = :until",
                    ConditionExpression=Attr("free_at").not_exists() | Attr("free_at").lt(_number(until)),
                    ExpressionAttributeValues={":until": _number(until)},
                )
            except self._refused:
                continue

    def _item(self, number: int) -> tuple[float, str | None]:
        key = {"session_key": f"{PREFIX}{number}"}
        item = self._table.get_item(Key=key, ConsistentRead=True).get("Item", {})
        free_at, holder = item.get("free_at", 0), item.get("holder")
        return float(free_at), holder if isinstance(holder, str) else None  # type: ignore[arg-type] # our number

    def _set(self, number: int, holder: str, free_at: float, *, free_by: float) -> bool:
        try:
            self._table.update_item(
                Key={"session_key": f"{PREFIX}{number}"},
                UpdateExpression="SET free_at = :free_at, holder = :holder",
                ConditionExpression=Attr("free_at").not_exists() | Attr("free_at").lte(_number(free_by)),
                ExpressionAttributeValues={":free_at": _number(free_at), ":holder": holder},
            )
        except self._refused:
            return False
        return True

    def _release(self, permit: Permit, free_at: float) -> None:
        try:
            self._table.update_item(
                Key={"session_key": f"{PREFIX}{permit.number}"},
                UpdateExpression="SET free_at = :free_at REMOVE holder",
                ConditionExpression=Attr("holder").eq(permit.holder),
                ExpressionAttributeValues={":free_at": _number(free_at)},
            )
        except self._refused:
            return  # it was held too long, and has another holder now


def _number(seconds: float) -> Decimal:
    return Decimal(f"{seconds:.3f}")
