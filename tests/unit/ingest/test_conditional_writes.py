"""Writes that a throttled table refuses are repeated for a minute, then left to the state machine."""

from typing import Any

import pytest

from assetline.errors import AwsUnavailable
from assetline.ingest.conditional_writes import PATIENCE_SECONDS, Transition, apply, pauses


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


SINGLE = Transition("id", "SET #a = :a", "attribute_exists(drop_id)", {"#a": "a"}, {":a": 1})


def test_a_table_that_throttles_for_seconds_is_waited_out() -> None:
    slept: list[float] = []
    table: Any = ThrottlingTable(refusals=5)
    assert apply(table, "drop_id", [SINGLE], slept.append) == {"id"}
    assert len(slept) == 5


def test_a_table_that_throttles_for_minutes_is_aws_unavailable() -> None:
    slept: list[float] = []
    table: Any = ThrottlingTable(refusals=float("inf"))
    with pytest.raises(AwsUnavailable, match="throttled this function for 60 s"):
        apply(table, "drop_id", [SINGLE], slept.append)
    assert PATIENCE_SECONDS <= sum(slept) < PATIENCE_SECONDS + 5


def test_pauses_grow_to_a_few_seconds() -> None:
    every = [*pauses()]
    assert every[0] <= 0.1
    assert 2.5 <= max(every) <= 5
