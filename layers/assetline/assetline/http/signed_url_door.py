"""Decides which signed URLs the program may request.

An API sends hosts and headers, but the program runs inside a network that the API has no access to. A URL must be as
safe as its API: https if the API is https, and no private address unless the API has one, as on the local stack. The
check takes place when a connection is made, after DNS. A public name may resolve to a private address, and an address
has many spellings.
"""

import ipaddress
import re
import socket
from collections.abc import Iterator, Mapping
from urllib.parse import SplitResult, urlsplit

from assetline.errors import SignedUrlRefused

PORTS = {"http": 80, "https": 443}

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.1: a token
_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")  # RFC 9110, section 5.5: no control characters except tab
_FRAMING = frozenset({"connection", "te", "trailer", "transfer-encoding", "upgrade"})  # set by the client, RFC 9112
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: an IPv4 address in its last 32 bits

type Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class SignedUrlDoor:
    """Checks URLs and addresses that the API at *api_origin* sends."""

    def __init__(self, api_origin: str) -> None:
        api = urlsplit(api_origin)
        self._https_only = api.scheme == "https"
        self._api_host = api.hostname or ""
        self._public_only: bool | None = None

    def check(self, parts: SplitResult) -> None:
        """Raise `SignedUrlRefused` for a URL that is not https although the API is."""
        if self._https_only and parts.scheme != "https":
            raise SignedUrlRefused(
                "Vi sent a signed URL that is not https. Assetline sent no request to it. Ask Datature's support."
            )

    def addresses(self, host: str, port: int) -> list[str]:
        """Return the addresses of *host*.

        Raises:
            SignedUrlRefused: an address is not public (loopback, link-local, private), but the API is.
            OSError: DNS has no such host.
        """
        found = [*_addresses(host, port)]
        if self._only_public() and not all(map(_is_public, found)):
            raise SignedUrlRefused(
                "Vi sent a signed URL that leads into a private network. Assetline sent no request to it. "
                "Ask Datature's support."
            )
        return [str(address) for address in found]

    def _only_public(self) -> bool:
        if self._public_only is None:
            try:
                self._public_only = all(map(_is_public, _addresses(self._api_host, 0)))
            except OSError:
                return True  # the next call looks up the API again
        return self._public_only


def checked_parts(url: str) -> SplitResult:
    """Return the parts of a URL. Raise `SignedUrlRefused` for an invalid one. No message quotes it."""
    try:
        parts = urlsplit(url)
        known = parts.scheme in PORTS and parts.hostname and url.isascii() and url.isprintable() and parts.port != 0
    except ValueError:
        known = False
    if not known or " " in url:
        raise SignedUrlRefused("Vi sent an invalid address for a file. Ask Datature's support.")
    return parts


def check_headers(headers: Mapping[str, str]) -> None:
    """Raise `SignedUrlRefused` for an invalid header, or one that frames a request."""
    for name, value in headers.items():
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value) or name.lower() in _FRAMING:
            raise SignedUrlRefused("Vi sent an invalid header for the request of a file. Ask Datature's support.")


def _addresses(host: str, port: int) -> Iterator[Address]:
    for *_, place in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        yield ipaddress.ip_address(str(place[0]).partition("%")[0])


def _is_public(address: Address) -> bool:
    inner: Address | None = None
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.is_global and not address.is_multicast if inner is None else _is_public(inner)
