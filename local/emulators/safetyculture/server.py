"""The emulated API on a socket: in a thread of the process that asks, or as a program of its own."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from local.emulators.safetyculture.app import emulator
from local.emulators.safetyculture.scenario import FeedScenario
from local.emulators.safetyculture.stage import FeedStage, JournalEntry
from local.emulators.server import UvicornServer, in_thread
from local.emulators.sockets import LOOPBACK, listening, url_of


@dataclass(frozen=True)
class FeedEmulator:
    """A running emulator, as a test speaks to it; over HTTP the same is under `/_emulator/`."""

    url: str
    stage: FeedStage

    @property
    def scenario(self) -> FeedScenario:
        """The scenario that plays now."""
        return self.stage.staging.scenario

    def has(self, scenario: FeedScenario) -> None:
        """Play *scenario* from its start; the journal goes on."""
        self.stage.has(scenario)

    def requests(self) -> list[JournalEntry]:
        """Return the requests that came, oldest first; the newest 10,000 of them."""
        return self.stage.journal.entries()

    def fired(self) -> list[int]:
        """Return how many times each of the scenario's faults has fired, in their order."""
        return [*self.stage.staging.fired]

    def forget(self) -> None:
        """Forget the requests that came."""
        self.stage.journal.clear()


@contextmanager
def running(scenario: FeedScenario | None = None) -> Iterator[FeedEmulator]:
    """Run an emulator on a free loopback port for as long as the block lasts; it plays *scenario* or the default."""
    stage = FeedStage(scenario or FeedScenario())
    listener = listening(LOOPBACK, 0)
    ready = threading.Event()
    with in_thread(UvicornServer(emulator(stage), ready.set), listener, ready, "SafetyCulture"):
        yield FeedEmulator(url_of(listener), stage)
