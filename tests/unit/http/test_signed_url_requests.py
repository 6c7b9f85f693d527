"""Requests to signed URLs: what comes back is read as HTTP has it, however it comes, on connections used again."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress

import pytest

from assetline.errors import SignedUrlRefused, ViUnreachable
from assetline.http.signed_url_requests import SignedRequests

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"


class SignedUrlServer:
    """Answers each request on a connection with the next of *answers*; an answer is pieces, sent one by one."""

    def __init__(self, *connections: list[list[bytes]]) -> None:
        self._connections = connections
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []
        self.accepted = 0

    @contextmanager
    def running(self) -> Iterator[str]:
        with closing(socket.create_server(("127.0.0.1", 0))) as listener:
            thread = threading.Thread(target=self._serve, args=(listener,))
            thread.start()
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
            thread.join(5)

    def _serve(self, listener: socket.socket) -> None:
        for answers in self._connections:
            connection, _ = listener.accept()
            self.accepted += 1
            with closing(connection):
                for answer in answers:
                    with suppress(OSError):
                        self._receive(connection)
                        for piece in answer:
                            connection.sendall(piece)

    def _receive(self, connection: socket.socket) -> None:
        came = b""
        while b"\r\n\r\n" not in came:
            piece = connection.recv(65536)
            if not piece:
                return
            came += piece
        head, _, body = came.partition(b"\r\n\r\n")
        length = next((int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"content-length:")), 0)
        while len(body) < length and (piece := connection.recv(65536)):
            body += piece
        self.heads.append(head)
        self.bodies.append(body)


@pytest.fixture
def requests() -> Iterator[SignedRequests]:
    with closing(SignedRequests(read_seconds=5)) as requests:
        yield requests


def got(requests: SignedRequests, url: str) -> tuple[int, bytes]:
    with requests.sent("GET", url, {"accept": "*/*"}) as answer:
        return answer.status, b"".join(answer.pieces())


@pytest.mark.parametrize(
    "pieces",
    [
        [OK],
        [bytes([item]) for item in OK],
        [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n", b"3\r\nllo\r\n0\r\n\r\n"],
        [b"HTTP/1.1 100 Continue\r\n\r\n", OK],
        [b"HTTP/1.0 200 OK\r\n\r\nhel", b"lo"],
    ],
)
def test_an_answer_is_complete_in_any_pieces(requests: SignedRequests, pieces: list[bytes]) -> None:
    server = SignedUrlServer([pieces])
    with server.running() as url:
        assert got(requests, f"{url}/a%20b?signature=1%2B2") == (200, b"hello")
    assert server.heads[0].startswith(b"GET /a%20b?signature=1%2B2 HTTP/1.1\r\nhost: 127.0.0.1:")


def test_a_connection_is_used_again_and_a_dead_one_replaced(requests: SignedRequests) -> None:
    server = SignedUrlServer([[OK], [OK], [OK]], [[OK]])
    with server.running() as url:
        assert [got(requests, url) for _ in range(4)] == [(200, b"hello")] * 4
    assert server.accepted == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\ncontent-le",
        b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n6\r\nhello",
        b"this is no answer\r\n\r\n",
    ],
)
def test_half_an_answer_is_none(requests: SignedRequests, answer: bytes) -> None:
    with SignedUrlServer([[answer]]).running() as url, pytest.raises(ViUnreachable) as raised:
        got(requests, f"{url}/secret")
    assert "secret" not in str(raised.value)


def test_an_answer_with_connection_close_ends_its_connection(requests: SignedRequests) -> None:
    closes = OK.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")
    server = SignedUrlServer([[closes]], [[OK]])
    with server.running() as url:
        assert [got(requests, url) for _ in range(2)] == [(200, b"hello")] * 2
    assert server.accepted == 2


def test_an_unread_rest_is_not_mistaken_for_the_next_answer(requests: SignedRequests) -> None:
    long = b"HTTP/1.1 200 OK\r\ncontent-length: 200000\r\n\r\n" + b"a" * 200_000
    server = SignedUrlServer([[long], [OK]], [[OK]])
    with server.running() as url:
        with requests.sent("GET", url, {}) as answer:
            assert answer.status == 200
        assert got(requests, url) == (200, b"hello")
    assert (server.accepted, len(server.heads)) == (2, 2)


@pytest.mark.parametrize("body", [b"ab" * 50_000, None])
def test_a_body_is_sent_at_once_or_in_pieces(requests: SignedRequests, body: bytes | None) -> None:
    server = SignedUrlServer([[OK]])
    sent: Callable[[], Iterator[bytes]] = lambda: iter([b"ab" * 10_000] * 5)  # noqa: E731
    with server.running() as url, requests.sent("PUT", url, {"content-length": "100000"}, body or sent()) as answer:
        assert b"".join(answer.pieces()) == b"hello"
    assert server.bodies == [b"ab" * 50_000]


def test_a_refusal_in_the_middle_of_a_body_is_received(requests: SignedRequests) -> None:
    refusal = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"

    def body() -> Iterator[bytes]:
        yield b"a" * 1000
        served.wait(5)
        for _ in range(100):
            yield b"a" * 100_000

    served = threading.Event()
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            connection.recv(10)
            connection.sendall(refusal)
            connection.shutdown(socket.SHUT_WR)
            served.set()
            with suppress(OSError):
                while connection.recv(65536):
                    pass
            connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with requests.sent("PUT", url, {"content-length": "10001000"}, body()) as answer:
            assert answer.status == 403
        thread.join(5)


@pytest.mark.parametrize("url", ["ftp://x/y", "http://", "http://x:99999/", "//x", "http://x/a b", "http://x/\n", "é"])
def test_an_invalid_address_is_refused(requests: SignedRequests, url: str) -> None:
    with pytest.raises(SignedUrlRefused) as raised, requests.sent("GET", url, {}):
        pass
    assert url not in str(raised.value) or len(url) == 1


def test_no_header_becomes_two(requests: SignedRequests) -> None:
    with pytest.raises(SignedUrlRefused), requests.sent("GET", "http://127.0.0.1:9/", {"a": "b\r\nc: d"}):
        pass


def test_a_missing_server_is_no_answer(requests: SignedRequests) -> None:
    with pytest.raises(ViUnreachable, match="ConnectionRefusedError"), requests.sent("GET", "http://127.0.0.1:9/", {}):
        pass
