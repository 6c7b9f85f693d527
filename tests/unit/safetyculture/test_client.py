import gzip
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from itertools import repeat
from typing import Any

import httpx
import orjson
import pytest

from assetline.credentials import Token
from assetline.errors import (
    FeedForbidden,
    FeedMoved,
    FeedRefused,
    FeedUnavailable,
    FeedUnreachable,
    ForeignCursor,
    PageTooLarge,
    RateLimited,
    Retryable,
    TokenRefused,
)
from assetline.http.retry_after import retry_after
from assetline.paging.page_size import LARGE_PAGE_BYTES
from assetline.safetyculture import client as feed_client
from assetline.safetyculture.client import EARLY_BYTES, FIELDS_LIST, FeedClient, requested_pause

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
        "https://api.example.evil.example/feed/assets",
    ],
)
def test_a_cursor_to_another_origin_is_refused_and_nothing_is_sent(cursor: str) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        pytest.fail("the token left the origin")

    with pytest.raises(ForeignCursor, match="not sent"):
        client(answer).fetch(cursor)


@pytest.mark.parametrize("cursor", ["http://[half/feed", "/feed\ud800", "/feed?" + "a" * 70_000, "/feed\x00"])
def test_a_cursor_that_is_no_address_is_refused_by_name(cursor: str) -> None:
    with pytest.raises(ForeignCursor):
        client(lambda _: pytest.fail("something was sent")).fetch(cursor)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize(
    ("location", "place"),
    [
        ("https://api.moved.example/feed/assets?signature=hidden", "https://api.moved.example."),
        ("https://hidden:hidden@api.moved.example:8443/hidden", "https://api.moved.example:8443."),
        ("//api.moved.example/hidden", "https://api.moved.example."),
        ("/hidden", f"{ORIGIN}."),
        ("http://[hidden", "cannot be read"),
        (None, "cannot be read"),
    ],
)
def test_a_redirect_is_not_followed_and_names_its_target(status: int, location: str | None, place: str) -> None:
    requested: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requested.append(request)
        return httpx.Response(status, headers={"location": location} if location else {})

    with pytest.raises(FeedMoved, match=f"{status} on /feed/assets: .* SafetyCultureApiUrl") as refusal:
        client(answer).fetch("/feed/assets?next_page_token=hidden")
    assert place in str(refusal.value)
    assert "hidden" not in str(refusal.value)
    assert len(requested) == 1


def test_an_api_that_has_moved_is_known_before_anything_is_opened() -> None:
    with pytest.raises(FeedMoved, match=r"moved\.example"):
        answering(308, {"location": "https://api.moved.example/"}).who_am_i()


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, TokenRefused), (403, FeedForbidden), (404, FeedForbidden), (400, FeedRefused), (429, RateLimited)]
    + [(status, FeedUnavailable) for status in (408, 425, 500, 502, 503, 524)],
)
def test_a_refusal_is_a_named_error_that_never_quotes_the_token(status: int, error: type[Exception]) -> None:
    with pytest.raises(error) as refusal:
        answering(status, content=b"scapi_1 error code: 524").fetch("/feed/assets")
    assert str(status) in str(refusal.value)
    assert "scapi_1" not in str(refusal.value)


def test_the_error_of_a_refused_token_names_the_secret() -> None:
    with pytest.raises(TokenRefused, match="arn:secret"):
        answering(401).fetch("/feed/assets")


def test_a_rotated_token_is_read_again_once() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200 if request.headers["authorization"] == "Bearer scapi_2" else 401, json=EMPTY_PAGE)

    assert client(answer, SecretToken("scapi_1", "scapi_2")).fetch("/feed/assets").records == []


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_corrected_token_is_read_again_after_any_refusal(status: int) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        good = request.headers["authorization"] == "Bearer scapi_2"
        return httpx.Response(200 if good else status, json=EMPTY_PAGE)

    assert client(answer, SecretToken("scapi_1", "scapi_2")).fetch("/feed/assets").records == []


def test_a_token_that_cannot_be_sent_is_refused_before_anything_is() -> None:
    asking = client(lambda _: pytest.fail("something was sent"), Token("arn:secret", lambda _: "scapi_\u200b1"))
    with pytest.raises(TokenRefused, match=r"character 7 of 8 is U\+200B"):
        asking.fetch("/feed/assets")
    with pytest.raises(TokenRefused):
        asking.ask("/feed/assets")(lambda _: None)


