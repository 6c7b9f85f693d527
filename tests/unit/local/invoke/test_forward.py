"""The forwarding of ports: from the loopback of a container, and from the gateway of the engine."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from local.errors import LocalStackFailed
from local.invoke.container import forward
from local.invoke.forwarder import forwarded
from local.stack.ministack import free_port

# A runtime that calls the stack, as a function does.
CALL = "import socket; c = socket.create_connection(('127.0.0.1', {port})); c.sendall(b'hello'); c.shutdown(1); "
PRINT = "print(c.makefile().read())"


@pytest.fixture
def echo_port() -> Iterator[int]:
    """Return the port of a server that returns all it receives, in capitals."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                with suppress(OSError):
                    connection, _ = listener.accept()
                    with connection:
                        connection.sendall(connection.makefile("rb").read().upper())
                    continue
                return

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]


def echoed(port: int) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(b"hello")
        connection.shutdown(socket.SHUT_WR)
        return connection.makefile("rb").read()


def test_a_port_of_the_gateway_leads_to_the_stack(echo_port: int) -> None:
    with forwarded([echo_port], "127.0.0.1") as targets:
        port = int(targets[echo_port].rpartition(":")[2])
        assert echoed(port) == b"HELLO"
        assert echoed(port) == b"HELLO"
    with pytest.raises(ConnectionRefusedError):
        echoed(port)


def test_a_gateway_that_is_no_address_names_the_way_without() -> None:
    with (
        pytest.raises(LocalStackFailed, match=r"cannot listen on 300.0.0.1, .*add ENGINE=none"),
        forwarded([1], "300.0.0.1"),
    ):
        pass


def run_wrapped(ports: str, program: str) -> tuple[str, str]:
    """Run a program as the runtime in a container, and end its forwarding process; return both outputs."""
    with subprocess.Popen(
        [sys.executable, forward.__file__, sys.executable, "-c", program],
        env={**os.environ, "FORWARDED_PORTS": ports},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            process.wait(timeout=60)
        finally:
            with suppress(ProcessLookupError):  # without ports there is no other process
                os.killpg(process.pid, signal.SIGKILL)
        return process.communicate()


def test_the_runtime_reaches_the_stack_at_the_same_address(echo_port: int) -> None:
    port = free_port()
    output, _ = run_wrapped(f"{port}=127.0.0.1:{echo_port}", CALL.format(port=port) + PRINT)
    assert output == "HELLO\n"


def test_a_stack_that_cannot_be_reached_is_named() -> None:
    port, closed = free_port(), free_port()
    _, errors = run_wrapped(f"{port}=127.0.0.1:{closed}", CALL.format(port=port) + PRINT)
    assert f"The container cannot reach the local stack at 127.0.0.1:{closed}: " in errors


def test_a_runtime_without_ports_is_started_alone() -> None:
    assert run_wrapped("", "print('ready')") == ("ready\n", "")
