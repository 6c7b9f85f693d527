"""The state of an emulated Vi: its scenario, its data, the requests received, and the faults that have fired."""

import tempfile
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from local.emulators.vi.scenario import Fault, FileFault, ViScenario
from local.emulators.vi.sessions import EmulatedSession
from local.emulators.vi.signing import Signer
from local.emulators.vi.store import Asset, StoredContent, StoredDataset
from local.sample_images import image

JOURNAL_LENGTH = 50_000


@dataclass(slots=True)
class AnsweredRequest:
    """A request to the API and its answer, without headers and signatures."""

    method: str
    path: str
    query: dict[str, str]
    status: int
    at: float


@dataclass
class Multipart:
    """A file uploaded in parts."""

    session: EmulatedSession
    filename: str
    size: int
    parts: int
    received: dict[int, StoredContent]
    done: set[int]


class ViStage:
    """The state of the emulator; `has` replaces it.

    With *looks_into_files* it compares the content of files with their MIME types.
    """

    def __init__(self, scenario: ViScenario, *, looks_into_files: bool = True) -> None:
        self.looks_into_files = looks_into_files
        self.signer = Signer()
        self._files: tempfile.TemporaryDirectory[str] | None = None
        self._numbers = count(1)
        self.journal: deque[AnsweredRequest] = deque(maxlen=JOURNAL_LENGTH)
        self.has(scenario)

    def close(self) -> None:
        """Remove the files of the data."""
        if self._files:
            self._files.cleanup()

    def has(self, scenario: ViScenario) -> None:
        """Play *scenario* from its start, with its datasets only."""
        self.play(scenario)
        self.datasets = {name: StoredDataset(name, f"Dataset {name}") for name in scenario.datasets}
        for name, pictures in scenario.holds.items():
            self._fill(self.datasets[name], pictures)
        self.sessions: dict[str, EmulatedSession] = {}
        self.multiparts: dict[str, Multipart] = {}
        self.opened: deque[float] = deque()

    def play(self, scenario: ViScenario) -> None:
        """Play *scenario* from now on, and keep the data."""
        self.scenario = scenario
        self.fired = [0] * len(scenario.faults)

    def content(self) -> StoredContent:
        """Return a store for the bytes of a file."""
        return StoredContent(self._folder)

    def _folder(self) -> Path:
        """Return the folder of large files, created for the first of them."""
        self._files = self._files or tempfile.TemporaryDirectory(prefix="vi-emulator-")
        return Path(self._files.name)

    def number(self) -> int:
        """Return a new number."""
        return next(self._numbers)

    def struck[F: Fault](self, kind: type[F], filename: str | None = None) -> F | None:
        """Return the first fault of a kind that is due, for a file if one is named, and count it."""
        for place, fault in enumerate(self.scenario.faults):
            if not isinstance(fault, kind) or not self._is_due(place):
                continue
            if filename is not None and isinstance(fault, FileFault) and not fault.strikes(filename):
                continue
            self.fired[place] += 1
            return fault
        return None

    def due(self) -> Iterator[tuple[int, Fault]]:
        """Yield the faults that may still fire, with their places."""
        return ((place, fault) for place, fault in enumerate(self.scenario.faults) if self._is_due(place))

    def seconds_to_wait(self) -> float:
        """Use a session of the quota and return 0, or return the seconds to wait if none is left."""
        ration, window = self.scenario.sessions_per_window, self.scenario.window_seconds
        now = time.monotonic()
        while self.opened and self.opened[0] <= now - window:
            self.opened.popleft()
        if ration is not None and len(self.opened) >= ration:
            return self.opened[0] + window - now
        self.opened.append(now)
        return 0.0

    def hold(self, dataset: StoredDataset, filename: str, number: int = 0) -> Asset:
        """Store the small image *number* as an asset, as if a session had ingested it."""
        content = self.content()
        content.append(image("png", number))
        return dataset.put(filename, "Image", "image/png", content, {})

    def _fill(self, dataset: StoredDataset, pictures: int) -> None:
        for number in range(pictures):
            self.hold(dataset, f"image_{number:05}.png", number)

    def _is_due(self, place: int) -> bool:
        times = self.scenario.faults[place].times
        return times is None or self.fired[place] < times
