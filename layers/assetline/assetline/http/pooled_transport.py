"""A transport to one origin: over connections that are kept, with little between a page and the next request.

What lies between the bytes of one page and the request for the next is waited for once a page. The general client of
httpx takes half a millisecond for it, and the standard library a fifth of one to read a head; so this is a transport of
httpx over sockets, and llhttp reads what comes.
"""

import select
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from urllib.request import getproxies, proxy_bypass

import httpx

from assetline.http.body_pace import WINDOW_SECONDS
from assetline.http.response_parser import NotAnswered, ResponseParser

_SENT_OVER = "sent_over"  # the extension of a request that has left: the connection its answer comes on
ANSWER_SECONDS = "answer_seconds"  # the extension of a request that bounds the time its whole answer may take
_PORTS = {"http": 80, "https": 443}
_LONGEST = 900.0  # Lambda: no invocation lasts longer


def transport_to(origin: httpx.URL, idle_seconds: float) -> httpx.BaseTransport:
    """Return the transport to *origin*, through the environment's proxy if there is one for it."""
    proxy = getproxies().get(origin.scheme)
    if proxy and not proxy_bypass(origin.host):
        return httpx.HTTPTransport(proxy=proxy, limits=httpx.Limits(keepalive_expiry=idle_seconds))
    return KeptConnections(origin, idle_seconds)


class KeptConnections(httpx.BaseTransport):
    """Connections to *origin*, each used again unless it was idle for *idle_seconds*; threads may share them."""

    def __init__(self, origin: httpx.URL, idle_seconds: float) -> None:
        self._origin = origin
        self._idle_seconds = idle_seconds
        self._tls = httpx.create_ssl_context() if origin.scheme == "https" else None
        self._idle: list[tuple[socket.socket, float]] = []  # the last is the one used last

    def send_ahead(self, request: httpx.Request) -> None:
        """Send *request* now if a connection is open for it; `handle_request` of it then waits for the answer alone.

        Whoever sends a request ahead has to handle it. Nothing is raised: what cannot leave now, leaves then.
        """
        if connection := self._kept():
            with suppress(httpx.TransportError):
                _send(connection, request)
                request.extensions[_SENT_OVER] = connection

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send *request*, which is one to the origin, and return the answer, its body still on the way.

        The head has to come within the read timeout, and all of it within `ANSWER_SECONDS` of the request's extensions.

        Raises:
            httpx.TransportError: no answer.
        """
        timeout: dict[str, float | None] = request.extensions["timeout"]
        began, seconds = time.monotonic(), request.extensions.get(ANSWER_SECONDS, _LONGEST)
        connection: socket.socket | None = request.extensions.pop(_SENT_OVER, None)
        if connection is None:
            connection = self._kept() or self._connected(timeout["connect"])
            _send(connection, request)
        try:
            with _translated(httpx.ReadTimeout, httpx.ReadError):
                arriving = ResponseParser(connection)
                read, until = timeout["read"] or _LONGEST, began + seconds
                arriving.limit(None, min(until, time.monotonic() + read))
                arriving.until_head()
                arriving.limit(min(read, WINDOW_SECONDS), until)
        except BaseException:
            connection.close()
            raise
        body = _Body(arriving, lambda good: self._give_back(connection, good=good))
        return httpx.Response(arriving.status, headers=arriving.fields, stream=body)

    def close(self) -> None:
        """Close the connections that are idle."""
        while kept := self._popped():
            kept[0].close()

    def _kept(self) -> socket.socket | None:
        """Return an idle connection that is still good."""
        while kept := self._popped():
            connection, since = kept
            # One that has something to read, though nothing was asked, was ended by the other side.
            if time.monotonic() - since < self._idle_seconds and not _readable(connection):
                return connection
            connection.close()
        return None

    def _popped(self) -> tuple[socket.socket, float] | None:
        try:
            return self._idle.pop()
        except IndexError:  # to look first would be to look while another thread takes the last
            return None

    def _connected(self, timeout: float | None) -> socket.socket:
        host, port = self._origin.host, self._origin.port or _PORTS[self._origin.scheme]
        with _translated(httpx.ConnectTimeout, httpx.ConnectError):
            connection = socket.create_connection((host, port), timeout=timeout)
            try:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self._tls is not None:
                    connection = self._tls.wrap_socket(connection, server_hostname=host)
            except BaseException:
                connection.close()
                raise
        return connection

    def _give_back(self, connection: socket.socket, *, good: bool) -> None:
        if good:
            self._idle.append((connection, time.monotonic()))
        else:
            connection.close()


class _Body(httpx.SyncByteStream):
    """The body of an answer as it comes; the connection is given back when it is closed."""

    def __init__(self, arriving: ResponseParser, give_back: Callable[[bool], None]) -> None:
        self._arriving = arriving
        self._give_back = give_back

    def __iter__(self) -> Iterator[bytes]:
        with _translated(httpx.ReadTimeout, httpx.ReadError):
            yield from self._arriving.pieces()

    def close(self) -> None:
        self._give_back(self._arriving.may_be_kept)


def _send(connection: socket.socket, request: httpx.Request) -> None:
    """Send *request*; a connection on which that fails is closed."""
    lines = [b"%b %b HTTP/1.1" % (request.method.encode(), request.url.raw_path)]
    lines += [b"%b: %b" % field for field in request.headers.raw]
    try:
        if any(b"\r" in line or b"\n" in line for line in lines):
            raise httpx.LocalProtocolError("a header is none that can be sent")  # noqa: TRY301 - as what cannot leave
        with _translated(httpx.WriteTimeout, httpx.WriteError):
            connection.settimeout(request.extensions["timeout"]["write"])
            connection.sendall(b"\r\n".join([*lines, b"", request.content]))
    except BaseException:
        connection.close()
        raise


def _readable(connected: socket.socket) -> bool:
    waiting = select.poll()
    waiting.register(connected, select.POLLIN)
    return bool(waiting.poll(0))


@contextmanager
def _translated(too_slow: type[httpx.TimeoutException], broken: type[httpx.NetworkError]) -> Iterator[None]:
    """Raise what the standard library raises in httpx's words."""
    try:
        yield
    except TimeoutError as error:
        raise too_slow(str(error)) from error
    except (NotAnswered, ssl.SSLEOFError) as error:
        raise httpx.RemoteProtocolError(str(error)) from error
    except OSError as error:
        raise broken(str(error)) from error
