"""Requests to signed URLs, from many threads at once, over pooled connections.

A dataset has thousands of small files. For them, the code between a thread and the socket costs as much as the
transfer. So this code is minimal: llhttp parses the answers, and there are no credentials, cookies or redirects.
"""

import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from urllib.parse import SplitResult

import httpx

from assetline.errors import ViUnreachable
from assetline.http.idle_connections import IdleConnections, prepared
from assetline.http.response_parser import NotAnswered, ResponseParser
from assetline.http.signed_url_door import PORTS, SignedUrlDoor, check_headers, checked_parts

IDLE_SECONDS = 30.0  # ours: an older idle connection is not reused
CONNECT_SECONDS = 5.0

type Origin = tuple[str, str, int]


class Answer:
    """An answer whose head is complete. `headers` are in lower case; repeated ones are joined by commas."""

    def __init__(self, arriving: ResponseParser) -> None:
        self._arriving = arriving
        self.status = arriving.status
        self.headers: dict[str, str] = {}
        for field, content in arriving.fields:
            name, value = field.decode("latin-1"), content.decode("latin-1")
            self.headers[name] = f"{self.headers[name]}, {value}" if name in self.headers else value

    def pieces(self) -> Iterator[bytes]:
        """Yield the body as it arrives. Raise `ViUnreachable` if it ends early."""
        try:
            yield from self._arriving.pieces()
        except (OSError, NotAnswered) as error:
            raise _no_answer(error) from None


class SignedRequests:
    """Sends requests to signed URLs. It is thread-safe.

    *door* checks each URL; without it, all URLs are allowed.
    """

    def __init__(
        self, read_seconds: float, idle_seconds: float = IDLE_SECONDS, door: SignedUrlDoor | None = None
    ) -> None:
        self._door = door
        self._read_seconds = read_seconds
        self._idle_seconds = idle_seconds
        self._idle: dict[Origin, IdleConnections] = {}
        self._tls = httpx.create_ssl_context()

    @contextmanager
    def sent(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | Iterable[bytes] = b""
    ) -> Iterator[Answer]:
        """Send a request and yield its answer once the head is complete; leaving early closes the connection.

        A *body* may be an iterable of pieces; `content-length` must then give the total.

        Raises:
            ViUnreachable: no answer, or an incomplete one.
            SignedUrlRefused: the URL or a header is refused. No message quotes it.
        """
        parts = checked_parts(url)
        if self._door is not None:
            self._door.check(parts)
        origin = (parts.scheme, parts.hostname or "", parts.port or PORTS[parts.scheme])
        head = _head(method, parts, headers)
        try:
            connection, arriving = self._exchange(origin, head, body)
        except (OSError, NotAnswered) as error:
            raise _no_answer(error) from None
        try:
            yield Answer(arriving)
        except BaseException:
            connection.close()
            raise
        if arriving.may_be_kept:
            self._idle_to(origin).keep(connection)
        else:
            connection.close()

    def close(self) -> None:
        """Close the idle connections."""
        for idle in self._idle.values():
            idle.close()

    def _exchange(
        self, origin: Origin, head: bytes, body: bytes | Iterable[bytes]
    ) -> tuple[socket.socket, ResponseParser]:
        while isinstance(body, bytes) and (kept := self._idle_to(origin).take()):
            # The other side may have closed an idle connection. Then the request is sent again on another one.
            try:
                return kept, self._answered(kept, head, body)
            except (OSError, NotAnswered) as error:
                kept.close()
                if isinstance(error, TimeoutError):
                    raise
        fresh = self._connected(origin)
        try:
            return fresh, self._answered(fresh, head, body)
        except BaseException:
            fresh.close()
            raise

    def _answered(self, connection: socket.socket, head: bytes, body: bytes | Iterable[bytes]) -> ResponseParser:
        if isinstance(body, bytes):
            connection.sendall(head + body)
        else:
            connection.sendall(head)
            try:
                for piece in body:
                    connection.sendall(piece)
            except (BrokenPipeError, ConnectionResetError):
                pass  # a server may refuse a file early; its answer gives the reason
        arriving = ResponseParser(connection)
        arriving.until_head()
        return arriving

    def _idle_to(self, origin: Origin) -> IdleConnections:
        idle = self._idle.get(origin)
        if idle is None:  # of several threads, the first one sets it: no connection is forgotten
            idle = self._idle.setdefault(origin, IdleConnections(self._idle_seconds))
        return idle

    def _connected(self, origin: Origin) -> socket.socket:
        scheme, host, port = origin
        connection = prepared(self._socket_to(host, port), self._tls if scheme == "https" else None, host)
        connection.settimeout(self._read_seconds)
        return connection

    def _socket_to(self, host: str, port: int) -> socket.socket:
        """Connect to the exact address that was checked: a second DNS lookup may return another one."""
        if self._door is None:
            return socket.create_connection((host, port), timeout=CONNECT_SECONDS)
        *others, last = self._door.addresses(host, port)
        for address in others:
            with suppress(OSError):
                return socket.create_connection((address, port), timeout=CONNECT_SECONDS)
        return socket.create_connection((last, port), timeout=CONNECT_SECONDS)


def _head(method: str, parts: SplitResult, headers: Mapping[str, str]) -> bytes:
    check_headers(headers)
    path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    lines = [f"{method} {path} HTTP/1.1", f"host: {parts.netloc.rpartition('@')[2]}"]
    lines += [f"{name}: {value}" for name, value in headers.items() if name.lower() != "host"]
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")


def _no_answer(error: Exception) -> ViUnreachable:
    return ViUnreachable(f"The file's server sent no complete answer ({type(error).__name__}). Try again later.")
