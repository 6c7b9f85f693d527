"""The clock of a command; tests replace its time and its waiting."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Clock:
    """Returns the time, and sleeps."""

    now: Callable[[], datetime] = _now
    sleep: Callable[[float], None] = time.sleep
