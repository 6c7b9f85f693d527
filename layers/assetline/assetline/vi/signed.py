"""Requests to signed URLs, many at once from as many threads, over connections that are kept.

A dataset has thousands of small files, and for these what lies between a thread and the socket costs as much as the
transfer. So there is little: the answer is read by llhttp, and nothing else is here that a signed URL does not need, no
credentials, no cookies, no redirects.
"""

import socket
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import SplitResult, urlsplit

import httptools
import httpx

from assetline.errors import ViRefused, ViUnreachable

IDLE_SECONDS = 30.0  # ours: then a connection is not trusted any more
CONNECT_SECONDS = 5.0
_READ_BYTES = 64 * 1024
_INFORMATION = 200  # what is below says that the answer is still to come
_PORTS = {"http": 80, "https": 443}

type Origin = tuple[str, str, int]


class Answer:
    """An answer whose head has come; `headers` are in lower case."""

    def __init__(self, reading: "_Reading") -> None:
        self._reading = reading
        self.status = reading.status
        self.headers = reading.headers

    def pieces(self) -> Iterator[bytes]:
        """Yield the body as it comes; raises `ViUnreachable` when it ends early."""
        return self._reading.pieces()


class SignedRequests:
    """Sends requests to signed URLs; threads share one."""

    def __init__(self, read_seconds: float, idle_seconds: float = IDLE_SECONDS) -> None:
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
            ViRefused: the URL is none that can be asked. No message holds it.
        """
        parts = _parts(url)
        origin = (parts.scheme, parts.hostname or "", parts.port or _PORTS[parts.scheme])
        head = _head(method, parts, headers)
        try:
            connection, reading = self._asked(origin, head, body)
        except OSError as error:
            raise _no_answer(error) from None
        try:
            yield Answer(reading)
        except BaseException:
            connection.close()
            raise
        if reading.may_be_kept:
            self._idle[origin].append((connection, time.monotonic()))
        else:
            connection.close()

    def close(self) -> None:
        """Close the connections that are idle."""
        for kept in self._idle.values():
            while kept:
                kept.pop()[0].close()

    def _asked(self, origin: Origin, head: bytes, body: bytes | Iterable[bytes]) -> tuple[socket.socket, "_Reading"]:
        while isinstance(body, bytes) and (kept := self._kept(origin)):
            # The other side may have ended it meanwhile: then the same goes out anew.
            try:
                return kept, self._answered(kept, head, body)
            except (OSError, ViUnreachable) as error:
                kept.close()
                if isinstance(error, TimeoutError):
                    raise
        fresh = self._connected(origin)
        try:
            return fresh, self._answered(fresh, head, body)
        except BaseException:
            fresh.close()
            raise

    def _answered(self, connection: socket.socket, head: bytes, body: bytes | Iterable[bytes]) -> "_Reading":
        if isinstance(body, bytes):
            connection.sendall(head + body)
        else:
            connection.sendall(head)
            try:
                for piece in body:
                    connection.sendall(piece)
            except (BrokenPipeError, ConnectionResetError):
                pass  # who refuses a file need not hear it to its end: the answer says why
        reading = _Reading(connection)
        reading.until_head()
        return reading

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
        connection = socket.create_connection((host, port), timeout=CONNECT_SECONDS)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if scheme == "https":
                connection = self._tls.wrap_socket(connection, server_hostname=host)
            connection.settimeout(self._read_seconds)
        except BaseException:
            connection.close()
            raise
        return connection


class _Reading:
    """An answer on its way: what llhttp makes of the bytes that come."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._parser = httptools.HttpResponseParser(self)
        self._pieces: list[bytes] = []
        self._headed = False
        self._whole = False
        self._delimited = False
        self._keeps_alive = False
        self.headers: dict[str, str] = {}
        self.status = 0

    @property
    def may_be_kept(self) -> bool:
        """Whether the connection is good for another request."""
        return self._whole and self._keeps_alive

    def until_head(self) -> None:
        """Read until the head is there; raises `ViUnreachable`."""
        while not self._headed:
            self._read()

    def pieces(self) -> Iterator[bytes]:
        """Yield the body as it comes."""
        while True:
            yield from self._pieces
            self._pieces.clear()
            if self._whole:
                return
            self._read()

    def _read(self) -> None:
        try:
            came = self._connection.recv(_READ_BYTES)
            if came:
                self._parser.feed_data(came)
            elif self._headed and not self._delimited:
                self._whole = True  # it ends with the connection
            else:
                raise ViUnreachable("The answer was cut short.")
        except OSError as error:
            raise _no_answer(error) from None
        except httptools.HttpParserError as error:
            raise ViUnreachable(f"What came is no answer ({type(error).__name__}).") from None

    # what llhttp tells ------------------------------------------------------------

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        self._headed = self.status >= _INFORMATION
        self._delimited = "content-length" in self.headers or "transfer-encoding" in self.headers

    def on_body(self, piece: bytes) -> None:
        self._pieces.append(piece)

    def on_message_complete(self) -> None:
        if self._headed:
            self._whole, self._keeps_alive = True, self._parser.should_keep_alive()
        else:
            self.headers.clear()


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        known = parts.scheme in _PORTS and parts.hostname and url.isascii() and url.isprintable() and parts.port != 0
    except ValueError:
        known = False
    if not known or " " in url:
        raise ViRefused("The address that Vi gave for a file is none that can be asked.")
    return parts


def _head(method: str, parts: SplitResult, headers: Mapping[str, str]) -> bytes:
    path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    lines = [f"{method} {path} HTTP/1.1", f"host: {parts.netloc.rpartition('@')[2]}"]
    lines += [f"{name}: {value}" for name, value in headers.items() if name.lower() != "host"]
    if any("\r" in line or "\n" in line for line in lines):
        raise ViRefused("A header that Vi asked for is none that can be sent.")
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")


def _no_answer(error: OSError) -> ViUnreachable:
    return ViUnreachable(f"No whole answer came from where the file is ({type(error).__name__}).")
