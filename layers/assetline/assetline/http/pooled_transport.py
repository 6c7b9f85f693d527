"""A transport to one origin over pooled connections, with little delay between a page and the next request.

An export waits for this delay once per page. The general client of httpx adds half a millisecond, and the standard
library a fifth of one to read a head. So this module is an httpx transport over sockets, and llhttp parses the answers.
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
from assetline.http.idle_connections import IdleConnections, prepared
from assetline.http.response_parser import NotAnswered, ResponseParser

_SENT_OVER = "sent_over"  # extension of a sent request: the connection that its answer arrives on
ANSWER_SECONDS = "answer_seconds"  # extension of a request: the limit of the time for its complete answer
_PORTS = {"http": 80, "https": 443}
_LONGEST = 900.0  # Lambda: no invocation lasts longer


def transport_to(origin: httpx.URL, idle_seconds: float) -> httpx.BaseTransport:
    """Return the transport to *origin*, through the proxy of the environment if one applies."""
    proxy = getproxies().get(origin.scheme)
    if proxy and not proxy_bypass(origin.host):
        return httpx.HTTPTransport(proxy=proxy, limits=httpx.Limits(keepalive_expiry=idle_seconds))
    return KeptConnections(origin, idle_seconds)


class KeptConnections(httpx.BaseTransport):
    """Connections to *origin*, reused unless idle for *idle_seconds*. It is thread-safe."""

    def __init__(self, origin: httpx.URL, idle_seconds: float) -> None:
        self._origin = origin
        self._tls = httpx.create_ssl_context() if origin.scheme == "https" else None
        self._idle = IdleConnections(idle_seconds)

    def send_ahead(self, request: httpx.Request) -> None:
        """Send *request* now if a connection is idle; `handle_request` then only waits for the answer.

        The caller must handle a request that it sent ahead. The method raises nothing: if the request cannot be sent
        now, `handle_request` sends it.
        """
        if connection := self._kept():
            with suppress(httpx.TransportError):
                _send(connection, request)
                request.extensions[_SENT_OVER] = connection

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send *request* to the origin and return the answer; its body is still arriving.

        The head must arrive within the read timeout, and the complete answer within `ANSWER_SECONDS` of the request's
        extensions.

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
        """Close the idle connections."""
        self._idle.close()

    def _kept(self) -> socket.socket | None:
        """Return an idle connection that is still usable."""
        while connection := self._idle.take():
            # If a connection is readable without a request, the other side has closed it.
            if not _readable(connection):
                return connection
            connection.close()
        return None

    def _connected(self, timeout: float | None) -> socket.socket:
        host, port = self._origin.host, self._origin.port or _PORTS[self._origin.scheme]
        with _translated(httpx.ConnectTimeout, httpx.ConnectError):
            return prepared(socket.create_connection((host, port), timeout=timeout), self._tls, host)

    def _give_back(self, connection: socket.socket, *, good: bool) -> None:
        if good:
            self._idle.keep(connection)
        else:
            connection.close()


class _Body(httpx.SyncByteStream):
    """The body of an answer while it arrives; closing it returns the connection to the pool."""

    def __init__(self, arriving: ResponseParser, give_back: Callable[[bool], None]) -> None:
        self._arriving = arriving
        self._give_back = give_back

    def __iter__(self) -> Iterator[bytes]:
        with _translated(httpx.ReadTimeout, httpx.ReadError):
            yield from self._arriving.pieces()

    def close(self) -> None:
        self._give_back(self._arriving.may_be_kept)


def _send(connection: socket.socket, request: httpx.Request) -> None:
    """Send *request*; close the connection if that fails."""
    lines = [b"%b %b HTTP/1.1" % (request.method.encode(), request.url.raw_path)]
    lines += [b"%b: %b" % field for field in request.headers.raw]
    try:
        if any(b"\r" in line or b"\n" in line for line in lines):
            raise httpx.LocalProtocolError("a header contains a line break")  # noqa: TRY301 - closes the connection
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
    """Translate exceptions of the standard library into those of httpx."""
    try:
        yield
    except TimeoutError as error:
        raise too_slow(str(error)) from error
    except (NotAnswered, ssl.SSLEOFError) as error:
        raise httpx.RemoteProtocolError(str(error)) from error
    except OSError as error:
        raise broken(str(error)) from error
