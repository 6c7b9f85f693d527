"""Connections to a server: prepared for small requests, and kept while no request needs them."""

import socket
import ssl
import time


def prepared(connection: socket.socket, tls: ssl.SSLContext | None, host: str) -> socket.socket:
    """Return *connection* without a delay for small writes, and encrypted if *tls* is given; an error closes it.

    Raises:
        OSError: the server refuses, or its certificate is not valid for *host*.
    """
    try:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection if tls is None else tls.wrap_socket(connection, server_hostname=host)
    except BaseException:
        connection.close()
        raise


class IdleConnections:
    """Idle connections to one origin. It is thread-safe."""

    def __init__(self, idle_seconds: float) -> None:
        self._idle_seconds = idle_seconds
        self._kept: list[tuple[socket.socket, float]] = []  # the most recently used connection is last

    def __len__(self) -> int:
        """Return the number of connections."""
        return len(self._kept)

    def take(self) -> socket.socket | None:
        """Return the connection used last, None without one; those idle for *idle_seconds* are closed."""
        while kept := self._popped():
            connection, since = kept
            if time.monotonic() - since < self._idle_seconds:
                return connection
            connection.close()
        return None

    def keep(self, connection: socket.socket) -> None:
        """Keep a connection without a request."""
        self._kept.append((connection, time.monotonic()))

    def close(self) -> None:
        """Close all connections."""
        while kept := self._popped():
            kept[0].close()

    def _popped(self) -> tuple[socket.socket, float] | None:
        try:
            return self._kept.pop()
        except IndexError:  # a check before the pop would race with other threads
            return None
