"""The emulated API on a socket: in a thread of the caller's process, or as a program of its own."""

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
    """A running emulator; a test calls the methods, other programs the paths below `/_emulator/`."""

    url: str
    stage: FeedStage

    @property
    def scenario(self) -> FeedScenario:
        """The current scenario."""
        return self.stage.staging.scenario

    def has(self, scenario: FeedScenario) -> None:
        """Play *scenario* from its start; the journal continues."""
        self.stage.has(scenario)

    def requests(self) -> list[JournalEntry]:
        """Return the newest 10,000 requests received, oldest first."""
        return self.stage.journal.entries()

    def fired(self) -> list[int]:
        """Return the number of times that each of the scenario's faults has fired, in their order."""
        return [*self.stage.staging.fired]

    def forget(self) -> None:
        """Delete the requests received."""
        self.stage.journal.clear()


@contextmanager
def running(scenario: FeedScenario | None = None) -> Iterator[FeedEmulator]:
    """Run an emulator on a free loopback port for as long as the block lasts; it plays *scenario* or the default."""
    stage = FeedStage(scenario or FeedScenario())
    listener = listening(LOOPBACK, 0)
    ready = threading.Event()
    with in_thread(UvicornServer(emulator(stage), ready.set), listener, ready, "SafetyCulture"):
        yield FeedEmulator(url_of(listener), stage)
