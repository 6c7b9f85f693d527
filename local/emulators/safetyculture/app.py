"""The emulated API as an ASGI application.

The feeds, `GET /accounts/user/v1/user:WhoAmI` and `POST /assets/v1/fields/list` are the API
(docs/contracts/safetyculture-feeds.md, sections 1 and 5). The paths below `/_emulator/` control the emulator: its
scenario, the faults that have fired, and the requests that came.
"""

import asyncio

import orjson
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from local.emulators.safetyculture.assets import field_definitions
from local.emulators.safetyculture.feeds import OTHER_FEEDS
from local.emulators.safetyculture.pages import ASSETS_PATH, EmulatedPage, PageStart, page_at
from local.emulators.safetyculture.scenario import (
    AnswerFault,
    FeedScenario,
    Forbidden,
    InternalError,
    Maintenance,
    NoData,
    OriginTimeout,
    Reset,
    Slow,
    TooHeavy,
    TooManyRequests,
    Truncated,
    Unauthorized,
    Unavailable,
)
from local.emulators.safetyculture.stage import FeedStage, JournalEntry, Staging
from local.emulators.wire import JsonResponse, json_body, refusal, sleep_until

WHO_AM_I_PATH = "/accounts/user/v1/user:WhoAmI"
FIELDS_PATH = "/assets/v1/fields/list"

_DEFINITIONS_PAGE = 5  # few, so that a client has to follow `next_page_token`

_CONTROL = "/_emulator/"
_MAINTENANCE = "<!doctype html>\n<title>Maintenance</title>\n<h1>We will be back soon</h1>\n"
_TOKEN_OWNER = {
    "user_id": "user_3f1c5a0e9d724b0c8c7d2f6b1e4a9d55",
    "organisation_id": "role_8b6f0a2d4c1e47f59e3d7a60b5c2f184",
    "firstname": "Ada",
    "lastname": "Okonkwo-Müller",
}


def emulator(stage: FeedStage) -> Starlette:
    """Return the application that plays the scenario of *stage*."""
    api = _Api(stage)
    control = _FeedControl(stage)
    return Starlette(
        routes=[
            *(Route(path, api.feed, methods=["GET"]) for path in (ASSETS_PATH, *OTHER_FEEDS)),
            Route(FIELDS_PATH, api.field_definitions, methods=["POST"]),
            Route(WHO_AM_I_PATH, api.who_am_i, methods=["GET"]),
            Route(f"{_CONTROL}scenario", control.put_scenario, methods=["PUT"]),
            Route(f"{_CONTROL}scenario", control.get_scenario, methods=["GET"]),
            Route(f"{_CONTROL}faults", control.get_faults, methods=["GET"]),
            Route(f"{_CONTROL}requests", control.get_requests, methods=["GET"]),
            Route(f"{_CONTROL}requests", control.delete_requests, methods=["DELETE"]),
        ],
        middleware=[Middleware(_Journalled, stage=stage)],
        exception_handlers={HTTPException: _refused},
    )


class _Api:
    """The endpoints of SafetyCulture."""

    def __init__(self, stage: FeedStage) -> None:
        self._stage = stage

    async def feed(self, request: Request) -> Response:
        """Return one page of a feed, after its time to the first byte."""
        arrived = asyncio.get_running_loop().time()
        staging = self._stage.staging
        answer, slow = _feed_answer(request, staging)
        await sleep_until(arrived + staging.scenario.latency_seconds + slow)
        return answer

    async def who_am_i(self, request: Request) -> Response:
        """Return the owner of the token."""
        if not _is_authorized(request, self._stage.staging.scenario):
            return _token_refused()
        return JsonResponse(_TOKEN_OWNER)

    async def field_definitions(self, request: Request) -> Response:
        """Return some of the fields of the organisation's assets, and a token for more."""
        scenario = self._stage.staging.scenario
        if not _is_authorized(request, scenario):
            return _token_refused()
        if not scenario.field_definitions:
            return refusal(403, "You do not have permission to list the fields of assets")
        try:
            begin = int(orjson.loads(await request.body()).get("page_token", "0"))
        except (AttributeError, TypeError, ValueError):
            return refusal(400, "not a JSON object with a page_token of this list")
        found = field_definitions(scenario.seed)
        end = begin + _DEFINITIONS_PAGE
        return JsonResponse({"result": found[begin:end], "next_page_token": str(end) if end < len(found) else ""})


def _feed_answer(request: Request, staging: Staging) -> tuple[Response, float]:
    """Return the answer to a feed request, and the seconds by which a fault delays it."""
    scenario = staging.scenario
    if not _is_authorized(request, scenario):
        return _token_refused(), 0.0
    try:
        limit = _limit(request, scenario)
        place = _place(request)
    except ValueError as error:
        return refusal(400, str(error)), 0.0
    faults = staging.faults_on(place.page)
    arrival: JournalEntry = request.state.arrival
    arrival.page = place.page
    arrival.faults = [fault.kind for fault in faults]
    page = page_at(place, limit, scenario, faults, (str(request.base_url).rstrip("/"), request.url.path))
    taken = next((fault for fault in faults if isinstance(fault, AnswerFault) and not _spares(fault, page)), None)
    slow = sum(fault.seconds for fault in faults if isinstance(fault, Slow))
    if taken is not None:
        return _faulty_answer(taken, request, page, scenario), slow
    return json_body(request, page.render(), seconds=scenario.body_seconds), slow


