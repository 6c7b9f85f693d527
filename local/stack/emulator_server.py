"""The emulated APIs of a stack, each on a free port."""

from __future__ import annotations

import json
import re
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from local.errors import ServerFailed
from local.paths import PYTHON, ROOT
from local.stack import environment
from local.stack.processes import POLL_SECONDS, Server, start

READY_WITHIN_SECONDS = 30


@dataclass(frozen=True)
class EmulatorProgram:
    """The emulated API *name*, a package below `local.emulators`, with the *options* of its program."""

    name: str
    options: tuple[str, ...]
    folder: Path

    def is_served_by(self, server: Server | None, url: str) -> bool:
        """Return whether *server* is this emulator, and listens at *url*."""
        return server is not None and server.launch == self._launch and server.alive() and _listening(url)

    def start(self) -> Server:
        """Start the emulator, which may not listen yet."""
        scratch = self.folder / "tmp"  # the files of a killed emulator are removed with the stack
        scratch.mkdir(parents=True, exist_ok=True)
        return start(
            self.name,
            [PYTHON, "-P", "-m", f"local.emulators.{self.name}", "--port", "0", *self.options],
            launch=self._launch,
            env=environment.bare() | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "TMPDIR": str(scratch)},
            log=self._log,
        )

    def wait_until_ready(self, server: Server) -> str:
        """Return the address of the emulator when it listens; raises `ServerFailed` if it ends or takes too long."""
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        ready_line = re.compile(rf"^{self.name} emulator ready on (http://\S+)$", re.MULTILINE)
        while not (ready := ready_line.search(self._log.read_text())):
            if not server.alive():
                raise ServerFailed(f"the {self.name} emulator", "ended while starting", self._log)
            if time.monotonic() > deadline:
                problem = f"did not listen within {READY_WITHIN_SECONDS} s"
                raise ServerFailed(f"the {self.name} emulator", problem, self._log)
            time.sleep(POLL_SECONDS)
        return ready[1]

    @property
    def _launch(self) -> str:
        return json.dumps(self.options)

    @property
    def _log(self) -> Path:
        return self.folder / "logs" / f"{self.name}.log"


def safetyculture(rows: int, latency_seconds: float, folder: Path) -> EmulatorProgram:
    """Return the emulated SafetyCulture API: a feed of *rows* assets that takes *latency_seconds* a page."""
    latency = f"{latency_seconds:g}"
    options = ("--rows", str(rows), "--latency-seconds", latency)
    return EmulatorProgram("safetyculture", options, folder)


def vi(folder: Path) -> EmulatorProgram:
    """Return the emulated Vi API."""
    return EmulatorProgram("vi", (), folder)


def _listening(url: str) -> bool:
    at = urlsplit(url)
    if not at.hostname or not at.port:
        return False
    try:
        socket.create_connection((at.hostname, at.port), timeout=5).close()
    except OSError:
        return False
    return True
