"""Reads pages in order with the next ones in flight; waits out short faults and returns long ones to the machine."""

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
from assetline.errors import CursorExpired, PageTooLarge, Permanent, RepeatedCursor, Retryable
from assetline.observability import logger
from assetline.paging.cursor_trail import CursorTrail
from assetline.paging.page import Page
from assetline.paging.page_size import page_size_of
from assetline.paging.size_search import SizeSearch

MAX_FAULTS = 12  # ours: failures in a row; with the pauses, at least a quarter of an hour
MAX_PAUSE_IN_TURN = 3.0  # ours: seconds that a function waits; the machine waits longer pauses
MAX_BACKOFF = 300.0  # ours: seconds between two attempts if the feed requests no pause
LEAST_BACKOFF = (
    2 / 3
)  # ours: the shortest pause, as a share of the longest; many exports would fail within minutes without it
MAX_PAUSE = 3600  # ours: seconds; the longest pause that a feed may request
MAX_IN_FLIGHT = 2  # ours: the page that is arriving, and the next one
MAX_AHEAD = 4  # ours: pages requested but not used; limits the memory behind a slow consumer
MAX_AHEAD_BYTES = 16 << 20  # ours: the bytes of these pages, if they are as large as the page before them

type Answer = Callable[[Callable[[str], None]], Page]
"""Waits for a page, and calls its argument with the next cursor as soon as that is known."""

type Ask = Callable[[str], Answer]
"""As `FeedClient.ask`: requests the page at a cursor, and raises nothing."""


@dataclass(eq=False, slots=True)
class _Request:
    """A page that was requested and is not used yet."""

    cursor: str
    page: Future[Page] = field(init=False)


@dataclass(frozen=True, slots=True)
class Start:
    """The start of a reading: at *cursor*, after *faults* failed attempts in a row.

    `trail` holds the cursors of the pages read before. The reader adds those of the pages that it yields.

    With `finds_page_size`, the reader may request the first page in smaller sizes until the feed sends it. It is for
    feeds without a page size chosen by the user. Later pages may always be smaller. `full_size` is the size to return
    to, if *cursor* requests a smaller one.
    """

    cursor: str
    faults: int = 0
    trail: CursorTrail = field(default_factory=CursorTrail)
    finds_page_size: bool = False
    full_size: int | None = None


