"""What is tried of drops that Vi refuses together."""

from datetime import UTC, datetime
from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from assetline.ingest.create_session import MOST_GROUPS, smaller
from assetline.ingest.drop import Drop

NOW = datetime(2026, 11, 21, 4, tzinfo=UTC)
LARGEST = 5000


def drops(count: int) -> list[Drop]:
    return [
        Drop(
            drop_id=str(number),
            bucket="drops",
            key=f"ds1/{number}.png",
            etag="etag",
            size=1,
            dataset_id="ds1",
            asset_filename=f"{number}.png",
            state="claimed",
            dropped_at=NOW,
            updated_at=NOW,
        )
        for number in range(count)
    ]


MANY = drops(LARGEST)


def numbers(group: object) -> list[int]:
    assert isinstance(group, list)
    return [int(drop.drop_id) for drop in group]


@given(count=st.integers(2, LARGEST), place=st.integers(0, LARGEST - 1))
def test_with_one_bad_drop_half_of_them_go_at_the_second_try(count: int, place: int) -> None:
    bad = place % count
    tried = [numbers(group) for group in islice(smaller(MANY[:count]), 2)]
    taken = next(group for group in tried if bad not in group)
    assert len(taken) >= count // 2
    assert sorted(number for group in tried for number in group) == [*range(count)]


@given(count=st.integers(2, LARGEST), bad=st.sets(st.integers(0, LARGEST - 1), min_size=1, max_size=20))
def test_the_first_that_is_taken_holds_no_bad_drop_and_who_is_refused_alone_is_one(count: int, bad: set[int]) -> None:
    tried = []
    for group in islice(smaller(MANY[:count]), MOST_GROUPS):
        tried.append({*numbers(group)})
        if not tried[-1] & bad:
            break
    *refused, last = tried
    assert {number for group in refused if len(group) == 1 for number in group} <= bad
    assert not last & bad or {*range(count)} <= bad or len(tried) == MOST_GROUPS


@given(count=st.integers(1, 64))
def test_when_all_are_refused_each_has_been_tried_alone(count: int) -> None:
    tried = [numbers(group) for group in smaller(MANY[:count])]
    alone = [group[0] for group in tried if len(group) == 1]
    assert sorted(alone) == ([*range(count)] if count > 1 else [])


def test_what_most_openings_ask_for_reaches_single_drops_of_the_largest_session() -> None:
    tried = [numbers(group) for group in islice(smaller(MANY), MOST_GROUPS)]
    assert [0] in tried
