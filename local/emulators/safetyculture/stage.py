"""The state of the emulator while it plays: the scenario, the faults that have fired, the requests received."""

import time
from collections import deque
from dataclasses import dataclass, field, replace

from local.emulators.safetyculture.scenario import AnswerFault, Fault, FeedScenario, Slow

JOURNAL_LENGTH = 10_000  # the newest requests; older ones are only counted


@dataclass(slots=True)
class JournalEntry:
    """A request, and its outcome.

    `at` is in seconds since the emulator started; `page` is the requested page number of a feed; `status` stays
    None until the answer begins; `faults` are the kinds that fired. The token is not recorded, only its presence.
    """

    method: str
    path: str
    query: dict[str, str]
    at: float
    authorization: bool
    page: int | None = None
    status: int | None = None
    faults: list[str] = field(default_factory=list)


class Journal:
    """The newest requests, oldest first, and the number of all."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._arrivals: deque[JournalEntry] = deque(maxlen=JOURNAL_LENGTH)
        self.total = 0

    def add(self, method: str, path: str, query: dict[str, str], *, authorization: bool) -> JournalEntry:
        """Record a new request and return its entry, which the answer completes."""
        arrival = JournalEntry(method, path, query, round(time.monotonic() - self._started, 6), authorization)
        self._arrivals.append(arrival)
        self.total += 1
        return arrival

    def entries(self) -> list[JournalEntry]:
        """Return a copy of the requests; later changes do not appear in it."""
        # `copy` is one step of the interpreter, so a test's thread may read while the server's thread writes.
        return [replace(arrival, faults=[*arrival.faults]) for arrival in self._arrivals.copy()]

    def clear(self) -> None:
        """Delete all requests."""
        self._arrivals.clear()
        self.total = 0


class Staging:
    """One scenario being played: `fired` has the number of times that each fault has fired, in their order."""

    def __init__(self, scenario: FeedScenario) -> None:
        self.scenario = scenario
        self.fired = [0] * len(scenario.faults)

    def faults_on(self, page: int) -> list[Fault]:
        """Return the faults of this request for page number *page*, and count them as fired."""
        due = [place for place in range(len(self.fired)) if self._is_due(place, page)]
        answers = [place for place in due if isinstance(self.scenario.faults[place], AnswerFault)]
        if answers:
            slow = [place for place in due if isinstance(self.scenario.faults[place], Slow)]
            due = [answers[0], *slow]
        for place in due:
            self.fired[place] += 1
        return [self.scenario.faults[place] for place in due]

    def _is_due(self, place: int, page: int) -> bool:
        fault = self.scenario.faults[place]
        return fault.strikes(page) and (fault.times is None or self.fired[place] < fault.times)


class FeedStage:
    """The state of the emulator: the scenario and the requests."""

    def __init__(self, scenario: FeedScenario) -> None:
        self.staging = Staging(scenario)
        self.journal = Journal()

    def has(self, scenario: FeedScenario) -> None:
        """Play *scenario* from its start; requests under way end as they began, and the journal continues."""
        self.staging = Staging(scenario)
