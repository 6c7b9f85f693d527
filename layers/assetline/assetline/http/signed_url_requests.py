"""Requests to signed URLs, many at once from as many threads, over connections that are kept.

A dataset has thousands of small files, and for these what lies between a thread and the socket costs as much as the
transfer. So there is little: the answer is read by llhttp, and nothing else is here that a signed URL does not need, no
credentials, no cookies, no redirects.
"""

import socket
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from urllib.parse import SplitResult

import httpx

from assetline.errors import ViUnreachable
from assetline.http.response_parser import NotAnswered, ResponseParser
from assetline.http.signed_url_door import PORTS, SignedUrlDoor, check_headers, checked_parts

IDLE_SECONDS = 30.0  # ours: then a connection is not trusted any more
CONNECT_SECONDS = 5.0

type Origin = tuple[str, str, int]


class Answer:
    """An answer whose head has come; `headers` are in lower case, and those of one name are joined by commas."""

    def __init__(self, arriving: ResponseParser) -> None:
        self._arriving = arriving
        self.status = arriving.status
        self.headers: dict[str, str] = {}
        for field, content in arriving.fields:
            name, value = field.decode("latin-1"), content.decode("latin-1")
            self.headers[name] = f"{self.headers[name]}, {value}" if name in self.headers else value

    def pieces(self) -> Iterator[bytes]:
        """Yield the body as it comes; raises `ViUnreachable` when it ends early."""
        try:
            yield from self._arriving.pieces()
        except (OSError, NotAnswered) as error:
            raise _no_answer(error) from None


class SignedRequests:
    """Sends requests to signed URLs that *door* lets through, or that are our own; threads share one."""

    def __init__(
        self, read_seconds: float, idle_seconds: float = IDLE_SECONDS, door: SignedUrlDoor | None = None
    ) -> None:
        self._door = door
        self._read_seconds = read_seconds
        self._idle_seconds = idle_seconds
        self._idle: defaultdict[Origin, list[tuple[socket.socket, float]]] = defaultdict(list)
        self._tls = httpx.create_ssl_context()

    @contextmanager
    def sent(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | Iterable[bytes] = b""
    ) -> Iterator[Answer]:
        """Send a request, and give out its answer once the head has come; whoever leaves early ends the connection.

        A *body* that is not bytes comes in pieces, and `content-length` says how long it is.

        Raises:
            ViUnreachable: no answer, or half of one.
            SignedUrlRefused: the URL or a header is none that is sent. No message holds it.
        """
        parts = checked_parts(url)
        if self._door is not None:
            self._door.check(parts)
        origin = (parts.scheme, parts.hostname or "", parts.port or PORTS[parts.scheme])
        head = _head(method, parts, headers)
        try:
            connection, arriving = self._asked(origin, head, body)
        except (OSError, NotAnswered) as error:
            raise _no_answer(error) from None
        try:
            yield Answer(arriving)
        except BaseException:
            connection.close()
            raise
        if arriving.may_be_kept:
            self._idle[origin].append((connection, time.monotonic()))
        else:
            connection.close()

    def close(self) -> None:
        """Close the connections that are idle."""
        for kept in self._idle.values():
            while kept:
                kept.pop()[0].close()

    def _asked(
        self, origin: Origin, head: bytes, body: bytes | Iterable[bytes]
    ) -> tuple[socket.socket, ResponseParser]:
        while isinstance(body, bytes) and (kept := self._kept(origin)):
            # The other side may have ended it meanwhile: then the same goes out anew.
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
                pass  # who refuses a file need not hear it to its end: the answer says why
        arriving = ResponseParser(connection)
        arriving.until_head()
        return arriving

    def _kept(self, origin: Origin) -> socket.socket | None:
        kept = self._idle[origin]
        while True:
            try:
                connection, since = kept.pop()
            except IndexError:  # to look first would be to look while another thread takes the last
                return None
            if time.monotonic() - since < self._idle_seconds:
                return connection
            connection.close()

    def _connected(self, origin: Origin) -> socket.socket:
        scheme, host, port = origin
        connection = self._socket_to(host, port)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if scheme == "https":
                connection = self._tls.wrap_socket(connection, server_hostname=host)
            connection.settimeout(self._read_seconds)
        except BaseException:
            connection.close()
            raise
        return connection

    def _socket_to(self, host: str, port: int) -> socket.socket:
        """Connect to the very address that was judged: DNS may say another one the next time."""
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
    return ViUnreachable(f"No whole answer came from where the file is ({type(error).__name__}).")