class PageReader:
    """Iterates over the pages of a feed from *start* until the feed ends, the budget is spent, or a pause is due.

    Afterwards these attributes describe the place:

    - `cursor`: the place to resume from; None if the feed has ended
    - `faults`: the failed attempts in a row at `cursor`
    - `pause_seconds`: the pause before the next attempt
    - `full_size`: the page size to return to; None if `cursor` requests it
    - `page_size`: the largest size that the feed sent, if the reader searched for it

    Pages come in the feed's order, each once. The reader requests a page as soon as the previous page has revealed its
    cursor. At most `MAX_IN_FLIGHT` requests are in flight, and at most `MAX_AHEAD` pages ahead of the one in use, fewer
    if pages are large. Once the budget is spent, the reader sends no request.
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
        self._line: deque[_Request] = deque()  # in the feed's order; the first is yielded next
        self._following: str | None = None  # the cursor after the last in line, if known and not requested yet
        self._closed = False
        self._arrived = False  # whether a page has arrived since the start
        self._page_bytes = 0  # of the last page in use
        self._lock = RLock()  # the consumer and the fetching threads share the line, the trail and these two
        self._threads = ThreadPoolExecutor(max_workers=MAX_IN_FLIGHT, thread_name_prefix="fetch")

    @property
    def full_size(self) -> int | None:
        """The page size to return to; None if `cursor` requests it."""
        return self._sizes.full_size

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._closed = True
        self._threads.shutdown()  # no request is cancelled: reading the answers frees the connections

    def __iter__(self) -> Iterator[Page]:
        """Yield each page as it arrives.

        Raises:
            RepeatedCursor: the cursors form a circle; every page of it was yielded once.
            CursorExpired: the feed refuses a later page with a status of an expired cursor.
            Permanent: another attempt would also fail.
            Retryable: `MAX_FAULTS` attempts in a row failed.
        """
        self._refuse_repeat()
        self._ask_first()
        while self._line:
            try:
                page = self._line[0].page.result()
            except Retryable as fault:
                if not self._retries(fault):
                    return
                continue
            except Permanent as refusal:
                if not (refusal.smaller_may_help and self._came_down(refusal)):
                    raise self._named(refusal) from refusal.__cause__
                self._ask_first()
                continue
            self._note_arrival(page)
            yield page
            self._refuse_repeat()

    def _ask_first(self) -> None:
        """Request the page at `cursor` as the first in line; the requests behind it stay."""
        with self._lock:
            if self.cursor is None:
                return
            request = self._request(self.cursor)
            if self._line:
                self._line[0] = request
            else:
                self._line.append(request)

    def _ask_ahead(self) -> None:
        """Request the page after the last in line, if its cursor is known and the limits allow it."""
        with self._lock:
            cursor = self._following
            in_flight = sum(not request.page.done() for request in self._line)
            if (
                cursor is None
                or self._closed
                or in_flight >= MAX_IN_FLIGHT
                or len(self._line) >= self._most_ahead()
                or self._budget.spent()
                or self._is_requested(cursor)
            ):
                return
            self._following = None
            self._line.append(self._request(cursor))

    def _most_ahead(self) -> int:
        """Return how many pages may be requested but not used: at least one, fewer if the pages are large."""
        return max(1, min(MAX_AHEAD, MAX_AHEAD_BYTES // max(1, self._page_bytes)))

    def _is_requested(self, cursor: str) -> bool:
        return cursor in self._trail or any(request.cursor == cursor for request in self._line)

    def _request(self, cursor: str) -> _Request:
        request = _Request(cursor)
        # The thread that has learnt the cursor sends the request: another thread would take longer.
        request.page = self._threads.submit(self._await_for, request, self._ask(cursor))
        request.page.add_done_callback(lambda _: self._ask_ahead())  # another request may be in flight now
        return request

    def _await_for(self, request: _Request, answer: Answer) -> Page:
        """Wait for a requested page; runs in a separate thread."""
        try:
            page = answer(lambda following: self._note_following(request, following))
        except BaseException:
            self._note_following(request, None)  # an incomplete page is not a reason for another request
            raise
        self._note_following(request, page.next_cursor)
        return page

    def _note_following(self, request: _Request, following: str | None) -> None:
        with self._lock:
            if self._line and self._line[-1] is request:
                self._following = following
        self._ask_ahead()

    def _note_arrival(self, page: Page) -> None:
        """Remove the first page in line, which is complete, and move to the next."""
        with self._lock:
            request = self._line.popleft()
            self._trail.add(request.cursor)
            self.faults = 0
            self._arrived = True
            self._page_bytes = page.size
            self.cursor = self._sizes.after_page(request.cursor, page.next_cursor)
            if self._finds_page_size:
                self._finds_page_size, self._sizes.found = False, page_size_of(request.cursor)
            self.page_size = self._sizes.found
            if not self._line or self._line[0].cursor != self.cursor:
                # Either the next page is not requested yet, or the complete body contradicts the cursor found early.
                self._line.clear()
                self._following = self.cursor
        self._ask_ahead()

    def _refuse_repeat(self) -> None:
        if self.cursor is not None and self.cursor in self._trail:
            raise RepeatedCursor(
                f"Page {len(self._trail)} of the feed leads back to page {self._trail.page_number(self.cursor)}, "
                "so the export would never end. Some feeds of the API have this defect. Start the export again "
                "later. If the error persists, report the feed and the page to the API's support."
            )

    def _named(self, refusal: Permanent) -> Permanent:
        """Return *refusal*, or `CursorExpired` if its status may mean that for a later page."""
        if refusal.expired_status is None or not len(self._trail):
            return refusal
        return CursorExpired(
            f"The feed refused page {len(self._trail) + 1} ({refusal.expired_status}), although the page "
            "before it contained this address. Such addresses can expire, for example if an export is "
            "resumed late. Start the export again."
        )

    def _retries(self, fault: Retryable) -> bool:
        """Retry after a short pause; leave a long pause, or one beyond the budget, to the machine."""
        resizes = fault.smaller_may_help and self._may_resize()
        if not (resizes and self._sizes.is_probing(self.faults)):
            self.faults += 1
        if self.faults >= MAX_FAULTS:
            raise fault
        pause = self._pause_after(fault)
        if resizes and self._resized(self._sizes.after_fault(self.cursor or "", self.faults)) and self.full_size:
            pause = backoff(1) if fault.pause_seconds is None else pause  # a smaller page needs a shorter pause
        logger.warning("page_failed", error=type(fault).__name__, faults=self.faults, pause_seconds=round(pause, 1))
        # The attempt that may fail the export gets a turn of its own, after the pages of this turn are checkpointed.
        last = self.faults == MAX_FAULTS - 1 and self._arrived
        if last or pause > MAX_PAUSE_IN_TURN or pause > self._budget.left() or self._budget.spent():
            self.pause_seconds = math.ceil(pause)
            return False
        self._sleep(pause)
        self._ask_first()
        return True

    def _pause_after(self, fault: Retryable) -> float:
        """Return the pause that *fault* requests; from the second fault on, at least the backoff.

        A feed may request one second and refuse for a minute. The attempts would be used up too early.
        """
        if fault.pause_seconds is None:
            return backoff(self.faults)
        requested = min(fault.pause_seconds, MAX_PAUSE)
        return requested if self.faults == 1 else max(requested, backoff(self.faults))

    def _came_down(self, refusal: Permanent) -> bool:
        """Switch to smaller pages after a refusal. Return False if that is not possible here.

        A page that is too large for the memory is never kept, also if the user chose its size.
        """
        if self.cursor is None or not (self._may_resize() or isinstance(refusal, PageTooLarge)):
            return False
        return self._resized(self._sizes.after_refusal(self.cursor, in_first_page=self._finds_page_size))

    def _may_resize(self) -> bool:
        """Return whether another size is allowed at `cursor`: for the first page only if the user chose none."""
        return self._finds_page_size or len(self._trail) > 0

    def _resized(self, cursor: str | None) -> bool:
        """Move to *cursor*, the same place in another size. Return False if there is none."""
        if cursor is None or cursor == self.cursor:
            return False
        with self._lock:
            self._line.clear()  # after a page of another size, other pages follow
            self._following = None
            self.cursor = cursor
        logger.info("page_size_changed", page_size=page_size_of(cursor))
        return True


def backoff(faults: int) -> float:
    """Return a pause in seconds: random in the upper third of one second doubled per fault."""
    most = min(MAX_BACKOFF, 2.0**faults)
    return random.uniform(LEAST_BACKOFF * most, most)  # noqa: S311 - jitter is no secret
