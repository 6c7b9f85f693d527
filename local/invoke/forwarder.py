"""Ports of the engine's gateway that lead to the stack, which listens on loopback only.

They are open while a command runs, and only to containers of this machine.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from local.errors import LocalStackFailed
from local.invoke.container.forward import serve

IP_FREEBIND = 15  # Linux: binds an address that the machine does not have yet; podman adds its own with a container


@contextmanager
def forwarded(ports: Sequence[int], gateway: str) -> Iterator[dict[int, str]]:
    """Forward *ports* of loopback from *gateway* for the block; yield the address of each there."""
    listeners = {port: _listener(gateway) for port in ports}
    try:
        for port, listener in listeners.items():
            threading.Thread(target=_serve, args=(listener, f"127.0.0.1:{port}"), daemon=True).start()
        yield {port: f"{gateway}:{listener.getsockname()[1]}" for port, listener in listeners.items()}
    finally:
        for listener in listeners.values():
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # a close alone does not end a thread that accepts
            listener.close()


def _serve(listener: socket.socket, target: str) -> None:
    with suppress(OSError):  # it is closed at the end of the block
        serve(listener, target)


def _listener(gateway: str) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    with suppress(OSError):
        listener.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)
    try:
        listener.bind((gateway, 0))
        listener.listen()
    except OSError as error:
        listener.close()
        raise LocalStackFailed(
            f"cannot listen on {gateway}, the gateway of the container engine: {error}; to run without the engine, "
            "add ENGINE=none"
        ) from error
    return listener
