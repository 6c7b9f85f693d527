"""The emulated object store behind signed URLs: plain ASGI, since it gets thousands of requests a minute."""

import asyncio
import base64
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, quote, unquote

from starlette.types import Message, Receive, Scope, Send

from local.emulators.vi.scenario import DamagedPut, DownloadFault, FileError, PutFault
from local.emulators.vi.signing import OBJECTS
from local.emulators.vi.stage import ViStage
from local.emulators.vi.store import StoredContent
from local.emulators.wire import RESET

type Headers = list[tuple[bytes, bytes]]


def upload_path(session_id: str, place: int) -> str:
    """Return the upload path of a file of a session."""
    return f"{OBJECTS}sessions/{session_id}/{place}"


def part_path(upload_id: str, number: int) -> str:
    """Return the upload path of a part."""
    return f"{OBJECTS}parts/{upload_id}/{number}"


def download_path(dataset_id: str, asset_id: str, filename: str) -> str:
    """Return the path of a file; its last segment is its name."""
    return f"{OBJECTS}assets/{dataset_id}/{asset_id}/{quote(filename, safe='')}"


class Objects:
    """Answers signed PUTs and GETs."""

    def __init__(self, stage: ViStage) -> None:
        self._stage = stage

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = scope["raw_path"].decode("ascii").partition("?")[0]
        query = parse_qs(scope["query_string"].decode("ascii"))
        [expires], [signature] = query.get("expires", [""]), query.get("signature", [""])
        method = scope["method"]
        if not self._stage.signer.allows(method, path, expires, signature):
            await _drain(receive)
            await _answer(send, 403, b"<Error><Code>AccessDenied</Code></Error>")
            return
        kind, *names = path.removeprefix(OBJECTS).split("/")
        if kind == "assets":
            await self._get(names[0], names[1], send)
        elif kind == "parts":
            await self._put_part(names[0], int(names[1]), receive, send)
        else:
            await self._put(names[0], int(names[1]), scope, receive, send)

    async def _put(self, session_id: str, place: int, scope: Scope, receive: Receive, send: Send) -> None:
        session = self._stage.sessions.get(session_id)
        if session is None:
            await _drain(receive)
            await _answer(send, 404)
            return
        entry = session.entries[place]
        fault = self._stage.struck(PutFault, entry.filename) if self._stage.scenario.faults else None
        if fault is not None and fault.status == 0:
            await receive()
            scope["extensions"][RESET]()
            return
        content = self._stage.content()
        async for piece in _pieces(receive):
            content.append(piece)
        if fault is not None:
            await _answer(send, fault.status)
            return
        if self._stage.scenario.faults and self._stage.struck(DamagedPut, entry.filename) is not None:
            content = self._damaged(content)
        error = self._stage.struck(FileError, entry.filename) if self._stage.scenario.faults else None
        session.take(entry, content, error.code if error else "")
        await _answer(send, 200, headers=_checksums(content))

    def _damaged(self, content: StoredContent) -> StoredContent:
        """Return content that differs in its last byte."""
        received, damaged = content.read(), self._stage.content()
        damaged.append(received[:-1] + bytes([received[-1] ^ 1]))
        return damaged

    async def _put_part(self, upload_id: str, number: int, receive: Receive, send: Send) -> None:
        upload = self._stage.multiparts.get(upload_id)
        if upload is None:
            await _drain(receive)
            await _answer(send, 404)
            return
        fault = self._stage.struck(PutFault, upload.filename)
        content = self._stage.content()
        async for piece in _pieces(receive):
            content.append(piece)
        if fault is not None:
            await _answer(send, fault.status or 503)
            return
        upload.received[number] = content
        await _answer(send, 200, headers=_checksums(content))

    async def _get(self, dataset_id: str, asset_id: str, send: Send) -> None:
        asset = self._stage.datasets[dataset_id].assets.get(unquote(asset_id))
        if asset is None:
            await _answer(send, 404)
            return
        fault = self._stage.struck(DownloadFault, asset.filename) if self._stage.scenario.faults else None
        if fault is not None and fault.what in {"expired", "status"}:
            await _answer(send, 403 if fault.what == "expired" else fault.status)
            return
        body = asset.content.read()
        length = len(body)
        if fault is not None:
            body = body[: length // 2] if fault.what == "short" else bytes(length)
        headers = [(b"content-type", asset.mime.encode()), (b"content-length", str(length).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        await asyncio.sleep(0)


def _checksums(content: StoredContent) -> Headers:
    """Return the headers of Google Cloud Storage for a stored object, except the MD5, which is a separate header."""
    digest = base64.b64encode(content.crc32c.to_bytes(4))
    return [(b"etag", f'"{content.crc32c:08x}"'.encode()), (b"x-goog-hash", b"crc32c=" + digest)]


async def _pieces(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError("the client closed the connection half-way")
        if piece := message.get("body"):
            yield piece
        if not message.get("more_body"):
            return


async def _drain(receive: Receive) -> None:
    while (await receive()).get("more_body"):
        pass


async def _answer(send: Send, status: int, body: bytes = b"", headers: Headers | None = None) -> None:
    sent = [(b"content-length", str(len(body)).encode()), *(headers or [])]
    await send({"type": "http.response.start", "status": status, "headers": sent})
    await send({"type": "http.response.body", "body": body})
