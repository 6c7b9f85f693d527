"""Pages one after another, the next ones in flight while the last is used; faults waited out or handed on."""

import math
import random
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import RLock
from types import TracebackType
from typing import Self

from assetline.budget import Budget
from assetline.errors import CursorExpired, Permanent, RepeatedCursor, Retryable
from assetline.observability import logger
from assetline.paging.cursor_trail import CursorTrail
from assetline.paging.page import Page
from assetline.paging.page_size import page_size_of
from assetline.paging.size_search import SizeSearch

MAX_FAULTS = 12  # ours: failures in a row, at least a quarter of an hour with the pauses between them
MAX_PAUSE_IN_TURN = 3.0  # ours: seconds worth a waiting function; a longer pause is the machine's to wait
MAX_BACKOFF = 300.0  # ours: seconds between two attempts when the feed does not say
LEAST_BACKOFF = 2 / 3  # ours: of what a pause may be at most; without it, many exports would end within minutes
MAX_PAUSE = 3600  # ours: seconds we let a feed send us away for
MAX_IN_FLIGHT = 2  # ours: one page whose body is coming, and the one after it
MAX_AHEAD = 4  # ours: pages asked for and not yet used, so that a slow consumer costs no more memory than this

type Answer = Callable[[Callable[[str], None]], Page]
"""Waits for a page; tells whom it is given where the next one is, as soon as that is known."""

type Ask = Callable[[str], Answer]
"""As `FeedClient.ask`: asks for the page at a cursor, and raises nothing."""


@dataclass(eq=False, slots=True)
class _Request:
    """A page that was asked for and is not yet used."""

    cursor: str
    page: Future[Page] = field(init=False)


@dataclass(frozen=True, slots=True)
class Start:
    """The start of a reading: at *cursor*, after *faults* failed attempts in a row.

    `trail` holds the cursors of the pages read before; those of the pages that are yielded are added to it.

    With `finds_page_size` the first page of a feed may be asked for in smaller sizes until the feed gives it; that is
    for a feed of which nobody has asked for a certain size. A later page may be in any case. `full_size` is the size to
    return to, when *cursor* asks for a smaller one.
    """

    cursor: str
    faults: int = 0
    trail: CursorTrail = field(default_factory=CursorTrail)
    finds_page_size: bool = False
    full_size: int | None = None


