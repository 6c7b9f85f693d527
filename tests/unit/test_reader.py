import threading
from collections.abc import Callable

import pytest

from assetline.budget import Budget
from assetline.errors import FeedUnavailable, RateLimited, TokenRefused
from assetline.feed.page import Page
from assetline.feed.reader import MAX_FAULTS, PageReader, backoff


class Feed:
    """Pages /1 to /last; a page may first fail with the faults given for it."""

    def __init__(self, last: int, faults: dict[str, list[Exception]] | None = None) -> None:
        self.asked: list[str] = []
        self._last = last
        self._faults = faults or {}

    def fetch(self, cursor: str) -> Page:
        self.asked.append(cursor)
        if faults := self._faults.get(cursor):
            raise faults.pop(0)
        number = int(cursor.removeprefix("/"))
        return Page([{"id": number}], None if number == self._last else f"/{number + 1}", None)


def any_budget(seconds: float = 60, clock: Callable[[], float] = lambda: 0.0) -> Budget:
    return Budget(seconds, clock)


def read(feed: Feed, budget: Budget | None = None, faults: int = 0) -> tuple[list[int], PageReader, list[float]]:
    slept: list[float] = []
    with PageReader(feed.fetch, "/1", budget or any_budget(), faults, slept.append) as reader:
        return [page.records[0]["id"] for page in reader], reader, slept


def test_a_feed_is_read_to_its_end() -> None:
    ids, reader, _ = read(feed := Feed(last=3))
    assert (ids, reader.cursor, feed.asked) == ([1, 2, 3], None, ["/1", "/2", "/3"])


def test_the_next_page_is_on_its_way_while_one_is_used() -> None:
    second_asked = threading.Event()

    def fetch(cursor: str) -> Page:
        if cursor == "/2":
            second_asked.set()
        return Page([], "/2" if cursor == "/1" else None, None)

    with PageReader(fetch, "/1", any_budget()) as reader:
        next(iter(reader))
        assert second_asked.wait(5)


def test_a_spent_budget_ends_the_turn_and_no_page_is_fetched_in_vain() -> None:
    ids, reader, _ = read(feed := Feed(last=9), any_budget(seconds=0))
    assert (ids, reader.cursor, feed.asked) == ([1], "/2", ["/1"])


def test_a_short_pause_is_waited_out_at_the_page_that_failed() -> None:
    ids, reader, slept = read(feed := Feed(3, {"/2": [RateLimited("429", 2.0), FeedUnavailable("503", 0.5)]}))
    assert (ids, slept, reader.faults, reader.pause_seconds) == ([1, 2, 3], [2.0, 0.5], 0, 0)
    assert feed.asked == ["/1", "/2", "/2", "/2", "/3"]


def test_a_long_pause_is_left_to_the_machine_with_all_pages_before_it_kept() -> None:
    ids, reader, slept = read(Feed(3, {"/2": [RateLimited("429", 29.4)]}))
    assert (ids, reader.cursor, reader.pause_seconds, reader.faults, slept) == ([1], "/2", 30, 1, [])


def test_a_pause_the_budget_has_no_room_for_is_left_to_the_machine() -> None:
    _, reader, slept = read(Feed(3, {"/1": [RateLimited("429", 2.0)]}), any_budget(seconds=1))
    assert (reader.pause_seconds, slept) == (2, [])


def test_a_feed_cannot_send_us_away_for_days() -> None:
    _, reader, _ = read(Feed(3, {"/1": [RateLimited("429", 1e6)]}))
    assert reader.pause_seconds == 3600


def test_a_feed_that_keeps_failing_at_one_page_fails_the_export() -> None:
    with pytest.raises(FeedUnavailable, match="503"):
        read(Feed(3, {"/1": [FeedUnavailable("503", 0.0)]}), faults=MAX_FAULTS - 1)


def test_what_asking_again_cannot_help_fails_at_once() -> None:
    feed = Feed(3, {"/2": [TokenRefused("401")]})
    with pytest.raises(TokenRefused):
        read(feed)
    assert feed.asked == ["/1", "/2"]


def test_pauses_grow_with_the_faults_and_are_bounded() -> None:
    assert all(0 <= backoff(1) <= 2 for _ in range(50))
    assert all(0 <= backoff(60) <= 300 for _ in range(50))
