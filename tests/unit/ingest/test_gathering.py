"""Gathering ends when the drops go quiet, fill a session, or have waited for the longest time."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetline.ingest.gathering import INDEX_SECONDS, MOST_LOOKS, GatheredDrops, Gathering

NOW = datetime(2026, 11, 29, 12, 0, 0, tzinfo=UTC)
GATHERING = Gathering(quiet_seconds=60, longest_seconds=600)
QUIET = 60 + INDEX_SECONDS

ages = st.floats(min_value=-5, max_value=5000)
seconds = st.integers(min_value=1, max_value=3600)


def waiting(first: float, last: float, *, fill_session: bool = False) -> GatheredDrops:
    """Return drops, the first and the last of them so many seconds old."""
    return GatheredDrops(NOW - timedelta(seconds=first), NOW - timedelta(seconds=last), fill_session)


@pytest.mark.parametrize(
    ("first", "last", "left"),
    [
        (QUIET, QUIET, 0),
        (QUIET - 5, QUIET - 5, 5),
        (100, 0, QUIET),
        (100, 61.5, 3),  # a look costs more than a short wait
        (560, 0, 40),
        (600, 0, 0),
        (599.5, 0, 1),
        (5000, 0, 0),  # such as drops of a session that failed
        (0, -3, QUIET),  # the clock of the recorder is ahead
    ],
)
def test_gathering_lasts_to_the_quiet_or_the_longest_time(first: float, last: float, left: int) -> None:
    assert GATHERING.seconds_left(waiting(first, last), NOW) == left


def test_drops_that_fill_a_session_are_not_gathered_further() -> None:
    assert GATHERING.seconds_left(waiting(1, 0, fill_session=True), NOW) == 0


@pytest.mark.parametrize("longest", [1, 30, 60])
def test_a_longest_time_within_the_quiet_time_is_a_fixed_window(longest: int) -> None:
    assert Gathering(60, longest).seconds_left(waiting(QUIET, 0), NOW) == 0


@given(ages, ages, seconds, seconds)
def test_a_wait_ends_by_the_longest_time_and_is_not_too_short(
    first: float, last: float, quiet: int, longest: int
) -> None:
    drops = waiting(max(first, last), min(first, last))
    left = Gathering(quiet, longest).seconds_left(drops, NOW)
    age = max(0.0, (NOW - drops.first_at).total_seconds())
    assert left == 0 or left >= min(longest / MOST_LOOKS, longest - age)
    assert left < max(0.0, longest - age) + 1


@given(st.lists(st.floats(min_value=0.01, max_value=59.9), min_size=1, max_size=40))
def test_drops_with_shorter_pauses_than_the_quiet_time_share_a_session(pauses: list[float]) -> None:
    arrivals = [NOW]
    for pause in pauses:
        arrivals.append(arrivals[-1] + timedelta(seconds=pause))
    gathering, now = Gathering(60, 60 * 60), NOW + timedelta(seconds=QUIET)
    while left := gathering.seconds_left(_arrived(arrivals, now), now):
        now += timedelta(seconds=left)
    assert _arrived(arrivals, now).last_at == arrivals[-1]


def _arrived(arrivals: list[datetime], now: datetime) -> GatheredDrops:
    """Return the drops that the index shows, which lags."""
    shown = [at for at in arrivals if at <= now - timedelta(seconds=INDEX_SECONDS)]
    return GatheredDrops(shown[0], shown[-1])
