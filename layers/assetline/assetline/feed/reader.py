"""Pages one after another, the next one in flight while the last is used; faults waited out or handed on."""

import math
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from assetline.budget import Budget
from assetline.errors import Retryable
from assetline.feed.page import Page
from assetline.observability import logger

MAX_FAULTS = 12  # ours: failures in a row, about a quarter of an hour with the pauses between them
MAX_PAUSE_IN_TURN = 3.0  # ours: seconds worth a waiting function; a longer pause is the machine's to wait
MAX_BACKOFF = 300.0  # ours: seconds between two attempts when the feed does not say
MAX_PAUSE = 3600  # ours: seconds we let a feed send us away for


class PageReader:
    """Iterates over the pages of a feed from *cursor* until the feed ends, the budget is spent, or a pause is due.

    Afterwards `cursor` is the place to go on from (None: the feed has ended), `faults` how many attempts in a row
    failed there, and `pause_seconds` how long to wait before the next one.
    """

    def __init__(
        self,
        fetch: Callable[[str], Page],
        cursor: str,
        budget: Budget,
        faults: int = 0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.cursor: str | None = cursor
        self.faults = faults
        self.pause_seconds = 0
        self._fetch = fetch
        self._budget = budget
        self._sleep = sleep
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="fetch")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown(cancel_futures=True)

    def __iter__(self) -> Iterator[Page]:
        """Yield each page as it arrives.

        Raises:
            Permanent: asking again would not help.
            Retryable: `MAX_FAULTS` attempts in a row have failed.
        """
        in_flight = self._submit()
        while in_flight is not None:
            try:
                page = in_flight.result()
            except Retryable as fault:
                in_flight = self._after(fault)
                continue
            self.faults = 0
            self.cursor = page.next_cursor
            in_flight = None if self.cursor is None or self._budget.spent() else self._submit()
            yield page

    def _submit(self) -> Future[Page] | None:
        return None if self.cursor is None else self._thread.submit(self._fetch, self.cursor)

    def _after(self, fault: Retryable) -> Future[Page] | None:
        """Ask again after a short pause; leave a long one, or one the budget has no room for, to the machine."""
        self.faults += 1
        if self.faults >= MAX_FAULTS:
            raise fault
        pause = backoff(self.faults) if fault.pause_seconds is None else min(fault.pause_seconds, MAX_PAUSE)
        logger.warning("page_failed", error=type(fault).__name__, faults=self.faults, pause_seconds=round(pause, 1))
        if pause > MAX_PAUSE_IN_TURN or pause > self._budget.left():
            self.pause_seconds = math.ceil(pause)
            return None
        self._sleep(pause)
        return self._submit()


def backoff(faults: int) -> float:
    """Return a pause in seconds with full jitter: anything up to one second doubled at every fault."""
    return random.uniform(0, min(MAX_BACKOFF, 2.0**faults))  # noqa: S311 - jitter is no secret
