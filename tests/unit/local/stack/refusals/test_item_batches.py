from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from local.stack.refusals.item_batches import item_batches
from local.stack.refusals.state_size import size_bytes


def test_items_are_batched_by_their_number() -> None:
    assert item_batches([1, 2, 3], most_items=2) == [{"Items": [1, 2]}, {"Items": [3]}]


def test_common_input_is_in_every_batch() -> None:
    assert item_batches([1, 2], most_items=1, common={"a": 1}) == [
        {"BatchInput": {"a": 1}, "Items": [1]},
        {"BatchInput": {"a": 1}, "Items": [2]},
    ]


def test_no_items_make_no_batches() -> None:
    assert item_batches([], most_items=2) == []


def test_a_batch_never_exceeds_the_input_of_an_execution() -> None:
    assert [len(batch["Items"]) for batch in item_batches(["x" * 100_000] * 5, most_items=50)] == [2, 2, 1]


@given(st.lists(st.text(max_size=20)), st.integers(1, 5), st.integers(40, 120))
def test_batches_hold_all_items_within_both_limits(items: list[Any], most_items: int, most_bytes: int) -> None:
    batches = item_batches(items, most_items=most_items, most_bytes=most_bytes)
    assert [item for batch in batches for item in batch["Items"]] == items
    for batch in batches:
        assert len(batch["Items"]) <= most_items
        assert size_bytes(batch) <= most_bytes or len(batch["Items"]) == 1
    for batch, after in pairwise(batches):  # no batch could take one item more
        larger = {"Items": [*batch["Items"], after["Items"][0]]}
        assert len(larger["Items"]) > most_items or size_bytes(larger) > most_bytes
