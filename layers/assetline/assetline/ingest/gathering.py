"""The end of gathering: the time at which a session opens for the waiting drops of a dataset."""

import math
from dataclasses import dataclass
from datetime import datetime

INDEX_SECONDS = 2  # ours: until the index of the ledger shows the latest drops
MOST_LOOKS = 200  # ours: for each session, at any parameters; a run has a thousand turns


@dataclass(frozen=True)
class GatheredDrops:
    """The waiting drops of a dataset: the arrivals of the first and the last, and whether they fill a session."""

    first_at: datetime
    last_at: datetime
    fill_session: bool = False


@dataclass(frozen=True)
class Gathering:
    """The rules of gathering: the time without a new drop after which it ends, and its longest duration."""

    quiet_seconds: int
    longest_seconds: int

    def seconds_left(self, waiting: GatheredDrops, now: datetime) -> int:
        """Return the seconds until the next look at the drops, at most the quiet time; 0 if gathering is over.

        It is over if the drops fill a session, or if none arrived in the quiet time. It also is if the first one has
        waited for the longest time. The result depends on the arguments only, so a repeat and another run get the same.
        """
        until_quiet = self._left(waiting.last_at, self.quiet_seconds + INDEX_SECONDS, now)
        until_longest = self._left(waiting.first_at, self.longest_seconds, now)
        if waiting.fill_session or until_quiet <= 0 or until_longest <= 0:
            return 0
        # A trickle whose pauses nearly reach the quiet time would otherwise cause a look every second.
        until_look = max(until_quiet, self.longest_seconds / MOST_LOOKS)
        return math.ceil(min(until_look, until_longest))

    @staticmethod
    def _left(since: datetime, seconds: int, now: datetime) -> float:
        # Another clock wrote the time of the arrival: it may be ahead of this one.
        return seconds - max(0.0, (now - since).total_seconds())
