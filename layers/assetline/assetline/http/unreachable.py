"""Describes in one sentence why a host sent no complete answer. Each cause needs another remedy."""

import socket
import ssl
from collections.abc import Iterator

import httpx

from assetline.http.body_pace import TooSlow
from assetline.redaction import without_secrets

# The first match wins: system errors come before those of httpx, special ones before general ones.
_SENTENCES: tuple[tuple[type[BaseException], str], ...] = (
    (socket.gaierror, "DNS does not resolve the host {host} ({reason})."),
    (ssl.SSLCertVerificationError, "The TLS certificate of {host} is not valid for it ({reason})."),
    (ssl.SSLError, "TLS with {host} failed ({reason})."),
    (ConnectionRefusedError, "{origin} refused the connection ({kind})."),
    (TooSlow, "{reason}, from {origin} ({kind})."),
    (httpx.ConnectTimeout, "{origin} did not accept a connection in time ({kind})."),
    (httpx.TimeoutException, "{origin} did not answer in time ({kind})."),
    (httpx.ProxyError, "The proxy did not lead to {origin} ({kind})."),
    (httpx.ProtocolError, "The answer of {origin} was cut short, or was not HTTP ({kind})."),
    (httpx.ConnectError, "There is no route to {origin} ({kind})."),
    (Exception, "The connection to {origin} was lost ({kind})."),
)
_NO_CONNECTION = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError, httpx.LocalProtocolError)


def why_unreachable(error: Exception, origin: httpx.URL) -> str:
    """Return a sentence about the failure of a request to *origin*; it quotes no part of the request."""
    causes = [*_causes(error)]
    for kind, sentence in _SENTENCES:
        for cause in causes:
            if isinstance(cause, kind):
                reason = without_secrets(_reason(cause)) or type(error).__name__
                return sentence.format(host=origin.host, origin=origin, kind=type(error).__name__, reason=reason)
    raise AssertionError("the last sentence matches every exception")


def may_be_for_its_size(error: Exception) -> bool:
    """Return whether the size of the answer may have caused *error*: the connection was made, then failed."""
    return not isinstance(error, _NO_CONNECTION)


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__


def _reason(cause: BaseException) -> str:
    """Return the text of a system error. Other errors give none, since they may quote the request."""
    match cause:
        case ssl.SSLCertVerificationError():
            return str(cause.verify_message or "")
        case ssl.SSLError():
            return str(cause.reason or "")
        case socket.gaierror():
            return str(cause.strerror or "")
        case TooSlow():
            return str(cause)
    return ""
