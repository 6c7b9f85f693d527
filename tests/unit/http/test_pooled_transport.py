"""The transport against a server that sends the bytes of a test."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field

import httpx
import pytest

from assetline.budget import Budget
from assetline.credentials import Token
from assetline.http.pooled_transport import ANSWER_SECONDS, KeptConnections, transport_to
from assetline.paging.reader import PageReader, Start
from assetline.safetyculture.client import FeedClient
from tests.support.waiting import until

COMPLETE = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nbody"
SECONDS = 0.2  # at most, for what a test waits for in vain
DRIPS_SECONDS = 60  # less than a body that drips lasts, and far more than a busy machine takes to end it


@dataclass
class Scripted:
    """A server that gives one answer after another, and notes the requests of every connection."""

    answers: list[bytes]
    hangs_up: bool = False
    connections: list[list[bytes]] = field(default_factory=list)
    latest: socket.socket | None = None
    hung_up: threading.Event = field(default_factory=threading.Event)

    def serve(self, listener: socket.socket) -> None:
        while self.answers:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.connections.append([])
            self.latest = connection
            with connection:
                self._serve(connection, self.connections[-1])
            self.hung_up.set()

    def hang_up(self) -> None:
        if self.latest and self.latest.fileno() >= 0:
            self.latest.shutdown(socket.SHUT_RDWR)

    def _serve(self, connection: socket.socket, requests: list[bytes]) -> None:
        with connection.makefile("rb") as incoming:
            while self.answers and (head := _head(incoming)):
                requests.append(head)
                connection.sendall(self.answers.pop(0))
                if self.hangs_up:
                    return
            incoming.read(1)  # until the other side ends it


def _head(incoming: Iterator[bytes]) -> bytes:
    lines = []
    for line in incoming:
        lines.append(line)
        if line == b"\r\n":
            break
    return b"".join(lines)


@contextmanager
def serving(*answers: bytes, hangs_up: bool = False) -> Iterator[tuple[str, Scripted]]:
    script = Scripted([*answers], hangs_up=hangs_up)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=script.serve, args=[listener], daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", script
        listener.shutdown(socket.SHUT_RDWR)
        script.hang_up()
    thread.join(5)


@pytest.fixture
def kept() -> Iterator[Callable[[str, float], KeptConnections]]:
    made: list[KeptConnections] = []

    def to(origin: str, idle_seconds: float = 30) -> KeptConnections:
        made.append(KeptConnections(httpx.URL(origin), idle_seconds))
        return made[-1]

    yield to
    for transport in made:
        transport.close()


type Kept = Callable[..., KeptConnections]


def request(origin: str, body: bytes | None = None) -> httpx.Request:
    extensions = {"timeout": httpx.Timeout(5, read=SECONDS).as_dict()}
    return httpx.Request("POST" if body else "GET", f"{origin}/feed?a=%2F", content=body, extensions=extensions)


def requested(transport: httpx.BaseTransport, origin: str) -> bytes:
    with closing(transport.handle_request(request(origin))) as response:
        return response.read()


def test_a_request_goes_out_as_it_is(kept: Kept) -> None:
    with (
        serving(COMPLETE) as (origin, script),
        closing(kept(origin).handle_request(request(origin, b"{}"))) as response,
    ):
        assert (response.status_code, response.read()) == (200, b"body")
    (head,) = script.connections[0]
    assert head.splitlines() == [
        b"POST /feed?a=%2F HTTP/1.1",
        b"Host: " + origin.removeprefix("http://").encode(),
        b"Content-Length: 2",
        b"",
    ]


@pytest.mark.parametrize(
    "answer", [COMPLETE, b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n"]
)
def test_a_connection_is_used_again(kept: Kept, answer: bytes) -> None:
    with serving(answer, answer, answer) as (origin, script):
        transport = kept(origin)
        assert [requested(transport, origin) for _ in range(3)] == [b"body"] * 3
    assert [len(requests) for requests in script.connections] == [3]


def test_one_that_was_ended_while_it_was_idle_is_not(kept: Kept) -> None:
    with serving(COMPLETE, COMPLETE, hangs_up=True) as (origin, script):
        transport = kept(origin)
        assert requested(transport, origin) == b"body"
        assert script.hung_up.wait(5)
        assert requested(transport, origin) == b"body"
    assert [len(requests) for requests in script.connections] == [1, 1]


def test_one_that_was_idle_for_long_is_not(kept: Kept) -> None:
    with serving(COMPLETE, COMPLETE) as (origin, script):
        transport = kept(origin, idle_seconds=0)
        assert [requested(transport, origin) for _ in range(2)] == [b"body"] * 2
    assert [len(requests) for requests in script.connections] == [1, 1]


class TestAhead:
    def test_a_request_ahead_leaves_over_an_open_connection(self, kept: Kept) -> None:
        with serving(COMPLETE, COMPLETE) as (origin, script):
            transport = kept(origin)
            requested(transport, origin)
            transport.send_ahead(ahead := request(origin))
            until(lambda: len(script.connections[0]) == 2, "the request ahead", every=0.001)
            arrived = len(script.connections[0])
            with closing(transport.handle_request(ahead)) as response:
                assert response.read() == b"body"
        assert (arrived, [len(requests) for requests in script.connections]) == (2, [2])

    def test_without_an_open_connection_nothing_is_awaited(self, kept: Kept) -> None:
        with serving(COMPLETE) as (origin, script):
            transport = kept(origin)
            transport.send_ahead(ahead := request(origin))
            assert script.connections == []
            with closing(transport.handle_request(ahead)) as response:
                assert response.read() == b"body"
        assert [len(requests) for requests in script.connections] == [1]

    def test_an_unsent_request_is_sent_again(self, kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("assetline.http.pooled_transport._readable", lambda _: False)
        with serving(COMPLETE, COMPLETE) as (origin, script):
            transport = kept(origin)
            requested(transport, origin)
            transport._idle._kept[0][0].shutdown(socket.SHUT_WR)
            transport.send_ahead(ahead := request(origin))
            with closing(transport.handle_request(ahead)) as response:
                assert response.read() == b"body"
        assert [len(requests) for requests in script.connections] == [1, 1]

    def test_a_request_that_is_handled_twice_leaves_twice(self, kept: Kept) -> None:
        with serving(COMPLETE, COMPLETE, COMPLETE) as (origin, script):
            transport = kept(origin)
            requested(transport, origin)
            transport.send_ahead(ahead := request(origin))
            for _ in range(2):
                with closing(transport.handle_request(ahead)) as response:
                    assert response.read() == b"body"
        assert [len(requests) for requests in script.connections] == [3]


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 4\r\n\r\nbody", b"HTTP/1.0 200 OK\r\n\r\nbody"]
)
def test_one_that_the_answer_closes_is_not(kept: Kept, answer: bytes) -> None:
    with serving(answer, answer, hangs_up=True) as (origin, script):
        transport = kept(origin)
        assert [requested(transport, origin) for _ in range(2)] == [b"body"] * 2
    assert [len(requests) for requests in script.connections] == [1, 1]


def test_one_whose_answer_was_not_read_to_its_end_is_not(kept: Kept) -> None:
    with serving(COMPLETE[:-1], COMPLETE) as (origin, script):
        transport = kept(origin)
        transport.handle_request(request(origin)).close()
        assert requested(transport, origin) == b"body"
    assert [len(requests) for requests in script.connections] == [1, 1]


def test_bytes_before_an_answer_are_not_the_answer(kept: Kept) -> None:
    early = b"HTTP/1.1 103 Early Hints\r\ncontent-length: 9\r\n\r\n"
    with serving(early + COMPLETE, COMPLETE) as (origin, script):
        transport = kept(origin)
        assert [requested(transport, origin) for _ in range(2)] == [b"body"] * 2
    assert [len(requests) for requests in script.connections] == [2]


def test_a_header_that_would_be_two_is_not_sent(kept: Kept) -> None:
    with serving() as (origin, script):
        two = request(origin)
        two.headers["authorization"] = "Bearer a\r\nx: b"
        with pytest.raises(httpx.LocalProtocolError) as refusal:
            kept(origin).handle_request(two)
    assert "Bearer" not in str(refusal.value)
    assert [b for requests in script.connections for b in requests] == []


@pytest.mark.parametrize(
    ("answer", "hangs_up", "failure"),
    [
        (b"", True, httpx.RemoteProtocolError),
        (b"SMTP ready\r\n", True, httpx.RemoteProtocolError),
        (COMPLETE[:-1], True, httpx.RemoteProtocolError),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nbo", True, httpx.RemoteProtocolError),
        (b"", False, httpx.ReadTimeout),
        (COMPLETE[:-1], False, httpx.ReadTimeout),
    ],
)
def test_half_an_answer_is_an_error_of_httpx(
    kept: Kept, answer: bytes, hangs_up: bool, failure: type[httpx.TransportError]
) -> None:
    with serving(answer, b"", hangs_up=hangs_up) as (origin, _):
        transport = kept(origin)
        with pytest.raises(failure):
            requested(transport, origin)
        assert len(transport._idle) == 0


class TestDeadline:
    @pytest.mark.parametrize(
        "earlier", [b"", b"HTTP/1.1 200 OK\r\n", COMPLETE[:-4]], ids=["nothing", "a head", "a body"]
    )
    def test_an_answer_that_drips_ends_in_time_wherever_it_drips(self, kept: Kept, earlier: bytes) -> None:
        with dripping(earlier, b"x" if earlier != b"HTTP/1.1 200 OK\r\n" else b"x: y\r\n") as origin:
            slow = request(origin)
            slow.extensions |= {ANSWER_SECONDS: SECONDS}
            began = time.monotonic()
            with (
                pytest.raises((httpx.ReadTimeout, httpx.RemoteProtocolError)),
                closing(kept(origin).handle_request(slow)) as response,
            ):
                response.read()
            assert time.monotonic() - began < DRIPS_SECONDS

    @pytest.mark.parametrize("earlier", [b"HTTP/1.1 200 OK\r\n", COMPLETE[:-4]], ids=["a head", "a body"])
    def test_a_turn_whose_page_drips_ends_in_time_at_that_page(
        self, earlier: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("assetline.safetyculture.client.PAGE_SECONDS", SECONDS)
        with dripping(earlier, b"x: y\r\n") as origin:
            client = FeedClient(origin, Token("arn:secret", lambda _: "scapi_1"))
            began = time.monotonic()
            with PageReader(client.ask, Start("/feed/assets"), Budget(SECONDS / 2)) as reader:
                assert [*reader] == []
            assert time.monotonic() - began < DRIPS_SECONDS
            client.close()
        assert (reader.cursor, reader.faults) == ("/feed/assets", 1)

    def test_a_head_that_drips_ends_with_the_read_timeout(self, kept: Kept) -> None:
        with dripping(b"HTTP/1.1 200 OK\r\n", b"x: y\r\n") as origin, pytest.raises(httpx.ReadTimeout):
            requested(kept(origin), origin)


@contextmanager
def dripping(earlier: bytes, drop: bytes) -> Iterator[str]:
    """Serve one answer: *earlier*, then a *drop* now and then, as long as the client reads."""
    ended = threading.Event()

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            _head(connection.makefile("rb"))
            connection.sendall(earlier.replace(b"content-length: 4", b"content-length: 4000"))
            while not ended.wait(SECONDS / 10):
                connection.sendall(drop)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=[listener], daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        ended.set()
    thread.join(5)


def test_a_request_for_a_tls_host_never_goes_to_one_without_tls(kept: Kept) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as server:
        received = server.submit(_greet, listener)
        secure = f"https://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(httpx.ConnectError):
            requested(kept(secure), secure)
        assert b"feed" not in received.result(5)


def _greet(listener: socket.socket) -> bytes:
    connection, _ = listener.accept()
    with connection:
        received = connection.recv(10_000)
        connection.sendall(b"SSH-2.0\r\n")
    return received


def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "near.example")
    far, near = (transport_to(httpx.URL(f"https://{host}.example"), 30) for host in ("far", "near"))
    assert (type(far), type(near)) == (httpx.HTTPTransport, KeptConnections)
    far.close()
