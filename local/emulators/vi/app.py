"""The emulated Vi API as an ASGI application (docs/contracts/vi-api.md, section 2).

Paths below `/_emulator/` control the emulator.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from local.emulators.vi.api_assets import AssetsApi
from local.emulators.vi.api_datasets import DatasetsApi
from local.emulators.vi.api_deletions import DeletionsApi, carry_out
from local.emulators.vi.api_folders import FoldersApi
from local.emulators.vi.api_sessions import SessionsApi
from local.emulators.vi.api_sources import SourcesApi
from local.emulators.vi.objects import Objects
from local.emulators.vi.refusals import Refused, refusal
from local.emulators.vi.scenario import ApiFault, ViScenario
from local.emulators.vi.signing import OBJECTS
from local.emulators.vi.stage import AnsweredRequest, ViStage
from local.emulators.wire import JsonResponse, sleep_until

CONTROL = "/_emulator/"
DATASET = "/workspaces/{org}/datasets/{dataset}"
SOURCE = f"{DATASET}/assetSources/managed/datature/default"
MANAGED_SOURCE = f"{DATASET}/assetSources/{{source_class}}/{{provider}}/{{source}}"

type Endpoint = Callable[[Request], Awaitable[Response]]


def emulator(stage: ViStage) -> ASGIApp:
    """Return the application that plays the scenario of *stage*."""
    sessions, assets, datasets, control = SessionsApi(stage), AssetsApi(stage), DatasetsApi(stage), _ViControl(stage)
    deletions, sources, folders = DeletionsApi(stage), SourcesApi(stage, assets), FoldersApi(stage, assets)
    routes: list[tuple[str, str, Endpoint]] = [
        ("GET", "/workspaces", datasets.organizations),
        ("GET", "/workspaces/{org}", datasets.organization),
        ("GET", "/workspaces/{org}/datasets", datasets.listed),
        ("GET", "/workspaces/{org}/simpleDatasets", datasets.list_simple),
        ("POST", "/workspaces/{org}/datasets", datasets.create),
        ("GET", DATASET, datasets.get),
        ("PATCH", DATASET, datasets.update),
        ("DELETE", DATASET, datasets.delete),
        ("GET", f"{DATASET}/assetSources", sources.listed),
        ("GET", MANAGED_SOURCE, sources.get),
        ("GET", f"{MANAGED_SOURCE}/sample", sources.sample),
        ("DELETE", MANAGED_SOURCE, sources.delete),
        ("GET", f"{DATASET}/folders", folders.listed),
        ("DELETE", f"{DATASET}/folders", folders.delete_all),
        ("GET", f"{DATASET}/folders/{{folder:path}}", folders.get),
        ("PUT", f"{DATASET}/folders/{{folder:path}}", folders.put),
        ("DELETE", f"{DATASET}/folders/{{folder:path}}", folders.delete),
        ("GET", f"{DATASET}/assetsWithObjects", assets.listed_with_objects),
        ("GET", f"{DATASET}/assetsWithObjects/{{asset}}", assets.get_with_objects),
        ("GET", f"{DATASET}/assets", assets.listed),
        ("GET", f"{DATASET}/assets:count", assets.count),
        ("GET", f"{DATASET}/assets/{{asset}}", assets.get),
        ("DELETE", f"{DATASET}/assets/{{asset}}", assets.delete),
        ("POST", f"{DATASET}/assets/{{asset}}/name", assets.rename),
        ("POST", f"{DATASET}/assetFiles/{{filename}}/name", assets.rename_file),
        ("POST", f"{DATASET}/deleteManyAssetsSessions", deletions.start),
        ("GET", f"{DATASET}/deleteManyAssetsSessions", deletions.listed),
        ("GET", f"{DATASET}/deleteManyAssetsSessions/{{deletion}}", deletions.get),
        ("POST", f"{SOURCE}/assetIngestionSessions", sessions.create),
        ("GET", f"{SOURCE}/assetIngestionSessions", sessions.listed),
        ("GET", f"{SOURCE}/assetIngestionSessions/{{session}}", sessions.get),
        ("POST", f"{SOURCE}/assetIngestionSessions/{{session}}:cancel", sessions.cancel),
        ("POST", f"{SOURCE}/multipartUploads", sessions.open_multipart),
        ("POST", f"{SOURCE}/multipartUploads/{{upload}}/parts/{{number}}", sessions.part),
        ("POST", f"{SOURCE}/multipartUploads/{{upload}}/parts/{{number}}/completion", sessions.part_done),
        ("POST", f"{SOURCE}/multipartUploads/{{upload}}/completion", sessions.complete_multipart),
        ("DELETE", f"{SOURCE}/multipartUploads/{{upload}}", sessions.abort_multipart),
    ]
    api = Starlette(
        routes=[
            *(Route(path, _guarded(stage, endpoint), methods=[method]) for method, path, endpoint in routes),
            Route(f"{CONTROL}scenario", control.scenario, methods=["GET", "PUT"]),
            Route(f"{CONTROL}requests", control.requests, methods=["GET", "DELETE"]),
            Route(f"{CONTROL}datasets/{{dataset}}/assets/{{filename}}", control.asset, methods=["PUT"]),
        ],
        exception_handlers={Refused: _refused},
    )
    return _Front(stage, api)


class _Front:
    """Routes signed URLs past the API, and records the other requests in the journal."""

    def __init__(self, stage: ViStage, api: ASGIApp) -> None:
        self._stage = stage
        self._api = api
        self._objects = Objects(stage)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or path.startswith(CONTROL):
            await self._api(scope, receive, send)
            return

        async def note_status(message: Message) -> None:
            if message["type"] == "http.response.start":
                arrival.status = message["status"]
            await send(message)

        is_object = path.startswith(OBJECTS)
        query = {} if is_object else dict(Request(scope).query_params)
        arrival = AnsweredRequest(scope["method"], path, query, 0, time.monotonic())
        self._stage.journal.append(arrival)
        await (self._objects if is_object else self._api)(scope, receive, note_status)


def _guarded(stage: ViStage, endpoint: Endpoint) -> Endpoint:
    """Return *endpoint* behind the key, the pace and the faults of the scenario."""

    async def paced(request: Request) -> Response:
        arrived, scenario = asyncio.get_running_loop().time(), stage.scenario
        try:
            return await guarded(request, scenario)
        finally:
            await sleep_until(arrived + scenario.latency_seconds)

    async def guarded(request: Request, scenario: ViScenario) -> Response:
        for place, fault in stage.due():
            if not isinstance(fault, ApiFault) or fault.method not in {None, request.method}:
                continue
            if fault.path in request.url.path:
                stage.fired[place] += 1
                headers = {} if fault.retry_after is None else {"retry-after": f"{fault.retry_after:g}"}
                return refusal(fault.status, fault.message, headers)
        if request.headers.get("authorization") != f"Bearer {scenario.key}":
            return refusal(401, "The key is not valid")
        organization = request.path_params.get("org", scenario.organization)
        if {request.headers.get("organization-id"), organization} != {scenario.organization}:
            return refusal(403, "The key is of another organization")
        carry_out(stage)
        return await endpoint(request)

    return paced


class _ViControl:
    """The emulator's own endpoints."""

    def __init__(self, stage: ViStage) -> None:
        self._stage = stage

    async def scenario(self, request: Request) -> Response:
        """Return the scenario, or play another; `?keep=y` keeps the data."""
        if request.method == "PUT":
            try:
                scenario = ViScenario.model_validate_json(await request.body())
            except ValidationError as error:
                return refusal(422, str(error))
            (self._stage.play if request.query_params.get("keep") == "y" else self._stage.has)(scenario)
        return Response(self._stage.scenario.model_dump_json(), media_type="application/json")

    async def asset(self, request: Request) -> Response:
        """Store a small image as an asset of a dataset, and return the id of the asset."""
        dataset = self._stage.datasets.get(request.path_params["dataset"])
        if dataset is None:
            return refusal(404, "The scenario has no such dataset")
        return JsonResponse({"assetId": self._stage.hold(dataset, request.path_params["filename"]).asset_id})

    async def requests(self, request: Request) -> Response:
        """Return the requests received, the oldest first, or delete them."""
        if request.method == "DELETE":
            self._stage.journal.clear()
            return Response(status_code=204)
        entries: list[dict[str, Any]] = [
            {"method": entry.method, "path": entry.path, "query": entry.query, "status": entry.status, "at": entry.at}
            for entry in self._stage.journal
        ]
        return JsonResponse({"requests": entries})


async def _refused(_: Request, error: Exception) -> Response:
    if not isinstance(error, Refused):
        raise error
    return refusal(error.status, error.message, error.headers)
