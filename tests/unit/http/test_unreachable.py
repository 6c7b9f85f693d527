"""Each way not to reach a host has its own sentence: they are looked for in different places."""

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread

import httpx
import pytest

from assetline.credentials import Token
from assetline.errors import FeedUnreachable, ViUnreachable
from assetline.http.body_pace import TooSlow
from assetline.http.unreachable import why_unreachable
from assetline.safetyculture.client import FeedClient
from assetline.vi.client import ViClient
from tests.support.vi_key import AnyKey

ORIGIN = httpx.URL("https://api.example:8443")


def feed_error(origin: str) -> str:
    with pytest.raises(FeedUnreachable) as failure:
        FeedClient(origin, Token("arn:secret", lambda _: "scapi_1")).fetch("/feed/assets")
    return str(failure.value)


def vi_error(origin: str) -> str:
    with pytest.raises(ViUnreachable) as failure:
        ViClient(origin, AnyKey("arn:vi")).send("GET", "/x")
    return str(failure.value)


both = pytest.mark.parametrize("returns", [feed_error, vi_error])


@both
def test_a_host_that_has_no_address(returns: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert returns("https://api.exmaple").startswith(
        "DNS does not resolve the host api.exmaple (Name or service not known)."
    )


@both
def test_a_host_that_refuses_the_connection(returns: Callable[[str], str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
    assert returns(origin).startswith(f"{origin} refused the connection (ConnectError).")


@both
def test_a_host_that_does_not_speak_tls(returns: Callable[[str], str]) -> None:
    with answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        assert returns(f"https://127.0.0.1:{port}").startswith("TLS with 127.0.0.1 failed (WRONG_VERSION_NUMBER).")


@both
def test_a_host_that_does_not_speak_http(returns: Callable[[str], str]) -> None:
    with answering(b"SSH-2.0-OpenSSH_9.6\r\n") as port:
        message = returns(f"http://127.0.0.1:{port}")
    assert message.startswith(f"The answer of http://127.0.0.1:{port} was cut short, or was not HTTP")


def certificate_refused() -> Exception:
    cause = ssl.SSLCertVerificationError(1, "certificate verify failed")
    cause.verify_message = "certificate has expired"
    error = httpx.ConnectError("hidden")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (certificate_refused(), "The TLS certificate of api.example is not valid for it (certificate has expired)."),
        (
            httpx.ConnectTimeout("hidden"),
            "https://api.example:8443 did not accept a connection in time (ConnectTimeout).",
        ),
        (httpx.ReadTimeout("hidden"), "https://api.example:8443 did not answer in time (ReadTimeout)."),
        (httpx.ProxyError("hidden"), "The proxy did not lead to https://api.example:8443 (ProxyError)."),
        (httpx.ConnectError("hidden"), "There is no route to https://api.example:8443 (ConnectError)."),
        (httpx.ReadError("hidden"), "The connection to https://api.example:8443 was lost (ReadError)."),
        (TooSlow("The answer stalled"), "The answer stalled, from https://api.example:8443 (TooSlow)."),
    ],
)
def test_a_sentence_names_the_failure_and_quotes_no_request(error: Exception, sentence: str) -> None:
    assert why_unreachable(error, ORIGIN) == sentence


@contextmanager
def answering(answer: bytes) -> Iterator[int]:
    """Serve *answer* to every client, for any request."""

    def serve(listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(10_000)
                connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=serve, args=[listener], daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)
