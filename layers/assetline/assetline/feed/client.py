"""The SafetyCulture API over HTTP: a cursor in, a page out, every refusal an error of our tree."""

import time
from collections.abc import Generator
from urllib.parse import urljoin, urlsplit

import httpx

from assetline.errors import (
    FeedForbidden,
    FeedRefused,
    FeedUnavailable,
    FeedUnreachable,
    ForeignCursor,
    RateLimited,
    TokenRefused,
)
from assetline.feed.page import Page, parse_page
from assetline.secrets import Token

WHO_AM_I = "/accounts/user/v1/user:WhoAmI"
PAGE_TIMEOUT = httpx.Timeout(10, connect=5, read=60)  # a feed is slow on some pages; a host that is there connects
PREFLIGHT_TIMEOUT = httpx.Timeout(5)


class FeedClient:
    """Reads feeds of the API at *origin*; the token goes to that origin and to no other."""

    def __init__(self, origin: str, token: Token, transport: httpx.BaseTransport | None = None) -> None:
        self._origin = httpx.URL(origin)
        self._token = token
        self._http = httpx.Client(
            auth=_BearerAuth(token),
            headers={"accept": "application/json"},
            timeout=PAGE_TIMEOUT,
            transport=transport,
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def who_am_i(self) -> None:
        """Ask the API whose token this is, so that a bad one is known before anything is opened.

        Raises:
            TokenMissing, TokenRefused, FeedUnreachable, FeedUnavailable, RateLimited: as `fetch`.
        """
        try:
            self._get(WHO_AM_I, PREFLIGHT_TIMEOUT)
        except (FeedForbidden, FeedRefused):
            return  # a token may read a feed and yet not itself

    def fetch(self, cursor: str) -> Page:
        """Return the page at *cursor*, the path and query the page before it gave, used as given.

        Raises:
            FeedUnreachable: no answer.
            FeedUnavailable: 5xx, or a 200 that is not a whole page.
            RateLimited: 429; `pause_seconds` is what the answer asked for.
            TokenRefused: 401, also with the token read anew.
            FeedForbidden: 403 or 404.
            FeedRefused: any other answer that is not 200.
            ForeignCursor: *cursor* leads to another origin; nothing was sent.
        """
        started = time.monotonic()
        body = self._get(cursor, PAGE_TIMEOUT).content
        return parse_page(body, time.monotonic() - started)

    def _get(self, cursor: str, timeout: httpx.Timeout) -> httpx.Response:
        url = self._on_origin(cursor)
        try:
            response = self._http.get(url, timeout=timeout)
        except httpx.DecodingError:
            raise FeedUnavailable("The feed answered with a body that does not decompress.") from None
        except httpx.TransportError as error:
            raise FeedUnreachable(
                f"No whole answer from {self._origin} ({type(error).__name__}). Check that the stack's parameter "
                "SafetyCultureApiUrl names the right host and that it can be reached from the function."
            ) from error
        if response.status_code != httpx.codes.OK:
            raise self._refusal(response)
        return response

    def _on_origin(self, cursor: str) -> httpx.URL:
        url = httpx.URL(urljoin(str(self._origin), cursor))
        if _origin_of(url) != _origin_of(self._origin):
            raise ForeignCursor(
                f"The feed's next_page leads to {url.scheme}://{urlsplit(str(url)).netloc.rpartition('@')[2]} instead "
                f"of {self._origin}. The token was not sent there. If the API has moved, deploy with that "
                "SafetyCultureApiUrl."
            )
        return url

    def _refusal(self, response: httpx.Response) -> Exception:
        status, path = response.status_code, response.request.url.path
        if status == httpx.codes.TOO_MANY_REQUESTS:
            return RateLimited("SafetyCulture asked for a pause (429).", pause_asked_for(response.headers))
        if status >= httpx.codes.INTERNAL_SERVER_ERROR:
            return FeedUnavailable(f"SafetyCulture answered {status} on {path}.", pause_asked_for(response.headers))
        if status == httpx.codes.UNAUTHORIZED:
            return TokenRefused(
                f"SafetyCulture refused the token (401): put a current one in the secret {self._token.arn}."
            )
        if status in {httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND}:
            return FeedForbidden(
                f"SafetyCulture does not let this token read {path} ({status}): give its user the permission, or check "
                "that the module is part of your plan."
            )
        return FeedRefused(f"SafetyCulture refused {path} ({status}): check `params` and `page_size` of the input.")


class _BearerAuth(httpx.Auth):
    """Sends the token; when it is refused, once more with the secret read anew, as it may have been rotated."""

    def __init__(self, token: Token) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        sent = self._token.value()
        request.headers["authorization"] = f"Bearer {sent}"
        response = yield request
        if response.status_code == httpx.codes.UNAUTHORIZED:
            current = self._token.value(fresh=True)
            if current != sent:
                request.headers["authorization"] = f"Bearer {current}"
                yield request


def pause_asked_for(headers: httpx.Headers) -> float | None:
    """Return the seconds the answer asks us to wait: `Retry-After`, else `x-ratelimit-reset`, else None.

    Neither is certain to be there (contract sheet, Rate limits).
    """
    for name in ("retry-after", "x-ratelimit-reset"):
        try:
            seconds = float(headers[name])
        except (KeyError, ValueError):
            continue
        if seconds >= 0:
            return seconds
    return None


def _origin_of(url: httpx.URL) -> tuple[str, str, int | None]:
    default = {"http": 80, "https": 443}.get(url.scheme)
    return url.scheme, url.host, url.port or default