class PageReader:
    """Iterates over the pages of a feed from *start* until the feed ends, the budget is spent, or a pause is due.

    Afterwards `cursor` is the place to go on from (None: the feed has ended), `faults` how many attempts in a row
    failed there, `pause_seconds` how long to wait before the next one, `full_size` the size to return to (None: that of
    `cursor`), and `page_size` the largest size the feed gave, when it was to be found.

    Pages come in the feed's order, each once. The request for a page leaves as soon as the page before it has said
    where it is, at most `MAX_IN_FLIGHT` at a time and `MAX_AHEAD` beyond the page in use; none leaves once the budget
    is spent.
    """

    def __init__(self, ask: Ask, start: Start, budget: Budget, sleep: Callable[[float], None] = time.sleep) -> None:
        self.cursor: str | None = start.cursor
        self.faults = start.faults
        self.pause_seconds = 0
        self.page_size: int | None = None
        self._ask = ask
        self._budget = budget
        self._sleep = sleep
        self._trail = start.trail
        self._finds_page_size = start.finds_page_size
        self._sizes = SizeSearch(start.full_size)
        self._line: deque[_Request] = deque()  # in the feed's order; the first is the next to be yielded
        self._following: str | None = None  # where the last in line leads, when it has said so and nobody has asked
        self._closed = False
        self._arrived = False  # whether a page has come since the start
        self._lock = RLock()  # the consumer's thread and the fetching ones share the line, the trail and these two
        self._threads = ThreadPoolExecutor(max_workers=MAX_IN_FLIGHT, thread_name_prefix="fetch")

    @property
    def full_size(self) -> int | None:
        """The page size to return to; None when `cursor` asks for it."""
        return self._sizes.full_size

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._closed = True
        self._threads.shutdown()  # none is cancelled: what was asked for is read, so that its connection is closed

    def __iter__(self) -> Iterator[Page]:
        """Yield each page as it arrives.

        Raises:
            RepeatedCursor: the feed leads in a circle; every page of it was yielded once.
            CursorExpired: a later page is refused in a way that speaks of its place.
            Permanent: asking again would not help.
            Retryable: `MAX_FAULTS` attempts in a row have failed.
        """
        self._refuse_repeat()
        self._ask_first()
        while self._line:
            try:
                page = self._line[0].page.result()
            except Retryable as fault:
                if not self._asked_again(fault):
                    return
                continue
            except Permanent as refusal:
                if not (refusal.smaller_may_help and self._came_down()):
                    raise self._named(refusal) from refusal.__cause__
                self._ask_first()
                continue
            self._note_arrival(page)
            yield page
            self._refuse_repeat()

    def _ask_first(self) -> None:
        """Ask for the page at `cursor`, the head of the line; what was asked behind it stays as it is."""
        with self._lock:
            if self.cursor is None:
                return
            request = self._request(self.cursor)
            if self._line:
                self._line[0] = request
            else:
                self._line.append(request)

    def _ask_ahead(self) -> None:
        """Ask for the page after the last in line, when it is known where it is and there is room and time for it."""
        with self._lock:
            cursor = self._following
            in_flight = sum(not request.page.done() for request in self._line)
            if (
                cursor is None
                or self._closed
                or in_flight >= MAX_IN_FLIGHT
                or len(self._line) >= MAX_AHEAD
                or self._budget.spent()
                or self._was_asked(cursor)
            ):
                return
            self._following = None
            self._line.append(self._request(cursor))

    def _was_asked(self, cursor: str) -> bool:
        return cursor in self._trail or any(request.cursor == cursor for request in self._line)

    def _request(self, cursor: str) -> _Request:
        request = _Request(cursor)
        # It leaves from the thread that has just learnt where the page is: to hand it to another one takes longer.
        request.page = self._threads.submit(self._await_for, request, self._ask(cursor))
        request.page.add_done_callback(lambda _: self._ask_ahead())  # there is room for another in flight
        return request

    def _await_for(self, request: _Request, answer: Answer) -> Page:
        """Wait for a page that was asked for; runs in a thread of its own."""
        try:
            page = answer(lambda following: self._note_following(request, following))
        except BaseException:
            self._note_following(request, None)  # what half a page said is not worth a request that was not yet sent
            raise
        self._note_following(request, page.next_cursor)
        return page

    def _note_following(self, request: _Request, following: str | None) -> None:
        with self._lock:
            if self._line and self._line[-1] is request:
                self._following = following
        self._ask_ahead()

    def _note_arrival(self, page: Page) -> None:
        """Move on past the page at the head of the line, which has come whole."""
        with self._lock:
            request = self._line.popleft()
            self._trail.add(request.cursor)
            self.faults = 0
            self._arrived = True
            self.cursor = self._sizes.after_page(request.cursor, page.next_cursor)
            if self._finds_page_size:
                self._finds_page_size, self._sizes.found = False, page_size_of(request.cursor)
            self.page_size = self._sizes.found
            if not self._line or self._line[0].cursor != self.cursor:
                # Nothing was asked yet, or something else: what a body says early can be belied by the whole of it.
                self._line.clear()
                self._following = self.cursor
        self._ask_ahead()

    def _refuse_repeat(self) -> None:
        if self.cursor is not None and self.cursor in self._trail:
            raise RepeatedCursor(
                f"Page {len(self._trail)} of the feed leads back to page {self._trail.page_number(self.cursor)}: "
                "following it would never end. This is a known defect of some feeds, at the API's end. Start the "
                "export anew later; if it comes again, tell the API's support which feed and page it is."
            )

    def _named(self, refusal: Permanent) -> Permanent:
        """Return *refusal*, or what it means of a page to which the feed itself had led."""
        if refusal.expired_status is None or not len(self._trail):
            return refusal
        return CursorExpired(
            f"The feed refused page {len(self._trail) + 1} ({refusal.expired_status}), whose address the page before "
            "had given. Such addresses may expire, as when an export is resumed late. Start the export anew."
        )

    def _asked_again(self, fault: Retryable) -> bool:
        """Ask again after a short pause; leave a long one, or one the budget has no room for, to the machine."""
        resizes = fault.smaller_may_help and self._may_resize()
        if not (resizes and self._sizes.is_probing(self.faults)):
            self.faults += 1
        if self.faults >= MAX_FAULTS:
            raise fault
        pause = self._pause_after(fault)
        if resizes and self._resized(self._sizes.after_fault(self.cursor or "", self.faults)) and self.full_size:
            pause = backoff(1) if fault.pause_seconds is None else pause  # a smaller page need not wait as long
        logger.warning("page_failed", error=type(fault).__name__, faults=self.faults, pause_seconds=round(pause, 1))
        # The attempt that may fail the export is left to a turn of its own: the pages of this one are safe by then.
        last = self.faults == MAX_FAULTS - 1 and self._arrived
        if last or pause > MAX_PAUSE_IN_TURN or pause > self._budget.left() or self._budget.spent():
            self.pause_seconds = math.ceil(pause)
            return False
        self._sleep(pause)
        self._ask_first()
        return True

    def _pause_after(self, fault: Retryable) -> float:
        """Return as long as *fault* asks, once; if it was not enough, at least as long as if nothing were asked.

        A feed may ask for a second and refuse for a minute, and all attempts would be spent before it is over.
        """
        if fault.pause_seconds is None:
            return backoff(self.faults)
        asked = min(fault.pause_seconds, MAX_PAUSE)
        return asked if self.faults == 1 else max(asked, backoff(self.faults))

    def _came_down(self) -> bool:
        """Go on with smaller pages from here after a refusal, if this is the place for that and there are any."""
        if not self._may_resize() or self.cursor is None:
            return False
        return self._resized(self._sizes.after_refusal(self.cursor, in_first_page=self._finds_page_size))

    def _may_resize(self) -> bool:
        """Say whether the page at `cursor` may be asked for in another size: a first one only if nobody chose it."""
        return self._finds_page_size or len(self._trail) > 0

    def _resized(self, cursor: str | None) -> bool:
        """Go on at *cursor*, the same place in another size; None is no other."""
        if cursor is None or cursor == self.cursor:
            return False
        with self._lock:
            self._line.clear()  # what was asked behind a page of another size is not what follows this one
            self._following = None
            self.cursor = cursor
        logger.info("page_size_changed", page_size=page_size_of(cursor))
        return True


def backoff(faults: int) -> float:
    """Return a pause in seconds: the upper third, at random, of one second doubled at every fault."""
    most = min(MAX_BACKOFF, 2.0**faults)
    return random.uniform(LEAST_BACKOFF * most, most)  # noqa: S311 - jitter is no secret
