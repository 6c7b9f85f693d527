"""The emulated Vi on a socket: in a thread of the process that asks, or as a program of its own."""

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
    """A running emulator, as a test speaks to it; over HTTP the same is under `/_emulator/`."""

    url: str
    stage: ViStage

    def has(self, scenario: ViScenario) -> None:
        """Play *scenario* from its start: nothing is held but empty datasets."""
        self.stage.has(scenario)

    def plays(self, scenario: ViScenario) -> None:
        """Play *scenario* from here on: what is held stays."""
        self.stage.play(scenario)

    def requests(self, containing: str = "", method: str | None = None) -> list[AnsweredRequest]:
        """Return the requests that came whose path contains *containing*, oldest first."""
        arrivals = self.stage.journal.copy()
        return [one for one in arrivals if containing in one.path and method in {None, one.method}]

    def forget(self) -> None:
        """Forget the requests that came."""
        self.stage.journal.clear()

    def assets(self, dataset_id: str) -> dict[str, Asset]:
        """Return the assets of a dataset by name."""
        return {asset.filename: asset for asset in [*self.stage.datasets[dataset_id].assets.values()]}

    def sessions_opened(self) -> int:
        """Return how many ingestion sessions there have been."""
        return len(self.stage.sessions)


@contextmanager
def running(scenario: ViScenario | None = None, *, looks_into_files: bool = True) -> Iterator[ViEmulator]:
    """Run an emulator on a free loopback port for as long as the block lasts; it plays *scenario* or the default.

    Tests whose files are none of their MIME types have it not look into files.
    """
    stage = ViStage(scenario or ViScenario(), looks_into_files=looks_into_files)
    listener = listening(LOOPBACK, 0)
    ready = threading.Event()
    with closing(stage), in_thread(UvicornServer(emulator(stage), ready.set), listener, ready, "Vi"):
        yield ViEmulator(url_of(listener), stage)