@pytest.mark.parametrize("failure", [httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError, httpx.ReadError])
def test_an_incomplete_answer_means_unreachable(failure: type[httpx.TransportError]) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise failure("broken", request=request)

    with pytest.raises(FeedUnreachable, match="SafetyCultureApiUrl"):
        client(answer).fetch("/feed/assets")


def test_a_body_that_does_not_decompress_may_be_asked_for_again() -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"content-encoding": "gzip"}, stream=httpx.ByteStream(b"not gzip"))

    with pytest.raises(FeedUnavailable, match="decompress"):
        client(answer).fetch("/feed/assets")


def test_a_page_that_drips_may_be_asked_for_again_in_a_smaller_size() -> None:
    now = 0.0

    def drops() -> Iterator[bytes]:
        nonlocal now
        for _ in range(10_000):
            now += 5.0
            yield b" "

    dripping = httpx.MockTransport(lambda _: httpx.Response(200, stream=CountedPieces(drops())))
    with pytest.raises(FeedUnreachable, match="stalled: 4 bytes came in 20 seconds") as fault:
        FeedClient(ORIGIN, SecretToken("scapi_1"), dripping, clock=lambda: now).fetch("/feed/assets")
    assert fault.value.smaller_may_help
    assert now < 30


@pytest.mark.parametrize("status", [200, 500, 403])
def test_a_refusal_and_a_preface_are_read_no_further_than_they_matter(status: int) -> None:
    pieces = CountedPieces(repeat(bytes(1 << 16)))
    with pytest.raises((FeedUnavailable, FeedForbidden)) if status != 200 else nullcontext():
        asking = client(lambda _: httpx.Response(status, stream=pieces))
        asking.who_am_i() if status == 200 else asking.fetch("/feed/assets")
    assert pieces.taken <= 2


def test_a_page_of_too_many_bytes_is_too_large_and_may_be_smaller() -> None:
    packed = gzip.compress(bytes(70 << 20))
    with pytest.raises(PageTooLarge, match="40 MiB: give a smaller `page_size`") as refusal:
        answering_gzipped(packed).fetch("/feed/assets")
    assert refusal.value.smaller_may_help


@pytest.mark.parametrize(("size", "accepted"), [(1000, False), (50, False), (25, True)])
def test_a_large_page_is_accepted_where_no_smaller_one_is_possible(size: int, accepted: bool) -> None:
    body = orjson.dumps({"metadata": {}, "data": [{"text": "x" * (LARGE_PAGE_BYTES + 1)}]})
    with nullcontext() if accepted else pytest.raises(PageTooLarge, match="12 MiB"):
        page = answering_gzipped(gzip.compress(body)).fetch(f"/feed/assets?limit={size}")
        assert page.size == len(body)


def answering_gzipped(packed: bytes) -> FeedClient:
    headers = {"content-encoding": "gzip"}
    return client(lambda _: httpx.Response(200, headers=headers, stream=httpx.ByteStream(packed)))


