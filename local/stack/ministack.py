"""MiniStack: the AWS of the local stack, one server for every service."""

from __future__ import annotations

import http.client
import json
import socket
import time
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import ClassVar

from local.errors import PortTaken, ServerFailed
from local.paths import LAMBDA_FORKS, LAYER, MINISTACK_PYTHON, MINISTACK_SERVER, MINISTACK_STATE, PYTHON
from local.stack import environment
from local.stack.processes import POLL_SECONDS, Server, start

HOST = "127.0.0.1"
READY_WITHIN_SECONDS = 60
# A busy MiniStack is not dead: it has everything in memory, so it gets time before it is replaced.
ANSWERS_WITHIN_SECONDS = 15


@dataclass(frozen=True)
class MiniStack:
    """A MiniStack on *port* whose state machines and failed messages wait *wait_scale* times as long as defined.

    With *forks_functions*, the environments of functions are forks of one process.
    """

    NAME: ClassVar[str] = "ministack"

    port: int
    wait_scale: float
    folder: Path
    forks_functions: bool = False

    def is_served_by(self, server: Server | None) -> bool:
        """Return whether *server* is this MiniStack, and answers."""
        return server is not None and server.launch == self._launch and server.alive() and self._answers()

    def start(self) -> Server:
        """Start MiniStack, which may not answer yet; raises `PortTaken` if another server listens on the port."""
        if taken(self.port):
            raise PortTaken(self.port)
        scratch = self.folder / "tmp"
        scratch.mkdir(parents=True, exist_ok=True)
        env = environment.bare() | self._environment | {"TMPDIR": str(scratch)}
        program: list[str | Path] = [MINISTACK_PYTHON, "-P", MINISTACK_SERVER]
        return start(self.NAME, program, launch=self._launch, env=env, log=self._log)

    def wait_until_ready(self, server: Server) -> None:
        """Wait until MiniStack answers; raises `ServerFailed` if it ends or takes too long."""
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while not self._answers():
            if not server.alive():
                raise ServerFailed("MiniStack", "ended while starting", self._log)
            if time.monotonic() > deadline:
                raise ServerFailed("MiniStack", f"did not answer within {READY_WITHIN_SECONDS} s", self._log)
            time.sleep(POLL_SECONDS)

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=ANSWERS_WITHIN_SECONDS)
        try:
            connection.request("GET", "/_ministack/health")
            return connection.getresponse().status == HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    @property
    def _environment(self) -> dict[str, str]:
        forks = {"ASSETLINE_FORKS": json.dumps([str(PYTHON), str(LAMBDA_FORKS), str(LAYER)])}
        return (forks if self.forks_functions else {}) | {
            "GATEWAY_PORT": str(self.port),
            "BIND_HOST": HOST,  # its own default is every interface
            "AUTH": "true",  # each function has the permissions of its own role and no others
            "AWS_ENDPOINT_URL": endpoint(self.port),  # where the functions find AWS
            "MINISTACK_REGION": environment.REGION,
            "SFN_WAIT_SCALE": f"{self.wait_scale:g}",
            "STATE_DIR": str(MINISTACK_STATE),  # its own default is in /tmp
            "IOT_MTLS_ENABLED": "0",  # these two would open ports of their own
            "SFTP_ENABLED": "0",
            "LOG_LEVEL": "WARNING",
        }

    @property
    def _launch(self) -> str:
        return json.dumps(self._environment)

    @property
    def _log(self) -> Path:
        return self.folder / "logs" / "ministack.log"


def endpoint(port: int) -> str:
    """Return the address of the MiniStack on *port*."""
    return f"http://{HOST}:{port}"


def free_port() -> int:
    """Return a port without a server."""
    with socket.create_server((HOST, 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def taken(port: int) -> bool:
    """Return whether a server listens on *port*."""
    try:
        socket.create_server((HOST, port)).close()
    except OSError:
        return True
    return False
