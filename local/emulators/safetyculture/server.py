"""The emulated API on a socket: in a thread of the process that asks, or as a program of its own."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn

from local.emulators.safetyculture.app import emulator
from local.emulators.safetyculture.scenario import Scenario
from local.emulators.safetyculture.stage import Arrival, Stage
from local.emulators.safetyculture.wire import ResettableProtocol

LOOPBACK = "127.0.0.1"

_START_SECONDS = 10
_KEEP_ALIVE_SECONDS = 75  # as a load balancer keeps them; uvicorn's 5 would end connections that a client still likes


class Server(uvicorn.Server):
    """uvicorn that plays *stage*, logs nothing, and calls *on_ready* when it is listening."""

    def __init__(self, stage: Stage, on_ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                emulator(stage),
                http=ResettableProtocol,
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="critical",
                access_log=False,
                server_header=False,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=0,  # whoever ends an emulator does not wait for its slow answers
            )
        )
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        self._on_ready()


@dataclass(frozen=True)
class Emulator:
    """A running emulator, as a test speaks to it; over HTTP the same is under `/_emulator/`."""

    url: str
    stage: Stage

    @property
    def scenario(self) -> Scenario:
        """What plays now."""
        return self.stage.staging.scenario

    def has(self, scenario: Scenario) -> None:
        """Play *scenario* from its start; the journal goes on."""
        self.stage.has(scenario)

    def requests(self) -> list[Arrival]:
        """Return the requests that came, oldest first; the newest 10,000 of them."""
        return self.stage.journal.entries()

    def fired(self) -> list[int]:
        """Return how many times each of the scenario's faults has fired, in their order."""
        return [*self.stage.staging.fired]

    def forget(self) -> None:
        """Forget the requests that came."""
        self.stage.journal.clear()


@contextmanager
def running(scenario: Scenario | None = None) -> Iterator[Emulator]:
    """Run an emulator on a free loopback port for as long as the block lasts; it plays *scenario* or the default."""
    stage = Stage(scenario or Scenario())
    listener = listening(LOOPBACK, 0)
    ready = threading.Event()
    server = Server(stage, ready.set)
    thread = threading.Thread(target=server.run, args=([listener],), name="safetyculture-emulator", daemon=True)
    thread.start()
    try:
        if not ready.wait(_START_SECONDS):
            raise RuntimeError(f"the SafetyCulture emulator was not ready after {_START_SECONDS} s")
        yield Emulator(url_of(listener), stage)
    finally:
        server.should_exit = True
        thread.join()


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens on *host* and *port*; 0 is a free port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family)
    # asyncio sets this only on sockets made with an explicit protocol, which `create_server` does not. Without it
    # every answer whose head and body fit no single segment waits 40 ms for the client's delayed acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def url_of(listener: socket.socket) -> str:
    """Return the origin under which *listener* is reached."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