class CountedPieces(httpx.SyncByteStream):
    """A body that comes in pieces, and notes how many of them have been taken."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self.taken = 0
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self.taken += 1
            yield piece


def reported_by(pieces: CountedPieces, **headers: str) -> list[tuple[str, int]]:
    """Return the next cursors that a page reports, each with the number of pieces received by then."""
    reported: list[tuple[str, int]] = []
    answering_in_pieces = client(lambda _: httpx.Response(200, headers=headers, stream=pieces))
    answering_in_pieces.fetch("/feed/assets", lambda cursor: reported.append((cursor, pieces.taken)))
    return reported


class TestNextPageSeenEarly:
    def test_it_is_reported_before_the_body_is_complete(self) -> None:
        assert reported_by(
            CountedPieces([b'{"metadata":{"next_pa', b'ge":"/feed/assets?2"},', b'"data":[{}', b"]}"])
        ) == [("/feed/assets?2", 2)]

    def test_it_is_reported_from_a_compressed_body(self) -> None:
        records = [{"id": number, "text": f"{number * 7919:x}"} for number in range(2000)]
        body = gzip.compress(orjson.dumps({"metadata": {"next_page": "/feed/assets?2"}, "data": records}))
        pieces = CountedPieces([body[:1000], body[1000:]])
        assert reported_by(pieces, **{"content-encoding": "gzip"}) == [("/feed/assets?2", 1)]

    @pytest.mark.parametrize(
        "body",
        [
            b'{"data":[],"metadata":{"next_page":"/feed/assets?2"}}',
            b'{"metadata":{"more":{"next_page":"/no"},"next_page":"/feed/assets?2"},"data":[]}',
        ],
    )
    def test_a_late_cursor_is_reported_after_the_complete_page(self, body: bytes) -> None:
        assert reported_by(CountedPieces([body[:-2], body[-2:]])) == [("/feed/assets?2", 2)]

    def test_long_metadata_is_awaited_to_its_end(self) -> None:
        body = b'{"metadata":{"more":"' + b"a" * EARLY_BYTES + b'","next_page":"/feed/assets?2"},"data":[]}'
        assert reported_by(CountedPieces([body[:EARLY_BYTES], body[EARLY_BYTES:-2], body[-2:]])) == [
            ("/feed/assets?2", 3)
        ]

    @pytest.mark.parametrize("end", [b"null", b'""'])
    def test_at_the_end_of_the_feed_nothing_is_reported(self, end: bytes) -> None:
        assert reported_by(CountedPieces([b'{"metadata":{"next_page":%b},' % end, b'"data":[]}'])) == []

    def test_the_page_that_reported_it_may_still_fail(self) -> None:
        reported: list[str] = []
        with pytest.raises(FeedUnavailable, match="not JSON"):
            answering(200, content=b'{"metadata":{"next_page":"/2"},"data":[{"id"').fetch("/1", reported.append)
        assert reported == ["/2"]


NOON = "Wed, 21 Oct 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "7", "x-ratelimit-reset": "30"}, 7.0),
        ({"x-ratelimit-reset": "30"}, 30.0),
        ({"retry-after": "Wed, 21 Oct 2026 12:01:30 GMT", "date": NOON}, 90.0),
        ({"retry-after": "Wed, 21 Oct 2026 11:59:00 GMT", "date": NOON}, 0.0),
        ({"retry-after": "Wed, 21 Oct 2026 12:01:30 -0000", "date": NOON}, 90.0),
        ({"retry-after": "Wed, 21 Oct 1998 12:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "soon", "x-ratelimit-reset": "30"}, 30.0),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({}, None),
    ],
)
def test_the_pause_is_what_the_answer_asks_for(headers: dict[str, str], seconds: float | None) -> None:
    assert requested_pause(httpx.Headers(headers)) == seconds


def test_the_reset_header_of_other_errors_is_ignored() -> None:
    assert retry_after(httpx.Headers({"x-ratelimit-reset": "30"})) is None
    for status, pause in ((429, 30.0), (503, None)):
        with pytest.raises((RateLimited, FeedUnavailable)) as fault:
            answering(status, {"x-ratelimit-reset": "30"}).fetch("/feed/assets")
        assert fault.value.pause_seconds == pause


@pytest.mark.parametrize(
    ("answer", "may_help"),
    [(status, True) for status in (400, 408, 413, 416, 422, 500, 502, 503, 504, 520, 522, 524)]
    + [(status, False) for status in (402, 409, 414, 425, 429, 451)],
)
def test_some_refusals_may_be_for_the_size_of_the_page(answer: int, may_help: bool) -> None:
    with pytest.raises((FeedRefused, Retryable)) as refusal:
        answering(answer).fetch("/feed/assets")
    assert isinstance(refusal.value, FeedRefused | Retryable)
    assert refusal.value.smaller_may_help is may_help


def test_a_server_that_asks_for_a_pause_is_not_asked_for_less() -> None:
    with pytest.raises(FeedUnavailable) as fault:
        answering(503, {"retry-after": "7"}).fetch("/feed/assets")
    assert (fault.value.pause_seconds, fault.value.smaller_may_help) == (7, False)


@pytest.mark.parametrize("status", [429, 500, 200])
def test_a_message_above_the_limit_of_grpc_is_one_for_its_size(status: int) -> None:
    expected_text = orjson.dumps(
        {"code": 8, "message": "grpc: received message larger than max (15387750 vs. 4194304)"}
    )
    with pytest.raises((FeedRefused, FeedUnavailable)) as refusal:
        answering(status, content=expected_text).fetch("/feed/assets")
    assert isinstance(refusal.value, FeedRefused | FeedUnavailable)
    assert refusal.value.smaller_may_help


@pytest.mark.parametrize(
    ("failure", "may_help"),
    [(httpx.ConnectError, False), (httpx.ConnectTimeout, False), (httpx.ReadTimeout, True), (httpx.ReadError, True)],
)
def test_a_host_that_is_not_there_is_not_so_for_the_size_of_the_page(
    failure: type[httpx.TransportError], may_help: bool
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise failure("broken", request=request)

    with pytest.raises(FeedUnreachable) as fault:
        client(answer).fetch("/feed/assets")
    assert fault.value.smaller_may_help is may_help


@pytest.mark.parametrize("status", [200, 403, 404])
def test_a_token_that_may_not_read_itself_may_still_read_a_feed(status: int) -> None:
    answering(status).who_am_i()
    with pytest.raises(TokenRefused):
        answering(401).who_am_i()


class TestFieldDefinitions:
    def of(self, *answers: httpx.Response) -> tuple[list[dict[str, Any]] | None, list[Any], list[float]]:
        """Return what the client makes of *answers*, what it asked, and what it slept."""
        requested: list[Any] = []
        slept: list[float] = []
        remaining = iter(answers)

        def answer(request: httpx.Request) -> httpx.Response:
            assert (request.method, request.url.path) == ("POST", FIELDS_LIST)
            requested.append(orjson.loads(request.content))
            return next(remaining)

        found = FeedClient(
            ORIGIN, SecretToken("scapi_1"), httpx.MockTransport(answer), slept.append
        ).field_definitions()
        return found, requested, slept

    def page(self, *ids: str, following: str | None = "") -> httpx.Response:
        return httpx.Response(200, json={"result": [{"id": id_} for id_ in ids], "next_page_token": following})

    def test_all_pages_of_them_are_read(self) -> None:
        found, requested, _ = self.of(self.page("a", "b", following="more"), self.page("c", following=None))
        assert (found, requested) == ([{"id": "a"}, {"id": "b"}, {"id": "c"}], [{}, {"page_token": "more"}])

    def test_a_list_that_does_not_page_is_not_asked_for_ever(self) -> None:
        found, requested, _ = self.of(*(self.page("a", following="more") for _ in range(9)))
        assert (found, len(requested)) == ([{"id": "a"}], 2)

    @pytest.mark.parametrize("status", [400, 401, 403, 404])
    def test_a_token_that_may_not_costs_the_export_nothing(self, status: int) -> None:
        found, requested, slept = self.of(*(httpx.Response(status) for _ in range(9)))
        assert (found, len(requested), slept) == (None, 1, [])

    @pytest.mark.parametrize(
        "faulty",
        [
            httpx.Response(500),
            httpx.Response(429, headers={"retry-after": "0"}),
            httpx.Response(200, content=b"<html>"),
            httpx.Response(200, json=[]),
            httpx.Response(200, json={"result": [7]}),
        ],
    )
    def test_a_fault_is_met_by_asking_once_more(self, faulty: httpx.Response) -> None:
        assert self.of(faulty, self.page("a"))[0] == [{"id": "a"}]
        found, requested, _ = self.of(faulty, faulty, self.page("a"))
        assert (found, len(requested)) == (None, 2)

    def test_a_long_pause_is_not_worth_it(self) -> None:
        assert self.of(httpx.Response(429, headers={"retry-after": "30"})) == (None, [{}], [])

    def test_a_list_that_is_slow_is_done_without_when_its_time_is_over(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(feed_client, "DEFINITIONS_SECONDS", 0.2)
        requested = 0

        def slow(_: httpx.Request) -> httpx.Response:
            nonlocal requested
            requested += 1
            time.sleep(0.05)
            return self.page(str(requested), following=str(requested))

        assert client(slow).field_definitions() is None
        assert 0 < requested <= 4

    def test_a_page_of_it_that_trickles_in_is_done_without_too(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(feed_client, "DEFINITIONS_SECONDS", 0.2)

        def trickle() -> Iterator[bytes]:
            yield b'{"result": ['
            for _ in range(50):
                time.sleep(0.05)
                yield b" "
            yield b"]}"

        pieces = CountedPieces(trickle())
        assert client(lambda _: httpx.Response(200, stream=pieces)).field_definitions() is None
        assert 0 < pieces.taken <= 6
