"""The lowest rate of a body. Without one, a server that sends single bytes would keep a request open forever."""

import time
from collections.abc import Callable

import httpx

WINDOW_SECONDS = 20.0  # ours: a server may pause this long in the middle of a page
LEAST_BYTES = 10 * 1024  # ours: bytes per window; the lowest rate is half a kilobyte a second


class TooSlow(httpx.ReadTimeout):
    """A body arrived too slowly; the message gives the rate or the time."""


class BodyPace:
    """Measures one body from now on: complete within *seconds*, and `LEAST_BYTES` in each window."""

    def __init__(self, seconds: float = float("inf"), clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seconds = seconds
        self._began = self._window_began = clock()
        self._window_bytes = 0

    def arrived(self, bytes_: int) -> None:
        """Count *bytes_* that have arrived. Raise `TooSlow` if the body is too slow."""
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
