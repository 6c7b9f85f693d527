"""uvicorn as the emulators run it."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from local.emulators.wire import ResettableProtocol

_START_SECONDS = 10
_KEEP_ALIVE_SECONDS = 75  # as load balancers do; with uvicorn's 5, connections would end that a client still uses


class UvicornServer(uvicorn.Server):
    """uvicorn that serves *app*, logs nothing, and calls *on_ready* when it is listening."""

    def __init__(self, app: ASGIApp, on_ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=ResettableProtocol,
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="critical",
                access_log=False,
                server_header=False,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=0,  # ending an emulator does not wait for its slow answers
            )
        )
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and call *on_ready*."""
        await super().startup(sockets)
        self._on_ready()


@contextmanager
def in_thread(server: UvicornServer, listener: socket.socket, ready: threading.Event, name: str) -> Iterator[None]:
    """Run *server* in a thread for as long as the block lasts."""
    thread = threading.Thread(target=server.run, args=([listener],), name=f"{name} emulator", daemon=True)
    thread.start()
    try:
        if not ready.wait(_START_SECONDS):
            raise RuntimeError(f"the emulator of {name} was not ready after {_START_SECONDS} s")
        yield
    finally:
        server.should_exit = True
        thread.join()
