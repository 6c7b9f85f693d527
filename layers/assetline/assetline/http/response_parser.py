"""Parses an HTTP/1.1 response with llhttp while it arrives over a socket."""

import socket
import time
from collections.abc import Iterator

import httptools

_READ_BYTES = 64 * 1024
_INFORMATION = 200  # lower statuses announce that the final answer follows
_LENGTHS = frozenset({b"content-length", b"transfer-encoding"})


class NotAnswered(Exception):  # noqa: N818
    """The bytes received are not a complete HTTP response. No message quotes them."""


class ResponseParser:
    """The response to a request on *connection*; `fields` keep their order, with names in lower case."""

    def __init__(self, connection: socket.socket) -> None:
        self.status = 0
        self.fields: list[tuple[bytes, bytes]] = []
        self._connection = connection
        self._parser = httptools.HttpResponseParser(self)
        self._pieces: list[bytes] = []
        self._complete = False
        self._keeps_alive = False
        self._stall_seconds: float | None = None
        self._until: float | None = None

    @property
    def may_be_kept(self) -> bool:
        """Whether the connection can be reused for another request."""
        return self._complete and self._keeps_alive

    def limit(self, stall_seconds: float | None, until: float | None) -> None:
        """Wait at most *stall_seconds* for each read, and not longer than the moment *until*."""
        self._stall_seconds, self._until = stall_seconds, until

    def until_head(self) -> None:
        """Read until the head is complete. Raise `NotAnswered` or `OSError`."""
        while self.status < _INFORMATION:
            self._read()

    def pieces(self) -> Iterator[bytes]:
        """Yield the body as it arrives. Raise `NotAnswered` if it ends early, or `OSError`."""
        while True:
            yield from self._pieces
            self._pieces.clear()
            if self._complete:
                return
            self._read()

    def _read(self) -> None:
        if self._until is not None:
            left = self._until - time.monotonic()
            if left <= 0:
                raise TimeoutError("The answer was not complete in time.")
            self._connection.settimeout(left if self._stall_seconds is None else min(left, self._stall_seconds))
        came = self._connection.recv(_READ_BYTES)
        if came:
            try:
                self._parser.feed_data(came)
            except httptools.HttpParserError as error:
                raise NotAnswered(f"The bytes received are not an HTTP response ({type(error).__name__}).") from None
        elif self.status >= _INFORMATION and _LENGTHS.isdisjoint(name for name, _ in self.fields):
            self._complete = True  # the connection ends the body
        else:
            raise NotAnswered("The answer was cut short.")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Store a header; llhttp calls this method and those below."""
        self.fields.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Store the status when the head is complete."""
        self.status = self._parser.get_status_code()

    def on_body(self, piece: bytes) -> None:
        """Store a piece of the body."""
        self._pieces.append(piece)

    def on_message_complete(self) -> None:
        """Note the end of a response; after an informational one, the final one begins."""
        if self.status >= _INFORMATION:
            self._complete, self._keeps_alive = True, self._parser.should_keep_alive()
        else:
            self.status = 0
            self.fields.clear()
