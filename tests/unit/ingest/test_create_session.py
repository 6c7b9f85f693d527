"""The groups that are sent after Vi refuses drops together."""

from datetime import UTC, datetime
from itertools import chain, islice
from random import Random
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetline.ingest.create_session import MOST_GROUPS, least_suspect_first, smaller
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
def test_with_one_bad_drop_three_quarters_of_what_was_refused_last_go(count: int, place: int) -> None:
    bad, refused = place % count, count
    for group in map(numbers, smaller(MANY[:count])):
        if bad not in group:
            assert len(group) >= refused * 3 // 4
            return
        refused = len(group)
    assert count == 1


def sessions_and_requests(count: int, bad: set[int]) -> tuple[int, int]:
    """Return the cost of ingesting the good ones of *count* drops by successive openings."""
    good_first, suspects, sessions, requests = [*range(count)], list[int](), 0, 0
    while good_first or suspects:
        refused, taken, lock = list[int](), list[int](), list[int]()
        claimed = [MANY[number] for number in good_first or suspects]
        for group in map(numbers, chain([claimed], islice(smaller(claimed), MOST_GROUPS))):
            requests += 1
            if not bad & {*group}:
                taken, sessions = group, sessions + 1
                break
            refused, lock = group, lock + group * (len(group) == 1)
        apart = [item for item in refused if item not in taken and {*taken} < {*refused}]
        gone = {*taken, *lock, *apart}
        good_first = [item for item in good_first if item not in gone]
        suspects = [item for item in suspects if item not in gone] + [item for item in apart if item not in lock]
    return sessions, requests


@pytest.mark.parametrize(
    ("count", "bad", "most_sessions", "most_requests"), [(200, 1, 7, 25), (200, 3, 12, 70), (5000, 1, 12, 40)]
)
def test_a_bad_drop_costs_few_sessions(count: int, bad: int, most_sessions: int, most_requests: int) -> None:
    seeds = map(Random, range(20))
    costs = [sessions_and_requests(count, {*seed.sample(range(count), bad)}) for seed in seeds]
    sessions, requests = zip(*costs, strict=True)
    assert mean(sessions) <= most_sessions
    assert mean(requests) <= most_requests


def test_the_usual_group_is_sent_first() -> None:
    odd = [
        MANY[0].model_copy(update={"asset_filename": "naïve \u202e.png"}),
        MANY[1].model_copy(update={"size": 10**12}),
        MANY[2].model_copy(update={"custom_metadata": {"note": "x" * 1500}}),
    ]
    usual = [drop.model_copy(update={"size": 1000, "mime": "image/png"}) for drop in MANY[3:6]]
    assert least_suspect_first([*odd, *usual])[:3] == usual


@given(count=st.integers(2, LARGEST), bad=st.sets(st.integers(0, LARGEST - 1), min_size=1, max_size=20))
def test_an_accepted_session_has_no_bad_drop_and_a_refused_single_is_bad(count: int, bad: set[int]) -> None:
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
    lock = [group[0] for group in tried if len(group) == 1]
    assert sorted(lock) == ([*range(count)] if count > 1 else [])


def test_the_most_openings_reach_single_drops_of_any_session() -> None:
    tried = [numbers(group) for group in islice(smaller(MANY), MOST_GROUPS)]
    assert [0] in tried
