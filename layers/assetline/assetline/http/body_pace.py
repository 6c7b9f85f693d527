"""The lowest rate of a body: a server that drips bytes would keep a request open without end."""

import time
from collections.abc import Callable

import httpx

WINDOW_SECONDS = 20.0  # ours: a server that thinks in the middle of a page is given as long
LEAST_BYTES = 10 * 1024  # ours: of a window, so that the lowest rate is half a kilobyte a second


class TooSlow(httpx.ReadTimeout):
    """A body came too slowly; its message is a sentence that says how slowly."""


class BodyPace:
    """Watches one body come, from now on: all of it within *seconds*, and `LEAST_BYTES` in each window of time."""

    def __init__(self, seconds: float = float("inf"), clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seconds = seconds
        self._began = self._window_began = clock()
        self._window_bytes = 0

    def arrived(self, bytes_: int) -> None:
        """Note that so many bytes have come; raises `TooSlow`."""
        now = self._clock()
        self._window_bytes += bytes_
        if now - self._began > self._seconds:
            raise TooSlow(f"The answer was not complete after {self._seconds:.0f} seconds")
        if now - self._window_began < WINDOW_SECONDS:
            return
        if self._window_bytes < LEAST_BYTES:
            raise TooSlow(
                f"The answer stalled: {self._window_bytes} bytes came in {now - self._window_began:.0f} seconds"
            )
        self._window_began, self._window_bytes = now, 0
