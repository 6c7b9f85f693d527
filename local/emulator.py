"""The emulated SafetyCulture API of a stack, on a port of its own choosing."""

from __future__ import annotations

import json
import re
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

from local import environment
from local.emulators.safetyculture.scenario import LOCAL_TOKEN
from local.errors import ServerFailed
from local.project import PYTHON, ROOT
from local.servers import POLL_SECONDS, Server, start

READY = re.compile(r"^safetyculture emulator ready on (http://\S+)$", re.MULTILINE)
READY_WITHIN_SECONDS = 30


@dataclass(frozen=True)
class Emulator:
    """An emulator with a feed of *rows* assets that takes *latency_seconds* a page."""

    NAME: ClassVar[str] = "safetyculture"

    rows: int
    latency_seconds: float
    folder: Path

    def is_served_by(self, server: Server | None, url: str) -> bool:
        """Tell whether *server* is such an emulator, listening at *url*."""
        return server is not None and server.launch == self._launch and server.alive() and _listening(url)

    def start(self) -> Server:
        """Start it; it may not listen yet."""
        return start(
            self.NAME,
            [PYTHON, "-P", "-m", "local.emulators.safetyculture", *self._options],
            launch=self._launch,
            env=environment.bare() | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
            log=self._log,
        )

    def wait_until_ready(self, server: Server) -> str:
        """Return its address when it listens; raises `ServerFailed` when it ends or takes too long."""
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while not (ready := READY.search(self._log.read_text())):
            if not server.alive():
                raise ServerFailed("the SafetyCulture emulator", "ended while starting", self._log)
            if time.monotonic() > deadline:
                what = f"did not listen within {READY_WITHIN_SECONDS} s"
                raise ServerFailed("the SafetyCulture emulator", what, self._log)
            time.sleep(POLL_SECONDS)
        return ready[1]

    @property
    def _options(self) -> list[str]:
        return [
            "--port",
            "0",
            "--rows",
            str(self.rows),
            "--latency-seconds",
            f"{self.latency_seconds:g}",
            "--token",
            LOCAL_TOKEN,
        ]

    @property
    def _launch(self) -> str:
        return json.dumps(self._options)

    @property
    def _log(self) -> Path:
        return self.folder / "logs" / "safetyculture.log"


def _listening(url: str) -> bool:
    at = urlsplit(url)
    if not at.hostname or not at.port:
        return False
    try:
        socket.create_connection((at.hostname, at.port), timeout=5).close()
    except OSError:
        return False
    return True