def _spares(fault: AnswerFault, page: EmulatedPage) -> bool:
    return isinstance(fault, TooHeavy) and len(page.rows) <= fault.rows


def _faulty_answer(fault: AnswerFault, request: Request, page: EmulatedPage, scenario: FeedScenario) -> Response:
    match fault:
        case TooManyRequests():
            answer: Response = refusal(429, "Too Many Requests", _pause_headers(fault))
        case InternalError() | TooHeavy():
            answer = refusal(500, "Internal Server Error")
        case Unavailable():
            answer = Response(status_code=503)
        case OriginTimeout():
            answer = PlainTextResponse("error code: 524", status_code=524)
        case Unauthorized():
            answer = _token_refused()
        case Forbidden():
            answer = refusal(403, "You do not have permission to read this feed")
        case Maintenance():
            answer = HTMLResponse(_MAINTENANCE)
        case NoData():
            answer = json_body(request, page.render_without_data())
        case Truncated():
            body = page.render()
            answer = json_body(request, body[: len(body) // 2], seconds=scenario.body_seconds)
        case Reset():
            answer = json_body(request, page.render(), seconds=scenario.body_seconds, reset=True)
        case _:
            raise AssertionError(f"no answer is implemented for {fault!r}")
    return answer


def _pause_headers(fault: TooManyRequests) -> dict[str, str]:
    pauses = {"retry-after": fault.retry_after, "x-ratelimit-reset": fault.reset_header}
    return {name: f"{seconds:g}" for name, seconds in pauses.items() if seconds is not None}


def _is_authorized(request: Request, scenario: FeedScenario) -> bool:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and token == scenario.token


def _token_refused() -> Response:
    return refusal(401, "The token is missing, wrong or expired")


def _limit(request: Request, scenario: FeedScenario) -> int:
    limit = request.query_params.get("limit")
    if limit is None:
        return scenario.default_page_size
    if not limit.isdecimal() or not 1 <= int(limit) <= scenario.max_page_size:
        raise ValueError(f"limit must be from 1 to {scenario.max_page_size}")
    return int(limit)


def _place(request: Request) -> PageStart:
    cursor = request.query_params.get("next_page_token")
    return PageStart.of(cursor) if cursor else PageStart()


class _FeedControl:
    """The emulator's own endpoints."""

    def __init__(self, stage: FeedStage) -> None:
        self._stage = stage

    async def put_scenario(self, request: Request) -> Response:
        """Play another scenario from its start; refuse an invalid one with its errors, and change nothing."""
        try:
            scenario = FeedScenario.model_validate_json(await request.body())
        except ValidationError as error:
            return refusal(422, in_words(error))
        self._stage.has(scenario)
        return self._scenario()

    async def get_scenario(self, _: Request) -> Response:
        """Return the current scenario, in the format of a PUT."""
        return self._scenario()

    async def get_faults(self, _: Request) -> Response:
        """Return the scenario's faults, each with the number of times that it has fired."""
        staging = self._stage.staging
        faults = zip(staging.scenario.faults, staging.fired, strict=True)
        return JsonResponse([fault.model_dump() | {"fired": fired} for fault, fired in faults])

    async def get_requests(self, _: Request) -> Response:
        """Return the newest requests, oldest first, and the number of all."""
        journal = self._stage.journal
        return JsonResponse({"total": journal.total, "requests": journal.entries()})

    async def delete_requests(self, _: Request) -> Response:
        """Delete the requests."""
        self._stage.journal.clear()
        return Response(status_code=204)

    def _scenario(self) -> Response:
        return Response(self._stage.staging.scenario.model_dump_json(), media_type="application/json")


def in_words(error: ValidationError) -> str:
    """Return the errors of a scenario, one line for each, which begins with its place."""
    lines = [f"{'.'.join(str(part) for part in flaw['loc']) or 'scenario'}: {flaw['msg']}" for flaw in error.errors()]
    return "\n".join(lines)


class _Journalled:
    """Records every request to the API in the journal, with its status."""

    def __init__(self, app: ASGIApp, stage: FeedStage) -> None:
        self._app = app
        self._stage = stage

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(_CONTROL):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        arrival = self._stage.journal.add(
            request.method,
            request.url.path,
            dict(request.query_params),
            authorization="authorization" in request.headers,
        )
        request.state.arrival = arrival

        async def note_status(message: Message) -> None:
            if message["type"] == "http.response.start":
                arrival.status = message["status"]
            await send(message)

        await self._app(scope, receive, note_status)


async def _refused(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    return refusal(error.status_code, error.detail)
