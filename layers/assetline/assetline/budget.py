"""The time that an invocation has left."""

import time
from collections.abc import Callable


class Budget:
    """*seconds* from now, by a clock that never jumps."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._end = clock() + seconds

    def left(self) -> float:
        """Return the seconds left, at least 0."""
        return max(0.0, self._end - self._clock())

    def spent(self) -> bool:
        """Return whether the time is used up."""
        return self.left() == 0.0
