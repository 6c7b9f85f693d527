"""Answers on the wire: paced, compressed, or cut off.

Starlette's responses send a complete body at once; these send a feed's body in other ways.
"""

import asyncio
import gzip
import socket
import struct
from collections.abc import AsyncIterator, Callable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from uvicorn.protocols.http.h11_impl import H11Protocol

RESET = "assetline.reset"  # the ASGI extension by which an answer can reset its connection

_GZIP_LEVEL = 1  # half the time of zlib's default for a quarter more bytes
_PIECE_SECONDS = 0.02
_TIMER_SECONDS = 0.001  # the resolution of epoll, which rounds up
_ARRIVAL_SECONDS = 0.02  # time for the sent bytes to reach the client's socket before the reset

# google.rpc.Code of the statuses that the API answers with; the default error body (contract, Errors).
_RPC_CODES = {400: 3, 401: 16, 403: 7, 404: 5, 405: 12, 422: 3, 429: 8, 500: 13}


class JsonResponse(Response):
    """Rendered with orjson."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Return *content* as JSON."""
        return orjson.dumps(content)


def refusal(status: int, message: str, headers: dict[str, str] | None = None) -> JsonResponse:
    """Return an answer whose body is a google.rpc.Status."""
    body = {"code": _RPC_CODES.get(status, 2), "message": message, "details": []}
    return JsonResponse(body, status_code=status, headers=headers)


def json_body(request: Request, body: bytes, *, seconds: float = 0.0, reset: bool = False) -> Response:
    """Return an answer of JSON already rendered, which takes *seconds* from its first byte to its last.

    It is compressed when *request* accepts that. With *reset* only half of it is sent; then the connection is reset.
    """
    headers = {"vary": "accept-encoding"}
    if _accepts_gzip(request):
        body = gzip.compress(body, _GZIP_LEVEL, mtime=0)
        headers["content-encoding"] = "gzip"
    if not seconds and not reset:
        return Response(body, headers=headers, media_type="application/json")
    headers["content-length"] = str(len(body))
    pieces = _reset_half_way(request, body, seconds) if reset else _paced(body, seconds)
    return StreamingResponse(pieces, headers=headers, media_type="application/json")


async def _paced(body: bytes, seconds: float) -> AsyncIterator[bytes]:
    intervals = max(1, round(seconds / _PIECE_SECONDS)) if seconds else 0
    size = -(-len(body) // (intervals + 1))
    begun = asyncio.get_running_loop().time()
    yield body[:size]
    for number in range(1, intervals + 1):
        await sleep_until(begun + seconds * number / intervals)
        yield body[number * size : (number + 1) * size]


async def _reset_half_way(request: Request, body: bytes, seconds: float) -> AsyncIterator[bytes]:
    async for piece in _paced(body[: len(body) // 2], seconds / 2):
        yield piece
    await asyncio.sleep(_ARRIVAL_SECONDS)
    request.scope["extensions"][RESET]()
    await asyncio.sleep(0)  # the server detects the loss before this answer ends incomplete


async def sleep_until(moment: float) -> None:
    """Return at *moment* of the running loop's clock, or at once when that has passed.

    The loop's own timers are up to a millisecond late, too much for a page of fifty milliseconds.
    """
    loop = asyncio.get_running_loop()
    pause = moment - loop.time() - _TIMER_SECONDS
    if pause > 0:
        await asyncio.sleep(pause)
    while loop.time() < moment:
        await asyncio.sleep(0)


class ResettableProtocol(H11Protocol):
    """uvicorn's HTTP protocol, which lets the application reset the connection: ASGI has no message for that."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's own
        """Provide the reset of this connection to its requests."""
        super().connection_made(transport)
        application = self.app

        async def with_reset(scope: Any, receive: Any, send: Any) -> None:
            scope["extensions"] = {RESET: _reset_of(transport)}
            await application(scope, receive, send)

        self.app = with_reset


def _reset_of(transport: asyncio.Transport) -> Callable[[], None]:
    def reset() -> None:
        # Lingering for zero seconds makes a socket close with RST instead of FIN.
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()

    return reset


def _accepts_gzip(request: Request) -> bool:
    codings = [coding.replace(" ", "").lower() for coding in request.headers.get("accept-encoding", "").split(",")]
    return any(coding.split(";")[0] == "gzip" and not coding.endswith((";q=0", ";q=0.0")) for coding in codings)
