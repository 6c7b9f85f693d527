"""The emulated Vi without a socket: a request of the clients of Vi is answered in the thread that makes it.

The clients build their requests and read the answers as ever; what lies between them and a socket is tested elsewhere.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx
import pytest
from starlette.types import Message

from assetline.errors import ViUnreachable
from assetline.http.response_parser import NotAnswered
from assetline.http.signed_url_door import check_headers, checked_parts
from assetline.http.signed_url_requests import Answer, SignedRequests
from assetline.vi.client import ViClient
from local.emulators.vi.app import emulator
from local.emulators.vi.scenario import ViScenario
from local.emulators.vi.server import ViEmulator
from local.emulators.vi.stage import ViStage
from local.emulators.wire import RESET

URL = "http://127.0.0.1:9"


@dataclass
class Exchange:
    """A request to the emulator, and the answer as far as it came; `is_reset` is set if the connection was reset."""

    body: bytes
    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    answer: bytes = b""
    is_reset: bool = False

    @property
    def fields(self) -> list[tuple[bytes, bytes]]:
        """The headers of the answer, as `ResponseParser` has them."""
        return self.headers

    def pieces(self) -> Iterator[bytes]:
        """Yield the body of the answer; raise `NotAnswered` when it ends early."""
        if self.answer:
            yield self.answer
        lengths = [int(value) for name, value in self.headers if name == b"content-length"]
        if lengths and lengths[0] != len(self.answer):
            raise NotAnswered("The answer ended early.")

    async def receive(self) -> Message:
        """Give the application the body of the request."""
        return {"type": "http.request", "body": self.body, "more_body": False}

    async def send(self, message: Message) -> None:
        """Take a part of the answer."""
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], [*message["headers"]]
        else:
            self.answer += message.get("body", b"")

    def reset(self) -> None:
        """Reset the connection: no answer arrives."""
        self.is_reset = True


class ViInProcess(httpx.BaseTransport):
    """Answers requests with the emulator's application; `call` is called before each of them."""

    def __init__(self, stage: ViStage, call: Callable[[str], None]) -> None:
        self._application = emulator(stage)
        self._call = call
        self._loop = asyncio.new_event_loop()

    def exchange(self, method: str, url: str, headers: list[tuple[bytes, bytes]], body: bytes) -> Exchange:
        """Return the exchange of a request."""
        parts = urlsplit(url)
        exchange = Exchange(body)
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": parts.scheme,
            "path": unquote(parts.path),
            "raw_path": parts.path.encode(),
            "query_string": parts.query.encode(),
            "root_path": "",
            "headers": [(name.lower(), value) for name, value in headers],
            "server": (parts.hostname, parts.port),
            "client": ("127.0.0.1", 1),
            "extensions": {RESET: exchange.reset},
        }
        self._loop.run_until_complete(self._application(scope, exchange.receive, exchange.send))
        return exchange

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of `ViClient`."""
        self._call(f"Vi {request.method} {request.url.path[-40:]}")
        exchange = self.exchange(request.method, str(request.url), request.headers.raw, request.read())
        if exchange.is_reset:
            raise httpx.ReadError("The connection was reset.", request=request)
        stream = httpx.ByteStream(exchange.answer)
        return httpx.Response(exchange.status, headers=exchange.headers, stream=stream, request=request)

    @contextmanager
    def answer_signed(self, method: str, url: str, headers: dict[str, str], body: Any = b"") -> Iterator[Answer]:
        """Answer a request to a signed URL, as `SignedRequests.sent` does."""
        self._call(f"{method} a file of Vi")
        checked_parts(url)
        check_headers(headers)
        content = body if isinstance(body, bytes) else b"".join(body)
        fields = [(b"host", urlsplit(url).netloc.encode())]
        fields += [(name.encode(), value.encode()) for name, value in headers.items()]
        exchange = self.exchange(method, url, fields, content)
        if exchange.is_reset:
            raise ViUnreachable("The connection was reset.")
        arriving: Any = exchange
        yield Answer(arriving)

    def take_requests(self, client: ViClient, patch: pytest.MonkeyPatch) -> None:
        """Answer the requests of a client, and all requests to signed URLs, from now on."""
        patch.setattr(client, "_transport", self)
        patch.setattr(client._http, "_transport", self)
        patch.setattr(SignedRequests, "sent", self.answer_signed)

    def close(self) -> None:
        """Close the loop of the application."""
        self._loop.close()


@contextmanager
def vi_in_process(call: Callable[[str], None]) -> Iterator[tuple[ViEmulator, ViInProcess]]:
    """Give out an emulated Vi, and the transport that leads to it."""
    stage = ViStage(ViScenario(), looks_into_files=False)
    transport = ViInProcess(stage, call)
    try:
        yield ViEmulator(URL, stage), transport
    finally:
        transport.close()
        stage.close()
