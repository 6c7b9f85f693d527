import random
import re
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetline.budget import Budget
from assetline.errors import (
    CursorExpired,
    FeedForbidden,
    FeedRefused,
    FeedUnavailable,
    FeedUnreachable,
    PageTooLarge,
    RateLimited,
    RepeatedCursor,
    TokenRefused,
)
from assetline.paging import reader as reader_module
from assetline.paging.cursor_trail import CursorTrail
from assetline.paging.page import Page
from assetline.paging.reader import (
    MAX_AHEAD,
    MAX_AHEAD_BYTES,
    MAX_FAULTS,
    MAX_IN_FLIGHT,
    Answer,
    Ask,
    PageReader,
    Start,
    backoff,
)

SECONDS = 5  # at most, for what another thread does at once


def asking(fetch: Callable[[str, Callable[[str], None]], Page]) -> Ask:
    return lambda cursor: partial(fetch, cursor)


class CutShort(FeedUnavailable):
    """A page that contains the next cursor, and then ends half-way."""


@dataclass
class NumberedFeed:
    """Pages /1 to /last; a page may first fail with the faults given for it, `leads` has other next cursors."""

    last: int
    faults: dict[str, list[Exception]] = field(default_factory=dict)
    leads: dict[str, str] = field(default_factory=dict)
    requested: list[str] = field(default_factory=list)

    def ask(self, cursor: str) -> Answer:
        return partial(self.fetch, cursor)

    def fetch(self, cursor: str, on_next: Callable[[str], None]) -> Page:
        self.requested.append(cursor)
        number = int(cursor.removeprefix("/"))
        following = self.leads.get(cursor, f"/{number + 1}" if number < self.last else None)
        fault = next(iter(self.faults.get(cursor, [])), None)
        if following and (fault is None or isinstance(fault, CutShort)):
            on_next(following)
        if fault is not None:
            raise self.faults[cursor].pop(0)
        return Page([{"id": number}], following, None)


class SteppedAnswer:
    """One answer of a feed, which a test lets come in two steps: where it leads, and then the rest."""

    def __init__(self, cursor: str, on_next: Callable[[str], None]) -> None:
        self.cursor = cursor
        self._on_next = on_next
        self._page: Page | None = None
        self._fault: Exception | None = None
        self._complete = threading.Event()

    def opens(self, following: str) -> None:
        self._on_next(following)

    def comes(self, following: str | None) -> None:
        self._page = Page([{"id": self.cursor}], following, None)
        self._complete.set()

    def fails(self, fault: Exception) -> None:
        self._fault = fault
        self._complete.set()

    def awaited(self) -> Page:
        assert self._complete.wait(SECONDS)
        if self._fault:
            raise self._fault
        assert self._page
        return self._page


class SteppedFeed:
    """A feed whose answers come on a test's command."""

    def __init__(self) -> None:
        self._answers: dict[str, SteppedAnswer] = {}
        self._changed = threading.Condition()

    def ask(self, cursor: str) -> Answer:
        return partial(self.fetch, cursor)

    def fetch(self, cursor: str, on_next: Callable[[str], None]) -> Page:
        with self._changed:
            answer = self._answers[cursor] = SteppedAnswer(cursor, on_next)
            self._changed.notify_all()
        return answer.awaited()

    def requested(self, cursor: str) -> SteppedAnswer:
        """Return the answer to the request for *cursor*, which must come."""
        with self._changed:
            assert self._changed.wait_for(lambda: cursor in self._answers, SECONDS), f"{cursor} was not asked for"
        return self._answers[cursor]

    def was_asked(self) -> list[str]:
        return [*self._answers]


def any_budget(seconds: float = 60, clock: Callable[[], float] = lambda: 0.0) -> Budget:
    return Budget(seconds, clock)


def read(
    feed: NumberedFeed, budget: Budget | None = None, start: Start | None = None
) -> tuple[list[int], PageReader, list[float]]:
    slept: list[float] = []
    with PageReader(feed.ask, start or Start("/1"), budget or any_budget(), slept.append) as reader:
        return [page.records[0]["id"] for page in reader], reader, slept


def test_a_feed_is_read_to_its_end() -> None:
    ids, reader, _ = read(feed := NumberedFeed(last=9))
    assert (ids, reader.cursor, len(feed.requested)) == ([*range(1, 10)], None, 9)


