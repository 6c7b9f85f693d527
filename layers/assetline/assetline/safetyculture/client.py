"""Client of the SafetyCulture API: returns the page at a cursor, and translates refusals into the error tree."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import orjson

from assetline.budget import Budget
from assetline.credentials import Token
from assetline.errors import (
    FeedForbidden,
    FeedMoved,
    FeedRefused,
    FeedUnavailable,
    FeedUnreachable,
    ForeignCursor,
    PageTooLarge,
    Permanent,
    RateLimited,
    Retryable,
    TokenRefused,
)
from assetline.http.body_pace import BodyPace
from assetline.http.decompression import MAX_BODY_BYTES, BodyTooLarge, decompressed
from assetline.http.pooled_transport import ANSWER_SECONDS, KeptConnections, transport_to
from assetline.http.retry_after import retry_after, seconds
from assetline.http.unreachable import may_be_for_its_size, why_unreachable
from assetline.paging.page import Page
from assetline.paging.page_size import LARGE_PAGE_BYTES, with_smaller_pages
from assetline.safetyculture.page_parser import early_next_cursor, parse_page

WHO_AM_I = "/accounts/user/v1/user:WhoAmI"
FIELDS_LIST = "/assets/v1/fields/list"
PAGE_TIMEOUT = httpx.Timeout(10, connect=5, read=60)  # some pages are slow, but a running host connects
PAGE_SECONDS = 75.0  # ours: limit of a complete page; a turn reserves 90 for the page in flight and its own end
SHORT_SECONDS = 15.0  # ours: limit of a complete answer to a request before the first page
SHORT_TIMEOUT = httpx.Timeout(5)  # for requests before the first page
REFUSAL_BYTES = 64 * 1024  # ours: of the body of a refusal; its reason is shorter
EARLY_BYTES = 64 * 1024  # ours: a `next_page` beyond this is read from the complete page
IDLE_SECONDS = 30  # ours: outlasts a slow page and a short pause; load balancers close after 60
DEFINITION_PAGES = 100  # ours: a longer list is a circle
DEFINITIONS_PAUSE = 1.0  # ours: seconds before the only retry
DEFINITIONS_SECONDS = 20.0  # ours: limit of the complete list; Open Export has a minute, and the list is optional

_HEADERS = {"accept": "application/json", "accept-encoding": "gzip"}
_REFUSE_TOKEN = frozenset({401, 403, 404})  # 404: the API hides resources from a token without permission
_TOO_EARLY = 425
_TRY_LATER = frozenset({408, _TOO_EARLY})  # with 429, the only 4xx that invite a retry
_TOO_LARGE = frozenset({400, 413, 416, 422})  # refusals that the page size may cause
_LARGER_THAN_MAX = b"larger than max"  # gRPC: a message above its limit, with any status of the gateway


class FeedClient:
    """Reads feeds of the API at *origin*, and sends the token to that origin only."""

    def __init__(
        self,
        origin: str,
        token: Token,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._origin = httpx.URL(origin)
        self._token = token
        self._sleep = sleep
        self._transport = transport or transport_to(self._origin, IDLE_SECONDS)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def who_am_i(self) -> None:
        """Call `whoAmI`, to detect an invalid token before anything is opened.

        Raises:
            TokenMissing, TokenRefused, FeedMoved, FeedUnreachable, FeedUnavailable, RateLimited: as `fetch`.
        """
        try:
            with self._answer(self._request("GET", self._on_origin(WHO_AM_I), SHORT_TIMEOUT)) as answer:
                _beginning(answer, BodyPace(SHORT_SECONDS, self._clock))
        except (FeedForbidden, FeedRefused):
            return  # a token may be allowed to read a feed but not its own user

    def ask(self, cursor: str) -> Callable[[Callable[[str], None]], Page]:
        """Request the page at *cursor*, at once if a connection is idle, and return a function that waits for the page.

        The caller must call the returned function with *on_next*. It behaves as `fetch` does.
        """
        requested_at, request = time.monotonic(), None
        with suppress(Exception):  # the same error occurs again, and is raised, while waiting for the page
            request = self._request("GET", self._on_origin(cursor), PAGE_TIMEOUT)
            if isinstance(self._transport, KeptConnections):
                self._transport.send_ahead(request)
        return lambda on_next: self._page(cursor, on_next, requested_at, request)

    def fetch(self, cursor: str, on_next: Callable[[str], None] | None = None) -> Page:
        """Return the page at *cursor*: the path and query from the previous page, unchanged.

        The client calls *on_next* once with the cursor of the next page, if there is one. It does so as soon as the
        arrived part of the body contains the cursor, possibly long before the page is complete. The page may still turn
        out to be cut short.

        Raises:
            FeedUnreachable: no answer, or an incomplete one.
            FeedUnavailable: 5xx, 408, 425, or a 200 that is not a complete page.
            PageTooLarge: a 200 that exceeds the limit of a page.
            RateLimited: 429; `pause_seconds` is the pause that the answer requests.
            TokenRefused: 401, also with the token read again.
            FeedForbidden: 403 or 404, also with the token read again.
            FeedMoved: 3xx; the token was not sent to the target.
            FeedRefused: any other answer that is not 200.
            ForeignCursor: *cursor* leads to another origin; nothing was sent.
        """
        return self._page(cursor, on_next, time.monotonic())

    def _page(
        self,
        cursor: str,
        on_next: Callable[[str], None] | None,
        requested_at: float,
        request: httpx.Request | None = None,
    ) -> Page:
        """Return the page at *cursor*; *request* is its request, if it exists already."""
        body, reported, pace = bytearray(), on_next is None, BodyPace(PAGE_SECONDS, self._clock)
        most_bytes = MAX_BODY_BYTES if with_smaller_pages(cursor) is None else LARGE_PAGE_BYTES
        with self._answer(request or self._request("GET", self._on_origin(cursor), PAGE_TIMEOUT)) as answer:
            for piece in decompressed(answer, pace, most_bytes):
                may_report = not reported and len(body) < EARLY_BYTES
                body += piece
                if on_next and may_report and (next_cursor := early_next_cursor(body)):
                    on_next(next_cursor)
                    reported = True
        page = parse_page(body, time.monotonic() - requested_at)
        if on_next and not reported and page.next_cursor:
            on_next(page.next_cursor)
        return page

    def field_definitions(self) -> list[dict[str, Any]] | None:
        """Return the definitions of the organisation's asset fields, None if they cannot be read.

        A token may be allowed to read the feed but not the definitions, and an export works without them. So the method
        raises nothing, and takes at most `DEFINITIONS_SECONDS`.

        Source: docs/contracts/safetyculture-feeds.md, section 5.
        """
        budget = Budget(DEFINITIONS_SECONDS)
        for last_try in (False, True):
            try:
                return self._all_field_definitions(budget)
            except Retryable as fault:
                pause = DEFINITIONS_PAUSE if fault.pause_seconds is None else fault.pause_seconds
                if last_try or pause > DEFINITIONS_PAUSE or pause >= budget.left():
                    return None
                self._sleep(pause)
            except Permanent:
                return None
        return None

    def _all_field_definitions(self, budget: Budget) -> list[dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}  # by id: a list that grows while it is read may repeat an item
        question: dict[str, str] = {}
        for _ in range(DEFINITION_PAGES):
            request = self._request("POST", self._on_origin(FIELDS_LIST), SHORT_TIMEOUT, orjson.dumps(question))
            with self._answer(request) as response:
                answer = _json_object(_read_within(budget, response))
            definitions, following = answer.get("result"), answer.get("next_page_token")
            if not isinstance(definitions, list) or not all(
                isinstance(definition, dict) and isinstance(definition.get("id"), str) for definition in definitions
            ):
                raise FeedUnavailable("SafetyCulture answered 200 without a `result` of field definitions.")
            found |= {definition["id"]: definition for definition in definitions}
            # Related requests take `page_token`; for this one, it is not documented. The same page may be returned
            # again.
            if not isinstance(following, str) or not following or question == {"page_token": following}:
                break
            question = {"page_token": following}
        return [*found.values()]

    def _request(self, method: str, url: httpx.URL, timeout: httpx.Timeout, body: bytes | None = None) -> httpx.Request:
        headers = _HEADERS | {"authorization": f"Bearer {self._token.value()}"}
        if body is not None:
            headers["content-type"] = "application/json"
        answer_seconds = PAGE_SECONDS if timeout is PAGE_TIMEOUT else SHORT_SECONDS
        extensions = {"timeout": timeout.as_dict(), ANSWER_SECONDS: answer_seconds}
        return httpx.Request(method, url, headers=headers, content=body, extensions=extensions)

    @contextmanager
    def _answer(self, request: httpx.Request) -> Iterator[httpx.Response]:
        """Send a request and yield its 200; the body is still arriving."""
        try:
            with closing(self._response(request)) as response:
                if response.status_code != httpx.codes.OK:
                    raise self._refusal(response, _beginning(response, BodyPace(SHORT_SECONDS, self._clock)))
                yield response
        except httpx.DecodingError:
            raise FeedUnavailable("The feed answered with a body that cannot be decompressed.") from None
        except BodyTooLarge as large:
            raise PageTooLarge.beyond(large.most_bytes) from None
        except httpx.TransportError as error:
            raise FeedUnreachable(
                f"{why_unreachable(error, self._origin)} Check that the stack's parameter SafetyCultureApiUrl "
                "names the right host and that the function can reach it.",
                smaller_may_help=may_be_for_its_size(error),
            ) from error

    def _response(self, request: httpx.Request) -> httpx.Response:
        """Send *request*; if its token is refused, retry once with a fresh token from the secret."""
        response = self._transport.handle_request(request)
        if response.status_code in _REFUSE_TOKEN:
            try:
                current = f"Bearer {self._token.value(fresh=True)}"
            except BaseException:
                response.close()
                raise
            if current != request.headers["authorization"]:
                response.close()
                request.headers["authorization"] = current
                response = self._transport.handle_request(request)
        response.request = request
        return response

    def _on_origin(self, cursor: str) -> httpx.URL:
        try:
            url = httpx.URL(urljoin(str(self._origin), cursor))
        except (httpx.InvalidURL, ValueError):
            raise ForeignCursor(
                "The feed's next_page is not an address. Nothing was sent. Start the export again."
            ) from None
        if _origin_of(url) != _origin_of(self._origin):
            raise ForeignCursor(
                f"The feed's next_page leads to {url.scheme}://{urlsplit(str(url)).netloc.rpartition('@')[2]} "
                f"instead of {self._origin}. The token was not sent there. If the API has moved, deploy with that "
                "SafetyCultureApiUrl."
            )
        return url

    def _refusal(self, response: httpx.Response, body: bytes) -> Exception:
        status, path = response.status_code, response.request.url.path
        if _LARGER_THAN_MAX in body.lower():
            return FeedRefused(
                f"SafetyCulture's answer on {path} exceeds a limit of the API ({status}: message larger than "
                "max): give a smaller `page_size`.",
                smaller_may_help=True,
            )
        if fault := _fault(response):
            return fault
        if status == httpx.codes.UNAUTHORIZED:
            return TokenRefused(
                f"SafetyCulture refused the token (401): put a current one in the secret {self._token.arn} "
                f"({self._token.put_command()}), and resume the export."
            )
        if status in {httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND}:
            return FeedForbidden(
                f"SafetyCulture does not let this token read {path} ({status}): give its user the permission, or check "
                "that the module is part of your plan.",
                expired_status=status if status == httpx.codes.NOT_FOUND else None,
            )
        if httpx.codes.is_redirect(status):
            return _moved(response)
        return FeedRefused(
            f"SafetyCulture refused {path} ({status}): check `params` and `page_size` of the input.",
            smaller_may_help=status in _TOO_LARGE,
            expired_status=status if status in {httpx.codes.BAD_REQUEST, httpx.codes.GONE} else None,
        )


def _fault(response: httpx.Response) -> Retryable | None:
    """Return the error of a temporary failure, None for any other answer."""
    status = response.status_code
    if status == httpx.codes.TOO_MANY_REQUESTS:
        return RateLimited("SafetyCulture requested a pause (429).", requested_pause(response.headers))
    if status >= httpx.codes.INTERNAL_SERVER_ERROR or status in _TRY_LATER:
        pause = retry_after(response.headers)
        # If a server requests a pause, the size of the page is not the cause.
        may_help = pause is None and status != _TOO_EARLY
        return FeedUnavailable(
            f"SafetyCulture answered {status} on {response.request.url.path}.", pause, smaller_may_help=may_help
        )
    return None


def _moved(response: httpx.Response) -> FeedMoved:
    """Return the error of a redirect. It names only the origin of the target, since the rest may be confidential."""
    status, url = response.status_code, response.request.url
    try:
        target = httpx.URL(urljoin(str(url), response.headers["location"]))
        place = f"{target.scheme}://{target.netloc.decode()}"
    except (KeyError, httpx.InvalidURL, ValueError):
        place = "an address that cannot be read"
    return FeedMoved(
        f"SafetyCulture answered {status} on {url.path}: a redirect to {place}. Redirects are not "
        "followed, and the token was not sent there. If the API has moved, deploy with that "
        "SafetyCultureApiUrl."
    )


def requested_pause(headers: httpx.Headers) -> float | None:
    """Return the seconds that a 429 requests: `Retry-After`, else `x-ratelimit-reset`, else None.

    Neither header is guaranteed (docs/contracts/safetyculture-feeds.md, section 1.6). Every answer may contain the
    reset header, so it is a pause only in a 429.
    """
    pause = retry_after(headers)
    return seconds(headers.get("x-ratelimit-reset")) if pause is None else pause


def _beginning(response: httpx.Response, pace: BodyPace) -> bytes:
    """Return the beginning of a body; errors of the body are ignored, because the status is sufficient."""
    body = bytearray()
    with suppress(httpx.TransportError, httpx.DecodingError, BodyTooLarge):
        for piece in decompressed(response, pace, REFUSAL_BYTES):
            body += piece
    return bytes(body)


def _read_within(budget: Budget, response: httpx.Response) -> bytes:
    """Return the body of *response*. Raise FeedUnavailable if *budget* is spent first."""
    body = bytearray()
    for piece in decompressed(response):
        body += piece
        if budget.spent():
            raise FeedUnavailable("The list of fields did not arrive in time.")
    return bytes(body)


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise FeedUnavailable("SafetyCulture answered 200 with a body that is not JSON.") from None
    if not isinstance(answer, dict):
        raise FeedUnavailable("SafetyCulture answered 200 with JSON that is not an object.")
    return answer


def _origin_of(url: httpx.URL) -> tuple[str, str, int | None]:
    default = {"http": 80, "https": 443}.get(url.scheme)
    return url.scheme, url.host, url.port or default
