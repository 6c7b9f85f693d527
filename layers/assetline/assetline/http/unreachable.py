"""Why no whole answer came from a host, in one sentence: each cause is looked for in another place."""

import socket
import ssl
from collections.abc import Iterator

import httpx

from assetline.http.body_pace import TooSlow
from assetline.redaction import without_secrets

# The first that fits says it: what the system reported before what httpx calls it, the special before the general.
_SENTENCES: tuple[tuple[type[BaseException], str], ...] = (
    (socket.gaierror, "DNS does not know the host {host} ({said})."),
    (ssl.SSLCertVerificationError, "The TLS certificate of {host} is not valid for it ({said})."),
    (ssl.SSLError, "TLS with {host} failed ({said})."),
    (ConnectionRefusedError, "{origin} refused the connection ({kind})."),
    (TooSlow, "{said}, from {origin} ({kind})."),
    (httpx.ConnectTimeout, "{origin} did not accept a connection in time ({kind})."),
    (httpx.TimeoutException, "{origin} did not answer in time ({kind})."),
    (httpx.ProxyError, "The proxy did not lead to {origin} ({kind})."),
    (httpx.ProtocolError, "The answer of {origin} was cut short, or was not HTTP ({kind})."),
    (httpx.ConnectError, "There is no way to {origin} ({kind})."),
    (Exception, "The connection to {origin} broke off ({kind})."),
)
_NO_CONNECTION = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError, httpx.LocalProtocolError)


def why_unreachable(error: Exception, origin: httpx.URL) -> str:
    """Return a sentence that says what failed on the way to *origin* and back; it quotes nothing that was sent."""
    causes = [*_causes(error)]
    for kind, sentence in _SENTENCES:
        for cause in causes:
            if isinstance(cause, kind):
                said = without_secrets(_said(cause)) or type(error).__name__
                return sentence.format(host=origin.host, origin=origin, kind=type(error).__name__, said=said)
    raise AssertionError("the last sentence fits whatever there is")


def may_be_for_its_size(error: Exception) -> bool:
    """Say whether *error* may be due to what the answer had to carry: a connection was made, and then failed."""
    return not isinstance(error, _NO_CONNECTION)


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__


def _said(cause: BaseException) -> str:
    """Return the system's own words; of other errors none, since they may quote what was sent."""
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
