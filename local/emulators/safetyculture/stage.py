"""The state of the emulator while it plays: the scenario, the faults that have fired, the requests received."""

import time
from collections import deque
from dataclasses import dataclass, field, replace

from local.emulators.safetyculture.scenario import AnswerFault, Fault, FeedScenario, Slow

JOURNAL_LENGTH = 10_000  # the newest requests; older ones are only counted


@dataclass(slots=True)
class JournalEntry:
    """A request that came, and what became of it.

    `at` is in seconds since the emulator started; `page` is the page number a feed request asked for; `status` stays
    None until the answer begins; `faults` are the kinds that fired. Of the token only its presence is kept.
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
    """The newest arrivals, oldest first, and how many there were in all."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._arrivals: deque[JournalEntry] = deque(maxlen=JOURNAL_LENGTH)
        self.total = 0

    def add(self, method: str, path: str, query: dict[str, str], *, authorization: bool) -> JournalEntry:
        """Write down a request that just came and return its entry, to be completed as it is answered."""
        arrival = JournalEntry(method, path, query, round(time.monotonic() - self._started, 6), authorization)
        self._arrivals.append(arrival)
        self.total += 1
        return arrival

    def entries(self) -> list[JournalEntry]:
        """Return the arrivals as they stand now; what happens to them later does not show in the result."""
        # `copy` is one step of the interpreter, so a test's thread may ask while the server's thread writes.
        return [replace(arrival, faults=[*arrival.faults]) for arrival in self._arrivals.copy()]

    def clear(self) -> None:
        """Forget all arrivals."""
        self._arrivals.clear()
        self.total = 0


class Staging:
    """One scenario being played: `fired` says how often each of its faults has struck, in their order."""

    def __init__(self, scenario: FeedScenario) -> None:
        self.scenario = scenario
        self.fired = [0] * len(scenario.faults)

    def faults_on(self, page: int) -> list[Fault]:
        """Return the faults that this request for page number *page* meets, and count them as fired."""
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
    """The emulator's whole state: what plays, and who came."""

    def __init__(self, scenario: FeedScenario) -> None:
        self.staging = Staging(scenario)
        self.journal = Journal()

    def has(self, scenario: FeedScenario) -> None:
        """Play *scenario* from its start; requests under way end as they began, the journal goes on."""
        self.staging = Staging(scenario)
