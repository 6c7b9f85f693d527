"""Makes MiniStack start the environments of functions by forks of one process (`lambda_forks.py`).

A function whose package has a file `source` starts so; that file names the folder of its code. All others start by
their `bootstrap`. It runs in MiniStack's process and imports nothing of the project.
"""

import json
import os
import select
import signal
import socket
import struct
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, cast

RUNTIME = "ministack.core.lambda_runtime"
SOURCE = "source"
NUMBER = struct.Struct("!i")


class ForkedEnvironment:
    """A forked process, with what MiniStack uses of `subprocess.Popen`."""

    stdin = stderr = None

    def __init__(self, channel: socket.socket, output: int, pid: int) -> None:
        self._channel, self._receiving = channel, threading.Lock()
        self.stdout = os.fdopen(output, "rb")
        self.returncode: int | None = None
        self.pid = pid

    def poll(self) -> int | None:
        """Return the exit status, or None while the process runs."""
        return self._exit_status(wait_seconds=0)

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit status after the end of the process; raises `subprocess.TimeoutExpired`."""
        if (status := self._exit_status(timeout)) is None:
            raise subprocess.TimeoutExpired(f"environment {self.pid}", timeout or 0)
        return status

    def terminate(self) -> None:
        """Ask the process to end."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the process."""
        self._signal(signal.SIGKILL)

    def _signal(self, order: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, order)

    def _exit_status(self, wait_seconds: float | None) -> int | None:
        with self._receiving:
            if self.returncode is None and _is_readable(self._channel, wait_seconds):
                status = _number(self._channel)
                self.returncode = -signal.SIGKILL if status is None else status
                self._channel.close()
            return self.returncode


class ForkServer:
    """The process that forks environments; *program* runs on *python* with *path* as its import path.

    If it ends, as when a test kills all processes of a stack, the next environment starts another.
    """

    def __init__(self, python: str, program: str, path: str) -> None:
        self._command, self._path = [python, "-P", program], path
        self._starting = threading.Lock()
        self._start()

    def _start(self) -> None:
        environment = {name: value for name, value in os.environ.items() if name != "LOG_LEVEL"}  # it is MiniStack's
        self._control, its_control = socket.socketpair()
        with its_control:
            self.process = subprocess.Popen(
                [*self._command, str(its_control.fileno())],
                env=environment | {"PYTHONPATH": self._path},
                stdin=subprocess.DEVNULL,
                pass_fds=[its_control.fileno()],
            )

    def close(self) -> None:
        """End the process and all environments."""
        self._control.close()
        self.process.wait()

    def forked(self, source: str, environment: Mapping[str, str]) -> ForkedEnvironment:
        """Start the function whose code is in the folder *source*."""
        output, its_output = os.pipe()
        try:
            with self._starting:
                channel, pid = self._fork(its_output)
                if pid is None:
                    channel.close()
                    self.close()
                    self._start()
                    channel, pid = self._fork(its_output)
        finally:
            os.close(its_output)
        with suppress(ConnectionError):  # it has ended
            channel.sendall(json.dumps({"source": source, "environment": dict(environment)}).encode() + b"\n")
        return ForkedEnvironment(channel, output, pid or 0)

    def _fork(self, output: int) -> tuple[socket.socket, int | None]:
        """Return the channel and the pid of a fork, which waits for its request; None if the server has ended."""
        channel, its_channel = socket.socketpair()
        with its_channel, suppress(OSError):
            socket.send_fds(self._control, [b"+"], [output, its_channel.fileno()])
        return channel, _number(channel)


def fork_environments(python: str, program: str, path: str) -> None:
    """Make MiniStack fork the environments of all functions whose package names its source."""
    runtime: Any = import_module(RUNTIME)
    runtime.subprocess = _with_forks(ForkServer(python, program, path))


def _with_forks(server: ForkServer) -> ModuleType:
    """Return the module `subprocess` with a `Popen` that forks environments."""
    module: Any = ModuleType("subprocess")
    vars(module).update(vars(subprocess))

    def started(command: Sequence[str], **options: Any) -> Any:
        source = Path(command[0]).with_name(SOURCE)
        if not source.is_file():
            return subprocess.Popen(command, **options)
        environment = {name: value for name, value in options["env"].items() if name != "LOG_LEVEL"}
        folder = source.read_text()
        return server.forked(folder, environment | {"LAMBDA_TASK_ROOT": folder})

    module.Popen = started
    return cast("ModuleType", module)


def _is_readable(channel: socket.socket, wait_seconds: float | None) -> bool:
    poll = select.poll()  # MiniStack has more descriptors than `select` takes
    poll.register(channel, select.POLLIN)
    return bool(poll.poll(None if wait_seconds is None else wait_seconds * 1000))


def _number(channel: socket.socket) -> int | None:
    """Return the next number that the fork server sends, or None if it has ended."""
    with suppress(ConnectionError):
        if len(received := channel.recv(NUMBER.size, socket.MSG_WAITALL)) == NUMBER.size:
            number: int = NUMBER.unpack(received)[0]
            return number
    return None
