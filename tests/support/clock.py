"""A clock that a test moves."""

from dataclasses import dataclass


@dataclass
class ManualClock:
    """Returns *now*, in seconds, until a test sets another time."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now
