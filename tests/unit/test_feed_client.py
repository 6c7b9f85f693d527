from collections.abc import Callable

import httpx
import pytest

from assetline.errors import (
    FeedForbidden,
    FeedRefused,
    FeedUnavailable,
    FeedUnreachable,
    ForeignCursor,
    RateLimited,
    TokenRefused,
)
from assetline.feed.client import FeedClient, pause_asked_for
from assetline.secrets import Token

ORIGIN = "https://api.example"
EMPTY_PAGE = {"metadata": {"next_page": None}, "data": []}


class SecretToken(Token):
    """The token of a secret that may be rotated while a client keeps the one before."""

    def __init__(self, *versions: str) -> None:
        super().__init__("arn:secret")
        self._versions = versions

    def value(self, *, fresh: bool = False) -> str:
        return self._versions[-1] if fresh else self._versions[0]


type Answer = Callable[[httpx.Request], httpx.Response]


def client(answer: Answer, token: Token | None = None) -> FeedClient:
    return FeedClient(ORIGIN, token or SecretToken("scapi_1"), httpx.MockTransport(answer))


def answering(status: int, headers: dict[str, str] | None = None, content: bytes = b"") -> FeedClient:
    return client(lambda _: httpx.Response(status, headers=headers, content=content))


def test_a_cursor_is_followed_as_given_with_the_token() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=EMPTY_PAGE)

    client(answer).fetch("/feed/assets?limit=20&next_page_token=a%2Fb%3D%3D")
    assert str(seen[0].url) == f"{ORIGIN}/feed/assets?limit=20&next_page_token=a%2Fb%3D%3D"
    assert seen[0].headers["authorization"] == "Bearer scapi_1"


def test_an_absolute_cursor_on_the_same_origin_is_followed() -> None:
    assert client(lambda _: httpx.Response(200, json=EMPTY_PAGE)).fetch(f"{ORIGIN}:443/feed/assets?a=1").records == []


@pytest.mark.parametrize(
    "cursor",
    [
        "https://evil.example/feed/assets",
        "http://api.example/feed/assets",
        "https://api.example:8443/feed/assets",
        "//evil.example/feed/assets",
        "https://api.example@evil.example/feed/assets",
    ],
)
def test_a_cursor_to_another_origin_is_refused_and_nothing_is_sent(cursor: str) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        pytest.fail("the token left the origin")

    with pytest.raises(ForeignCursor, match="not sent"):
        client(answer).fetch(cursor)


def test_a_redirect_is_not_followed() -> None:
    with pytest.raises(FeedRefused, match="302"):
        answering(302, {"location": "https://evil.example/"}).fetch("/feed/assets")


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, TokenRefused), (403, FeedForbidden), (404, FeedForbidden), (400, FeedRefused), (429, RateLimited)]
    + [(status, FeedUnavailable) for status in (500, 502, 503, 524)],
)
def test_a_refusal_is_an_error_of_ours_that_never_quotes_the_token(status: int, error: type[Exception]) -> None:
    with pytest.raises(error) as refusal:
        answering(status, content=b"scapi_1 error code: 524").fetch("/feed/assets")
    assert str(status) in str(refusal.value)
    assert "scapi_1" not in str(refusal.value)


def test_a_refused_token_says_which_secret_to_change() -> None:
    with pytest.raises(TokenRefused, match="arn:secret"):
        answering(401).fetch("/feed/assets")


def test_a_token_rotated_since_it_was_read_is_read_anew_once() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200 if request.headers["authorization"] == "Bearer scapi_2" else 401, json=EMPTY_PAGE)

    assert client(answer, SecretToken("scapi_1", "scapi_2")).fetch("/feed/assets").records == []


@pytest.mark.parametrize("failure", [httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError, httpx.ReadError])
def test_no_whole_answer_means_unreachable(failure: type[httpx.TransportError]) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise failure("broken", request=request)

    with pytest.raises(FeedUnreachable, match="SafetyCultureApiUrl"):
        client(answer).fetch("/feed/assets")


def test_a_body_that_does_not_decompress_may_be_asked_for_again() -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"content-encoding": "gzip"}, stream=httpx.ByteStream(b"not gzip"))

    with pytest.raises(FeedUnavailable, match="decompress"):
        client(answer).fetch("/feed/assets")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "7", "x-ratelimit-reset": "30"}, 7.0),
        ({"x-ratelimit-reset": "30"}, 30.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({}, None),
    ],
)
def test_the_pause_is_what_the_answer_asks_for(headers: dict[str, str], seconds: float | None) -> None:
    assert pause_asked_for(httpx.Headers(headers)) == seconds


@pytest.mark.parametrize("status", [200, 403, 404])
def test_a_token_that_may_not_read_itself_may_still_read_a_feed(status: int) -> None:
    answering(status).who_am_i()
    with pytest.raises(TokenRefused):
        answering(401).who_am_i()
