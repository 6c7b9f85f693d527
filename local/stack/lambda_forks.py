"""The program that forks the environments of functions: each starts with the modules imported that functions import.

A program of its own takes over a second of processor time before its first event, most of it for imports; a fork takes
a tenth (docs/decisions/0042-environments-are-forks.md). It is for stacks whose code is not edited: an imported module
stays as it was.

`environment_forks.py` sends a byte on the control socket for each environment, with two descriptors: the pipe that
takes its output, and a channel. The channel carries the pid of the environment, as four bytes; then the request to it,
a line of JSON; after its end the exit status, as four bytes. All end with the control socket.

It is run as a file and imports nothing of the project but the layer: the import path is the functions' own.
"""

import gc
import importlib
import json
import os
import pkgutil
import runpy
import signal
import socket
import struct
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from typing import Any

RUNTIME = str(Path(__file__).with_name("lambda_runtime.py"))
NUMBER = struct.Struct("!i")
CLIENTS = ("s3", "dynamodb", "events", "secretsmanager", "sqs", "stepfunctions")  # of assetline.aws.clients
# Imported at first use, or by the handlers only. The runtime client has to read its variables when it is imported.
LAZY = (
    *("aws_lambda_powertools.utilities.batch", "aws_lambda_powertools.utilities.typing"),
    *("boto3.dynamodb.conditions", "simplejson"),
)


class Forks:
    """The running environments, by their pids, each with the channel that takes its exit status."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._channels: dict[int, socket.socket] = {}

    def serve(self) -> dict[str, Any] | None:
        """Fork environments until the control socket ends; return the request in an environment, None in the end."""
        ended, at_end = socket.socketpair()
        at_end.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(at_end.fileno(), warn_on_full_buffer=False)
        with DefaultSelector() as selector, ended, at_end:
            selector.register(self._control, EVENT_READ)
            selector.register(ended, EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fileobj is ended:
                        ended.recv(1024)
                        self._report_ends()
                        continue
                    _, descriptors, _, _ = socket.recv_fds(self._control, 1, 2)
                    if not descriptors:
                        self._end()
                        return None
                    output, channel = descriptors
                    if (request := self._fork(output, socket.socket(fileno=channel))) is not None:
                        return request

    def _fork(self, output: int, channel: socket.socket) -> dict[str, Any] | None:
        """Fork an environment; return its request there, and None in this process."""
        if pid := os.fork():
            os.close(output)
            self._channels[pid] = channel
            _send(channel, pid)
            return None
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for other in (self._control, *self._channels.values()):
            other.close()
        for stream in (sys.stdout, sys.stderr):
            os.dup2(output, stream.fileno())
        os.close(output)
        with channel, channel.makefile("r") as lines:
            line = lines.readline()
        if not line:
            os._exit(1)  # MiniStack has not received the pid
        request: dict[str, Any] = json.loads(line)
        return request

    def _report_ends(self) -> None:
        with suppress(ChildProcessError):  # none is left
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                pid, status = ended
                with self._channels.pop(pid) as channel:
                    _send(channel, os.waitstatus_to_exitcode(status))

    def _end(self) -> None:
        for pid in self._channels:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _send(channel: socket.socket, number: int) -> None:
    with suppress(OSError):  # MiniStack has ended
        channel.sendall(NUMBER.pack(number))


def import_all() -> None:
    """Import the layer and what it loads later, read the models of its AWS services, and leave no trace of them."""
    import boto3  # noqa: PLC0415
    import botocore.session  # noqa: PLC0415
    import httpx  # noqa: PLC0415

    import assetline  # noqa: PLC0415 - only the import path of the functions has it

    for name in (*LAZY, *(module.name for module in pkgutil.walk_packages(assetline.__path__, "assetline."))):
        with suppress(Exception):  # a function that imports it reports the failure
            importlib.import_module(name)
    httpx.create_ssl_context = cache(httpx.create_ssl_context)
    httpx.create_ssl_context()
    botocore.session.create_loader = cache(botocore.session.create_loader)
    session = boto3.Session("fork", "fork", region_name="us-east-1")
    for service in CLIENTS:
        session.client(service)  # type: ignore[call-overload]
    session.resource("dynamodb")
    gc.collect()
    gc.freeze()


def become(environment: dict[str, str], source: str) -> None:
    """Give this process the variables, the folder and the import path of the function whose code is in *source*."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(source)
    sys.path.insert(0, source)
    sys.argv = [RUNTIME, environment["_HANDLER"]]


if __name__ == "__main__":
    sys.modules["click"] = None  # type: ignore[assignment]  # nor has `lambda_runtime.py`
    import_all()
    if (request := Forks(socket.socket(fileno=int(sys.argv[1]))).serve()) is not None:
        become(**request)
        runpy.run_path(RUNTIME, run_name="__main__")