class TestAhead:
    @pytest.fixture
    def feed(self) -> SteppedFeed:
        return SteppedFeed()

    @pytest.fixture
    def pages(self, feed: SteppedFeed) -> Iterator[Iterator[Page]]:
        with PageReader(feed.ask, Start("/1"), any_budget()) as reader:
            yield iter(reader)

    @pytest.fixture
    def consumer(self) -> Iterator[ThreadPoolExecutor]:
        with ThreadPoolExecutor(1) as consumer:
            yield consumer

    def test_the_next_page_is_asked_for_as_soon_as_it_is_known_where_it_is(
        self, feed: SteppedFeed, pages: Iterator[Page], consumer: ThreadPoolExecutor
    ) -> None:
        first = consumer.submit(next, pages)
        feed.requested("/1").opens("/2")
        feed.requested("/2").comes(None)
        assert not first.done()
        feed.requested("/1").comes("/2")
        assert [first.result(SECONDS).records, next(pages).records] == [[{"id": "/1"}], [{"id": "/2"}]]

    def test_no_more_than_two_requests_are_in_flight(
        self, feed: SteppedFeed, pages: Iterator[Page], consumer: ThreadPoolExecutor
    ) -> None:
        first = consumer.submit(next, pages)
        feed.requested("/1").opens("/2")
        feed.requested("/2").opens("/3")
        assert feed.was_asked() == ["/1", "/2"]
        assert MAX_IN_FLIGHT == 2
        feed.requested("/1").comes("/2")
        feed.requested("/3").comes(None)
        feed.requested("/2").comes("/3")
        assert [page.records[0]["id"] for page in (first.result(SECONDS), *pages)] == ["/1", "/2", "/3"]

    def test_a_consumer_that_takes_its_time_holds_nothing_up(self, feed: SteppedFeed, pages: Iterator[Page]) -> None:
        with ThreadPoolExecutor(1) as consumer:
            first = consumer.submit(next, pages)
            feed.requested("/1").comes("/2")
            first.result(SECONDS)
        feed.requested("/2").opens("/3")
        feed.requested("/3").opens("/4")
        feed.requested("/2").comes("/3")
        feed.requested("/4").comes(None)
        feed.requested("/3").comes("/4")
        assert [page.records[0]["id"] for page in pages] == ["/2", "/3", "/4"]

    def test_a_spent_budget_drops_a_third_request(self, feed: SteppedFeed, consumer: ThreadPoolExecutor) -> None:
        now = 0.0
        with PageReader(feed.ask, Start("/1"), any_budget(60, lambda: now)) as reader:
            read = consumer.submit(lambda: [page.records[0]["id"] for page in reader])
            feed.requested("/1").opens("/2")
            feed.requested("/2").opens("/3")
            now = 61.0
            feed.requested("/1").comes("/2")
            feed.requested("/2").comes("/3")
            assert (read.result(SECONDS), reader.cursor) == (["/1", "/2"], "/3")
        assert feed.was_asked() == ["/1", "/2"]

    def test_half_a_page_causes_no_request_that_was_not_yet_sent(
        self, feed: SteppedFeed, consumer: ThreadPoolExecutor
    ) -> None:
        with PageReader(feed.ask, Start("/1"), any_budget()) as reader:
            read = consumer.submit(lambda: [page.records[0]["id"] for page in reader])
            feed.requested("/1").opens("/2")
            feed.requested("/2").opens("/3")
            feed.requested("/2").fails(FeedUnavailable("half a page", 60.0))
            assert reader._line[1].page.exception(SECONDS)
            feed.requested("/1").comes("/2")
            assert read.result(SECONDS) == ["/1"]
        assert feed.was_asked() == ["/1", "/2"]

    def test_requests_of_another_size_are_discarded(self, feed: SteppedFeed, consumer: ThreadPoolExecutor) -> None:
        start = Start("/?limit=500", faults=1, finds_page_size=True)
        with PageReader(feed.ask, start, any_budget(), lambda _: None) as reader:
            read = consumer.submit(lambda: [page.records[0]["id"] for page in reader])
            feed.requested("/?limit=500").opens("/?limit=500&page=2")
            behind = feed.requested("/?limit=500&page=2")
            feed.requested("/?limit=500").fails(FeedUnreachable("reset", 0.0, smaller_may_help=True))
            smaller = feed.requested("/?limit=250")
            behind.comes("/?limit=500&page=3")
            smaller.comes(None)
            assert read.result(SECONDS) == ["/?limit=250"]
        assert feed.was_asked() == ["/?limit=500", "/?limit=500&page=2", "/?limit=250"]

    def test_the_cursor_of_a_complete_page_wins_over_its_early_one(
        self, feed: SteppedFeed, pages: Iterator[Page], consumer: ThreadPoolExecutor
    ) -> None:
        read = consumer.submit(lambda: [page.records[0]["id"] for page in pages])
        feed.requested("/1").opens("/wrong")
        feed.requested("/wrong").comes("/wronger")
        feed.requested("/1").comes("/right")
        feed.requested("/right").comes(None)
        if "/wronger" in feed.was_asked():
            feed.requested("/wronger").comes(None)
        assert read.result(SECONDS) == ["/1", "/right"]

    def test_a_slow_consumer_is_not_run_ahead_of_for_ever(self) -> None:
        feed = NumberedFeed(last=50)
        full = threading.Event()

        def fetch(cursor: str, on_next: Callable[[str], None]) -> Page:
            if cursor == f"/{MAX_AHEAD + 1}":
                full.set()
            return feed.fetch(cursor, on_next)

        with PageReader(asking(fetch), Start("/1"), any_budget()) as reader:
            pages = iter(reader)
            next(pages)
            assert full.wait(SECONDS)
        assert len(feed.requested) == 1 + MAX_AHEAD

    @pytest.mark.parametrize(("size", "ahead"), [(MAX_AHEAD_BYTES // 2, 2), (MAX_AHEAD_BYTES, 1), (40 << 20, 1)])
    def test_fewer_large_pages_are_requested_ahead(self, size: int, ahead: int) -> None:
        feed = NumberedFeed(last=50)
        arrived: dict[str, threading.Event] = defaultdict(threading.Event)

        def fetch(cursor: str, on_next: Callable[[str], None]) -> Page:
            page = replace(feed.fetch(cursor, on_next), size=size)
            arrived[cursor].set()
            return page

        with PageReader(asking(fetch), Start("/1"), any_budget()) as reader:
            pages = iter(reader)
            for _ in range(10):
                next(pages)
            assert arrived[f"/{10 + ahead}"].wait(SECONDS)
        assert len(feed.requested) == 10 + ahead

    def test_an_abandoned_reading_asks_for_nothing_more(self, feed: SteppedFeed, consumer: ThreadPoolExecutor) -> None:
        reader = PageReader(feed.ask, Start("/1"), any_budget())
        consumer.submit(next, iter(reader))
        late = feed.requested("/1")
        closing = threading.Thread(target=reader.__exit__, args=(None, None, None))
        closing.start()
        while not reader._closed:
            pass
        late.opens("/2")
        late.comes("/2")
        closing.join(SECONDS)
        assert feed.was_asked() == ["/1"]


class TestBudget:
    def test_a_spent_budget_ends_the_turn_and_no_page_is_fetched_in_vain(self) -> None:
        ids, reader, _ = read(feed := NumberedFeed(last=9), any_budget(seconds=0))
        assert (ids, reader.cursor, feed.requested) == ([1], "/2", ["/1"])

    @given(st.integers(1, 30))
    def test_every_page_that_was_asked_for_is_yielded(self, ticks: int) -> None:
        times = iter(range(1000))
        ids, reader, _ = read(feed := NumberedFeed(last=40), any_budget(seconds=ticks, clock=lambda: next(times)))
        assert [f"/{number}" for number in ids] == feed.requested
        assert reader.cursor == f"/{len(ids) + 1}"


@pytest.fixture(autouse=True)
def _no_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_module, "backoff", lambda _: 0.0)


def paused_before_giving_up(fault: FeedUnavailable | RateLimited, monkeypatch: pytest.MonkeyPatch) -> float:
    """Return how many seconds a page that fails with *fault* for ever is waited for, by the turns and between them."""
    monkeypatch.setattr(random, "uniform", lambda least, most: (least + most) / 2)
    paused, start = 0.0, Start("/1")
    with pytest.raises(type(fault)):  # noqa: PT012 - which of the turns gives up is not the point
        while True:
            _, reader, slept = read(NumberedFeed(3, {"/1": [fault] * MAX_FAULTS}), start=start)
            paused += sum(slept) + reader.pause_seconds
            start = Start("/1", reader.faults)
    return paused


class TestFaults:
    def test_a_short_pause_is_waited_out_at_the_page_that_failed(self) -> None:
        feed = NumberedFeed(3, {"/2": [RateLimited("429", 2.0), FeedUnavailable("503", 0.5)]})
        ids, reader, slept = read(feed)
        assert (ids, slept, reader.faults, reader.pause_seconds) == ([1, 2, 3], [2.0, 0.5], 0, 0)
        assert feed.requested == ["/1", "/2", "/2", "/2", "/3"]

    def test_a_long_pause_is_left_to_the_machine_with_all_pages_before_it_kept(self) -> None:
        ids, reader, slept = read(NumberedFeed(3, {"/2": [RateLimited("429", 29.4)]}))
        assert (ids, reader.cursor, reader.pause_seconds, reader.faults, slept) == ([1], "/2", 30, 1, [])

    def test_a_pause_the_budget_has_no_room_for_is_left_to_the_machine(self) -> None:
        _, reader, slept = read(NumberedFeed(3, {"/1": [RateLimited("429", 2.0)]}), any_budget(seconds=1))
        assert (reader.pause_seconds, slept) == (2, [])

    def test_a_feed_cannot_send_us_away_for_days(self) -> None:
        _, reader, _ = read(NumberedFeed(3, {"/1": [RateLimited("429", 1e6)]}))
        assert reader.pause_seconds == 3600

    @pytest.mark.parametrize(("requested", "longest"), [(0.0, 1200), (1.0, 1200), (None, 1200), (60.0, 1800)])
    def test_a_pause_that_was_too_short_is_not_taken_at_its_word_again(
        self, monkeypatch: pytest.MonkeyPatch, requested: float | None, longest: float
    ) -> None:
        monkeypatch.setattr(reader_module, "backoff", backoff)
        assert 600 < paused_before_giving_up(RateLimited("429", requested), monkeypatch) < longest

    def test_a_feed_that_keeps_failing_at_one_page_fails_the_export(self) -> None:
        with pytest.raises(FeedUnavailable, match="503"):
            read(NumberedFeed(3, {"/1": [FeedUnavailable("503", 0.0)]}), start=Start("/1", faults=MAX_FAULTS - 1))

    def test_a_permanent_error_fails_at_once(self) -> None:
        feed = NumberedFeed(3, {"/2": [TokenRefused("401")]})
        with pytest.raises(TokenRefused):
            read(feed)
        assert feed.requested == ["/1", "/2"]

    def test_a_page_fetched_behind_a_cut_one_is_kept(self) -> None:
        feed = NumberedFeed(6, {"/2": [CutShort("half", 0.0)]})
        ids, _, slept = read(feed)
        assert (ids, slept) == ([1, 2, 3, 4, 5, 6], [0.0])
        assert sorted(feed.requested) == ["/1", "/2", "/2", "/3", "/4", "/5", "/6"]

    def test_the_cursor_of_a_complete_page_is_followed(self) -> None:
        feed = NumberedFeed(9, {"/2": [CutShort("half", 0.0)]})

        def fetch(cursor: str, on_next: Callable[[str], None]) -> Page:
            if feed.requested.count("/2"):
                feed.leads["/2"] = "/7"
            return feed.fetch(cursor, on_next)

        with PageReader(asking(fetch), Start("/1"), any_budget(), lambda _: None) as reader:
            assert [page.records[0]["id"] for page in reader] == [1, 2, 7, 8, 9]

    def test_a_page_cut_short_leaves_the_turn_to_go_on_from_there(self) -> None:
        ids, reader, _ = read(NumberedFeed(6, {"/3": [CutShort("half", 60.0)]}))
        assert (ids, reader.cursor, reader.pause_seconds) == ([1, 2], "/3", 60)

    @given(st.dictionaries(st.integers(1, 12), st.lists(st.sampled_from([CutShort, FeedUnavailable]), max_size=3)))
    def test_with_any_faults_the_pages_come_in_order_and_once(
        self, faults: dict[int, list[type[FeedUnavailable]]]
    ) -> None:
        feed = NumberedFeed(12, {f"/{page}": [kind("fault", 0.0) for kind in kinds] for page, kinds in faults.items()})
        assert read(feed)[0] == [*range(1, 13)]

    def test_pauses_grow_with_the_faults_and_are_bounded(self) -> None:
        assert all(4 / 3 <= backoff(1) <= 2 for _ in range(50))
        assert all(200 <= backoff(60) <= 300 for _ in range(50))


class TestRepeats:
    @pytest.mark.parametrize(
        ("leads", "read_before"),
        [({"/3": "/3"}, [1, 2, 3]), ({"/3": "/2"}, [1, 2, 3]), ({"/5": "/1"}, [1, 2, 3, 4, 5])],
    )
    def test_a_feed_that_leads_in_a_circle_is_left(self, leads: dict[str, str], read_before: list[int]) -> None:
        feed = NumberedFeed(9, leads=leads)
        ids: list[int] = []
        with PageReader(feed.ask, Start("/1"), any_budget()) as reader, pytest.raises(RepeatedCursor) as refusal:
            ids.extend(page.records[0]["id"] for page in reader)
        ((page, back),) = leads.items()
        assert f"Page {page[1]} of the feed leads back to page {back[1]}" in str(refusal.value)
        assert "Start the export again later" in str(refusal.value)
        assert (ids, feed.requested) == (read_before, [f"/{number}" for number in read_before])

    def test_a_page_read_in_an_earlier_turn_is_remembered(self) -> None:
        trail = CursorTrail()
        _, reader, _ = read(NumberedFeed(9), any_budget(seconds=0), Start("/1", trail=trail))
        assert reader.cursor == "/2"
        with pytest.raises(RepeatedCursor, match="Page 2 of the feed leads back to page 1"):
            read(NumberedFeed(9, leads={"/2": "/1"}), start=Start("/2", trail=CursorTrail.from_bytes(trail.to_bytes())))

    def test_the_trail_has_only_the_pages_that_were_yielded(self) -> None:
        trail = CursorTrail()
        with PageReader(NumberedFeed(9).ask, Start("/1", trail=trail), any_budget()) as reader:
            for pages, _ in enumerate(reader, start=1):
                assert len(trail) == pages


def sized(sizes: list[int], refuses: Callable[[int], Exception | None]) -> Ask:
    """Return a feed of one page that notes the sizes it is asked for, and refuses some."""

    def fetch(cursor: str, on_next: Callable[[str], None]) -> Page:
        size = int(cursor.partition("limit=")[2])
        sizes.append(size)
        if refusal := refuses(size):
            raise refusal
        return Page([{"id": 1}], None, None)

    return asking(fetch)


def too_large(most: int) -> Callable[[int], Exception | None]:
    return lambda size: FeedRefused("400", smaller_may_help=True) if size > most else None


class TestPageSize:
    def test_the_largest_page_the_feed_takes_is_found(self) -> None:
        sizes: list[int] = []
        start = Start("/feed?limit=1000", finds_page_size=True)
        with PageReader(sized(sizes, too_large(250)), start, any_budget(seconds=0)) as reader:
            assert len([*reader]) == 1
        assert (sizes, reader.page_size) == ([1000, 500, 250], 250)

    def test_at_the_foot_of_the_ladder_the_refusal_stands(self) -> None:
        sizes: list[int] = []
        start = Start("/feed?limit=1000", finds_page_size=True)
        with PageReader(sized(sizes, too_large(0)), start, any_budget()) as reader, pytest.raises(FeedRefused):
            list(reader)
        assert sizes == [1000, 500, 250, 100, 50, 25]

    def test_a_requested_size_is_not_lowered(self) -> None:
        sizes: list[int] = []
        with (
            PageReader(sized(sizes, too_large(250)), Start("/feed?limit=500"), any_budget()) as reader,
            pytest.raises(FeedRefused),
        ):
            list(reader)
        assert sizes == [500]

    @pytest.mark.parametrize("fault", [FeedUnreachable, FeedUnavailable])
    def test_a_page_that_times_out_twice_is_asked_for_smaller(
        self, fault: type[FeedUnreachable | FeedUnavailable]
    ) -> None:
        sizes: list[int] = []
        start = Start("/feed?limit=500", finds_page_size=True)
        refuses = sized(sizes, lambda size: fault("524", 0.0, smaller_may_help=True) if size > 100 else None)
        with PageReader(refuses, start, any_budget(), lambda _: None) as reader:
            assert len([*reader]) == 1
        assert sizes == [500, 500, 250, 100]

    def test_a_fault_that_size_has_nothing_to_do_with_does_not_lower_it(self) -> None:
        sizes: list[int] = []
        faults = [FeedUnavailable("503", 0.0) for _ in range(3)]
        start = Start("/feed?limit=500", finds_page_size=True)
        failing = sized(sizes, lambda _: faults.pop() if faults else None)
        with PageReader(failing, start, any_budget(), lambda _: None) as reader:
            list(reader)
        assert sizes == [500] * 4

    def test_a_turn_that_ends_half_way_down_leaves_the_size_in_the_cursor(self) -> None:
        start = Start("/feed?limit=500", faults=1, finds_page_size=True)
        failing = sized([], lambda _: FeedUnavailable("524", 60.0, smaller_may_help=True))
        with PageReader(failing, start, any_budget()) as reader:
            assert [*reader] == []
        assert (reader.cursor, reader.faults, reader.pause_seconds) == ("/feed?limit=250", 2, 60)
        assert reader.full_size == 500

    def test_a_cursor_without_a_size_is_not_made_smaller(self) -> None:
        feed = NumberedFeed(3, {"/2": [FeedRefused("400", smaller_may_help=True)]})
        with pytest.raises(FeedRefused):
            read(feed, start=Start("/1", finds_page_size=True))


@dataclass
class HeavyFeed:
    """A feed of *rows* whose pages may be asked for in any size; `fails` has the rows whose pages do not come."""

    rows: int
    fails: Callable[[range], Exception | None]
    sizes: list[int] = field(default_factory=list)

    def ask(self, cursor: str) -> Answer:
        return partial(self.fetch, cursor)

    def fetch(self, cursor: str, on_next: Callable[[str], None]) -> Page:
        size, first = (int(value) for value in re.findall(r"=(\d+)", cursor))
        rows = range(first, min(first + size, self.rows))
        self.sizes.append(size)
        del on_next
        if fault := self.fails(rows):
            raise fault
        following = f"/feed?limit={size}&at={rows.stop}" if rows.stop < self.rows else None
        return Page([{"id": row} for row in rows], following, None)


def read_heavy(feed: HeavyFeed, start: Start | None = None, turns: int = 99) -> tuple[list[int], Start]:
    """Return the ids of the rows read in so many turns at most, and where they ended."""
    at = start or Start("/feed?limit=1000&at=0", finds_page_size=True)
    ids: list[int] = []
    for _ in range(turns):
        with PageReader(feed.ask, at, any_budget(), lambda _: None) as reader:
            ids += [record["id"] for page in reader for record in page.records]
        at = Start(
            reader.cursor or "", reader.faults, at.trail, at.finds_page_size and not ids, full_size=reader.full_size
        )
        if reader.cursor is None:
            break
    return ids, at


SIZE_FAULTS = [FeedUnavailable("500", 0.0, smaller_may_help=True), FeedRefused("413", smaller_may_help=True)]


class TestHeavyPages:
    @pytest.mark.parametrize("fault", [*SIZE_FAULTS, PageTooLarge("too large")], ids=lambda fault: type(fault).__name__)
    @pytest.mark.parametrize("size", [1000, 700])
    def test_a_page_too_heavy_in_mid_feed_comes_in_smaller_ones(self, fault: Exception, size: int) -> None:
        feed = HeavyFeed(9000, lambda rows: fault if 3500 in rows and len(rows) > 100 else None)
        ids, _ = read_heavy(feed, Start(f"/feed?limit={size}&at=0"))
        assert ids == [*range(9000)]

    def test_a_first_page_too_large_for_the_memory_comes_in_smaller_ones(self) -> None:
        feed = HeavyFeed(3000, lambda rows: PageTooLarge("too large") if len(rows) > 250 else None)
        ids, _ = read_heavy(feed, Start("/feed?limit=1000&at=0"))
        assert ids == [*range(3000)]
        assert feed.sizes[:3] == [1000, 500, 250]

    @pytest.mark.parametrize("fault", SIZE_FAULTS, ids=lambda fault: type(fault).__name__)
    def test_behind_a_heavy_page_the_full_size_is_returned_to(self, fault: Exception) -> None:
        feed = HeavyFeed(60_000, lambda rows: fault if 3500 in rows and len(rows) > 100 else None)
        ids, end = read_heavy(feed)
        assert ids == [*range(60_000)]
        assert (feed.sizes[-1] >= 500, end.full_size) == (True, None)
        assert len(feed.sizes) < 100

    def test_with_heavy_pages_larger_ones_are_attempted_ever_less(self) -> None:
        fault = FeedUnavailable("504", 0.0, smaller_may_help=True)
        feed = HeavyFeed(200_000, lambda rows: fault if rows.start >= 2000 and len(rows) > 100 else None)
        ids, _ = read_heavy(feed)
        assert ids == [*range(200_000)]
        assert sum(size > 100 for size in feed.sizes) < 20

    @pytest.mark.parametrize("at", [0, 5000])
    def test_a_server_that_fails_at_every_size_fails_the_export_as_an_outage(self, at: int) -> None:
        fault = FeedUnavailable("500", 0.0, smaller_may_help=True)
        feed = HeavyFeed(9000, lambda rows: fault if rows.stop > at else None)
        with pytest.raises(FeedUnavailable, match="500"):
            read_heavy(feed)
        failed = feed.sizes[at // 1000 :]
        assert [size for size in failed if size == 1000] == [1000] * MAX_FAULTS
        assert len(failed) == MAX_FAULTS + 2 * 5

    def test_an_outage_leaves_the_page_size_as_it_was(self) -> None:
        left = [FeedUnavailable("503", 0.0, smaller_may_help=True) for _ in range(9)]
        feed = HeavyFeed(9000, lambda rows: left.pop() if rows.start >= 2000 and left else None)
        ids, _ = read_heavy(feed)
        assert (ids, feed.sizes[-1]) == ([*range(9000)], 1000)

    def test_a_heavy_page_met_in_an_outage_comes_all_the_same(self) -> None:
        outage = [FeedUnavailable("503", 0.0, smaller_may_help=True) for _ in range(9)]
        heavy = FeedUnavailable("500", 0.0, smaller_may_help=True)

        def fails(rows: range) -> Exception | None:
            if 3500 not in rows:
                return None
            return outage.pop() if outage else heavy if len(rows) > 250 else None

        assert read_heavy(HeavyFeed(9000, fails))[0] == [*range(9000)]

    def test_a_size_lowered_by_an_outage_is_not_remembered(self) -> None:
        left = [FeedUnavailable("503", 0.0, smaller_may_help=True) for _ in range(3)]
        feed = HeavyFeed(30_000, lambda _: left.pop() if left else None)
        start = Start("/feed?limit=1000&at=0", finds_page_size=True)
        with PageReader(feed.ask, start, any_budget(), lambda _: None) as reader:
            assert sum(len(page.records) for page in reader) == 30_000
        assert reader.page_size == 1000

    def test_a_cursor_that_counts_pages_keeps_its_size(self) -> None:
        fault = FeedRefused("413", smaller_may_help=True)
        trail = CursorTrail()
        trail.add("/feed?limit=100&page=1")
        sizes: list[str] = []

        def fetch(cursor: str, on_next: Callable[[str], None]) -> Page:
            del on_next
            sizes.append(cursor)
            raise fault

        start = Start("/feed?limit=100&page=2", trail=trail)
        with PageReader(asking(fetch), start, any_budget()) as reader, pytest.raises(FeedRefused):
            list(reader)
        assert sizes == ["/feed?limit=100&page=2"]


class TestExpiredCursor:
    @pytest.mark.parametrize(
        "refusal", [FeedForbidden("404", expired_status=404), FeedRefused("x", expired_status=410)]
    )
    def test_an_expired_later_page_is_named_so(self, refusal: Exception) -> None:
        with pytest.raises(CursorExpired, match=r"page 2 \(4\d\d\).*can expire") as expired:
            read(NumberedFeed(3, {"/2": [refusal]}))
        assert "permission" not in str(expired.value)

    def test_a_first_page_that_is_not_there_is_refused_as_it_is(self) -> None:
        with pytest.raises(FeedForbidden):
            read(NumberedFeed(3, {"/1": [FeedForbidden("404", expired_status=404)]}))


def test_cursors_are_asked_for_in_the_order_of_the_feed() -> None:
    read(feed := NumberedFeed(last=30))
    numbers = [int(cursor[1:]) for cursor in feed.requested]
    assert all(earlier < after for earlier, after in pairwise(numbers))
