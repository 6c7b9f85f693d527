"""The time that an invocation has left."""

import time
from collections.abc import Callable


class Budget:
    """*seconds* from now, by a clock that never jumps."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._end = clock() + seconds

    def left(self) -> float:
        """Return the seconds left, 0 when there are none."""
        return max(0.0, self._end - self._clock())

    def spent(self) -> bool:
        """Say whether the time is over."""
        return self.left() == 0.0
