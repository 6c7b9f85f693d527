"""Ingestion sessions and multipart uploads of the emulated Vi.

Source: docs/contracts/vi-api.md, section 2, rows 15 to 22 and 27.
"""

import math
from itertools import islice
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from local.emulators.vi.answers import multipart_answer, session_answer
from local.emulators.vi.objects import part_path
from local.emulators.vi.refusals import Refused, body_of, dataset_of, origin_of, page_size_of
from local.emulators.vi.scenario import FileError, LostAnswer, RefusedEntry, SessionFails
from local.emulators.vi.sessions import EmulatedSession, Entry
from local.emulators.vi.stage import Multipart, ViStage
from local.emulators.wire import RESET, JsonResponse

LARGEST = 5000
RETENTIONS = ("RemoveLinkedResource", "KeepLinkedResource", "KeepLinkedResources")  # the last one as answers spell it


class SessionsApi:
    """The endpoints."""

    def __init__(self, stage: ViStage) -> None:
        self._stage = stage

    async def create(self, request: Request) -> Response:
        """Open a session, if the session quota allows it."""
        dataset = dataset_of(request, self._stage)
        spec = (await body_of(request)).get("spec", {})
        entries = [_entry(asset) for asset in spec.get("assets", [])]
        if spec.get("onAssetOverwritten") not in RETENTIONS:
            raise Refused(400, f"spec.onAssetOverwritten must be one of {', '.join(RETENTIONS)}")
        if len(entries) > LARGEST:
            raise Refused(400, f"A session has at most {LARGEST} assets")
        for entry in entries:
            if refused := self._stage.struck(RefusedEntry, entry.filename):
                raise Refused(refused.status, refused.message)
        seconds = self._stage.seconds_to_wait()
        if seconds:
            raise Refused(429, "Too many sessions", {"retry-after": str(math.ceil(seconds))})
        fails = self._stage.struck(SessionFails)
        session = EmulatedSession(
            f"session-{self._stage.number()}",
            dataset,
            entries,
            spec.get("failureMode", ""),
            spec.get("onAssetOverwritten", ""),
            self._stage.scenario.finish_seconds,
            self._stage.scenario.session_seconds,
            fails_for=fails.reason if fails else "",
            looks_into_files=self._stage.looks_into_files,
        )
        self._stage.sessions[session.session_id] = session
        if self._stage.struck(LostAnswer):
            request.scope["extensions"][RESET]()
            return Response(status_code=500)
        return JsonResponse(session_answer(self._stage, session, origin_of(request), created=True))

    async def listed(self, request: Request) -> Response:
        """List the sessions of a dataset, the newest first."""
        dataset = dataset_of(request, self._stage)
        if not self._stage.scenario.lists_sessions:
            raise Refused(404, "Not found")
        size = page_size_of(request, self._stage)
        newest = reversed([session for session in self._stage.sessions.values() if session.dataset is dataset])
        items = [session_answer(self._stage, session, origin_of(request)) for session in islice(newest, size)]
        return JsonResponse({"items": items, "nextPage": None, "prevPage": None})

    async def get(self, request: Request) -> Response:
        """Return the progress of a session."""
        return JsonResponse(session_answer(self._stage, self._session(request), origin_of(request)))

    async def cancel(self, request: Request) -> Response:
        """End a session."""
        self._session(request).cancel()
        return Response(status_code=204)

    async def open_multipart(self, request: Request) -> Response:
        """Open a multipart upload, and return the number of its parts."""
        dataset = dataset_of(request, self._stage)
        spec = (await body_of(request)).get("spec", {})
        found = [
            session
            for session in self._stage.sessions.values()
            if session.ingestion_id == spec.get("ingestionId") and session.dataset is dataset
        ]
        if not found:
            raise Refused(404, "Ingestion not found")
        size = int(spec["sizeBytes"])
        parts = max(1, math.ceil(size / self._stage.scenario.part_bytes))
        upload = Multipart(found[0], spec["filename"], size, parts, {}, set())
        upload_id = f"multipart-{self._stage.number()}"
        self._stage.multiparts[upload_id] = upload
        return JsonResponse(multipart_answer(self._stage, upload_id, upload, spec.get("contentType", "")))

    async def part(self, request: Request) -> Response:
        """Return the upload URL of a part."""
        upload_id, number = self._part(request)
        path, expiry = self._stage.signer.signed("PUT", part_path(upload_id, number), self._stage.scenario.url_seconds)
        return JsonResponse(
            {
                "method": "PUT",
                "url": origin_of(request) + path,
                "expiry": expiry,
                "responseHeaders": ["ETag"],
                "responseBody": False,
                "headers": {},
            }
        )

    async def part_done(self, request: Request) -> Response:
        """Mark a part as uploaded."""
        upload_id, number = self._part(request)
        upload = self._stage.multiparts[upload_id]
        headers = (await body_of(request)).get("responseHeaders", {})
        content = upload.received.get(number)
        if content is None or headers.get("ETag", "").strip('"') != f"{content.crc32c:08x}":
            raise Refused(400, "The part has not come, or is another")
        upload.done.add(number)
        return Response(status_code=204)

    async def complete_multipart(self, request: Request) -> Response:
        """Join the parts."""
        upload = self._stage.multiparts.pop(request.path_params["upload"], None)
        if upload is None:
            raise Refused(404, "Multipart upload not found")
        if upload.done != set(range(1, upload.parts + 1)):
            raise Refused(400, "Parts are missing")
        content = self._stage.content()
        for number in range(1, upload.parts + 1):
            content.append(upload.received[number].read())
        entry = next(file for file in upload.session.entries if file.filename == upload.filename)
        error = self._stage.struck(FileError, entry.filename)
        upload.session.take(entry, content, error.code if error else "")
        return Response(status_code=204)

    async def abort_multipart(self, request: Request) -> Response:
        """Delete the parts."""
        self._stage.multiparts.pop(request.path_params["upload"], None)
        return Response(status_code=204)

    def _session(self, request: Request) -> EmulatedSession:
        dataset = dataset_of(request, self._stage)
        session = self._stage.sessions.get(request.path_params["session"])
        if session is None or session.dataset is not dataset:
            raise Refused(404, "Session not found")
        return session

    def _part(self, request: Request) -> tuple[str, int]:
        upload_id, number = request.path_params["upload"], int(request.path_params["number"])
        upload = self._stage.multiparts.get(upload_id)
        if upload is None or not 1 <= number <= upload.parts:
            raise Refused(404, "Multipart upload not found")
        return upload_id, number


def _entry(asset: dict[str, Any]) -> Entry:
    try:
        return Entry(
            str(asset["filename"]),
            str(asset["mime"]),
            int(asset["size"]),
            asset.get("crc32c"),
            str(asset["kind"]),
            asset.get("customMetadata"),
        )
    except (KeyError, TypeError, ValueError):
        raise Refused(400, "An asset has filename, mime, size, crc32c and kind") from None
