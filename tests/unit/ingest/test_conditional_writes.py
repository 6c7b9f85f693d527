"""Writes that a throttled table refuses are repeated for a minute, then left to the state machine."""

from typing import Any

import pytest

from assetline.errors import AwsUnavailable
from assetline.ingest.conditional_writes import PATIENCE_SECONDS, Guard, Transition, apply, pauses


class ThrottlingTable:
    """A table that throttles its first *refusals* writes."""

    name = "drops"

    def __init__(self, refusals: float) -> None:
        self.refusals = refusals
        self.meta = self
        self.client = self

    def update_item(self, **_: Any) -> None:
        if self.refusals > 0:
            self.refusals -= 1
            raise AwsUnavailable("DynamoDB UpdateItem on table drops failed (ThrottlingException).")

    transact_write_items = update_item


SINGLE = Transition("id", "SET #a = :a", "attribute_exists(drop_id)", {"#a": "a"}, {":a": 1})


GUARD = Guard("sessions", {"session_key": "run-1"}, "#s = :s", {"#s": "state"}, {":s": "opening"})
with_and_without_guard = pytest.mark.parametrize("guard", [None, GUARD], ids=["writes", "transactions"])


@with_and_without_guard
def test_a_table_that_throttles_for_seconds_is_waited_out(guard: Guard | None) -> None:
    slept: list[float] = []
    table: Any = ThrottlingTable(refusals=5)
    assert apply(table, "drop_id", [SINGLE], slept.append, guard) == {"id"}
    assert len(slept) == 5


@with_and_without_guard
def test_a_table_that_throttles_for_minutes_is_aws_unavailable(guard: Guard | None) -> None:
    slept: list[float] = []
    table: Any = ThrottlingTable(refusals=float("inf"))
    with pytest.raises(AwsUnavailable, match="throttled this function for 60 s"):
        apply(table, "drop_id", [SINGLE], slept.append, guard)
    assert PATIENCE_SECONDS <= sum(slept) < PATIENCE_SECONDS + 5


def test_pauses_grow_to_a_few_seconds() -> None:
    every = [*pauses()]
    assert every[0] <= 0.1
    assert 2.5 <= max(every) <= 5
