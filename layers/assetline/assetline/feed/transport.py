"""How requests reach one origin: over connections that are kept, with little between a page and the next request.

What lies between the bytes of one page and the request for the next is waited for once a page. The general client of
httpx takes half a millisecond for it, the standard library's a tenth; so this is a transport of httpx over that.
"""

import http.client
import select
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from urllib.request import getproxies, proxy_bypass

import httpx

_SENT_OVER = "sent_over"  # the extension of a request that has left: the connection its answer comes on
_READ_BYTES = 64 * 1024


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
        self._idle: list[tuple[http.client.HTTPConnection, float]] = []  # the last is the one used last

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

        Raises:
            httpx.TransportError: no answer.
        """
        timeout: dict[str, float | None] = request.extensions["timeout"]
        connection: http.client.HTTPConnection | None = request.extensions.pop(_SENT_OVER, None)
        if connection is None:
            connection = self._kept() or self._connected(timeout["connect"])
            _send(connection, request)
        try:
            with _translated(httpx.ReadTimeout, httpx.ReadError):
                _socket_of(connection).settimeout(timeout["read"])
                answer = connection.getresponse()
        except BaseException:
            connection.close()
            raise
        body = _Body(answer, lambda whole: self._give_back(connection, whole=whole))
        return httpx.Response(answer.status, headers=answer.getheaders(), stream=body)

    def close(self) -> None:
        """Close the connections that are idle."""
        while kept := self._popped():
            kept[0].close()

    def _kept(self) -> http.client.HTTPConnection | None:
        """Return an idle connection that is still good."""
        while kept := self._popped():
            connection, since = kept
            # One that has something to read, though nothing was asked, was ended by the other side.
            if time.monotonic() - since < self._idle_seconds and not _readable(_socket_of(connection)):
                return connection
            connection.close()
        return None

    def _popped(self) -> tuple[http.client.HTTPConnection, float] | None:
        try:
            return self._idle.pop()
        except IndexError:  # to look first would be to look while another thread takes the last
            return None

    def _connected(self, timeout: float | None) -> http.client.HTTPConnection:
        host, port = self._origin.host, self._origin.port
        connection = (
            http.client.HTTPConnection(host, port, timeout=timeout)
            if self._tls is None
            else http.client.HTTPSConnection(host, port, timeout=timeout, context=self._tls)
        )
        with _translated(httpx.ConnectTimeout, httpx.ConnectError):
            connection.connect()
        return connection

    def _give_back(self, connection: http.client.HTTPConnection, *, whole: bool) -> None:
        if whole and connection.sock is not None:
            self._idle.append((connection, time.monotonic()))
        else:
            connection.close()


class _Body(httpx.SyncByteStream):
    """The body of an answer as it comes; the connection is given back when it is closed."""

    def __init__(self, answer: http.client.HTTPResponse, give_back: Callable[[bool], None]) -> None:
        self._answer = answer
        self._give_back = give_back
        self._whole = False

    def __iter__(self) -> Iterator[bytes]:
        with _translated(httpx.ReadTimeout, httpx.ReadError):
            while piece := self._answer.read1(_READ_BYTES):
                yield piece
            if self._answer.length:
                raise http.client.IncompleteRead(b"", self._answer.length)
        self._whole = True

    def close(self) -> None:
        self._answer.close()
        self._give_back(self._whole)


def _send(connection: http.client.HTTPConnection, request: httpx.Request) -> None:
    """Send *request*; a connection on which that fails is closed."""
    try:
        with _translated(httpx.WriteTimeout, httpx.WriteError):
            _socket_of(connection).settimeout(request.extensions["timeout"]["write"])
            connection.putrequest(
                request.method, request.url.raw_path.decode("ascii"), skip_host=True, skip_accept_encoding=True
            )
            for name, value in request.headers.raw:
                connection.putheader(name, value)
            connection.endheaders(request.content or None)
    except BaseException:
        connection.close()
        raise


def _socket_of(connection: http.client.HTTPConnection) -> socket.socket:
    open_socket: socket.socket | None = connection.sock
    if open_socket is None:
        raise httpx.WriteError("the connection is closed")
    return open_socket


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
    except (http.client.HTTPException, ssl.SSLEOFError) as error:
        raise httpx.RemoteProtocolError(str(error)) from error
    except OSError as error:
        raise broken(str(error)) from error
