"""The emulated Vi on a socket: in a thread of the caller's process, or as a program of its own."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from local.emulators.server import UvicornServer, in_thread
from local.emulators.sockets import LOOPBACK, listening, url_of
from local.emulators.vi.app import emulator
from local.emulators.vi.scenario import ViScenario
from local.emulators.vi.stage import AnsweredRequest, ViStage
from local.emulators.vi.store import Asset


@dataclass(frozen=True)
class ViEmulator:
    """A running emulator; a test calls the methods, other programs the paths below `/_emulator/`."""

    url: str
    stage: ViStage

    def has(self, scenario: ViScenario) -> None:
        """Play *scenario* from its start, with empty datasets."""
        self.stage.has(scenario)

    def plays(self, scenario: ViScenario) -> None:
        """Play *scenario* from now on, and keep the data."""
        self.stage.play(scenario)

    def requests(self, containing: str = "", method: str | None = None) -> list[AnsweredRequest]:
        """Return the requests received whose path contains *containing*, oldest first."""
        arrivals = self.stage.journal.copy()
        return [request for request in arrivals if containing in request.path and method in {None, request.method}]

    def forget(self) -> None:
        """Delete the requests received."""
        self.stage.journal.clear()

    def assets(self, dataset_id: str) -> dict[str, Asset]:
        """Return the assets of a dataset by name."""
        return {asset.filename: asset for asset in [*self.stage.datasets[dataset_id].assets.values()]}

    def sessions_opened(self) -> int:
        """Return the number of ingestion sessions opened."""
        return len(self.stage.sessions)


@contextmanager
def running(scenario: ViScenario | None = None, *, looks_into_files: bool = True) -> Iterator[ViEmulator]:
    """Run an emulator on a free loopback port for as long as the block lasts; it plays *scenario* or the default.

    Without *looks_into_files* it does not compare files with their MIME types.
    """
    stage = ViStage(scenario or ViScenario(), looks_into_files=looks_into_files)
    listener = listening(LOOPBACK, 0)
    ready = threading.Event()
    with closing(stage), in_thread(UvicornServer(emulator(stage), ready.set), listener, ready, "Vi"):
        yield ViEmulator(url_of(listener), stage)
