"""Which signed URLs may be asked: an API names hosts and headers, and this program is inside a network that it is not.

A URL is as safe as the API that gave it: https where the API is https, and no address of a private network unless the
API has one itself, as on the local stack. An address is judged where a connection is made, after DNS: a public name may
lead inside, and a number may be spelled in many ways.
"""

import ipaddress
import re
import socket
from collections.abc import Iterator, Mapping
from urllib.parse import SplitResult, urlsplit

from assetline.errors import SignedUrlRefused

PORTS = {"http": 80, "https": 443}

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.1: a token
_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")  # RFC 9110, section 5.5: without controls, but for the tab
_FRAMING = frozenset({"connection", "te", "trailer", "transfer-encoding", "upgrade"})  # ours to say, RFC 9112
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: an IPv4 address in its last 32 bits

type Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class SignedUrlDoor:
    """Lets through what the API at *api_origin* may name."""

    def __init__(self, api_origin: str) -> None:
        api = urlsplit(api_origin)
        self._https_only = api.scheme == "https"
        self._api_host = api.hostname or ""
        self._public_only: bool | None = None

    def check(self, parts: SplitResult) -> None:
        """Raise `SignedUrlRefused` for a URL that is less than https where the API is https."""
        if self._https_only and parts.scheme != "https":
            raise SignedUrlRefused("Vi gave a signed URL that is not https. Nothing was sent. Ask Datature's support.")

    def addresses(self, host: str, port: int) -> list[str]:
        """Return the addresses of *host*.

        Raises:
            SignedUrlRefused: one of them is loopback, link-local, private or otherwise not public, and the API is not.
            OSError: DNS does not know it.
        """
        found = [*_addresses(host, port)]
        if self._only_public() and not all(map(_is_public, found)):
            raise SignedUrlRefused(
                "Vi gave a signed URL that leads into a private network. Nothing was sent. Ask Datature's support."
            )
        return [str(address) for address in found]

    def _only_public(self) -> bool:
        if self._public_only is None:
            try:
                self._public_only = all(map(_is_public, _addresses(self._api_host, 0)))
            except OSError:
                return True  # an API that DNS does not know now is asked about again
        return self._public_only


def checked_parts(url: str) -> SplitResult:
    """Return the parts of a URL; raises `SignedUrlRefused` for one that cannot be asked. No message holds it."""
    try:
        parts = urlsplit(url)
        known = parts.scheme in PORTS and parts.hostname and url.isascii() and url.isprintable() and parts.port != 0
    except ValueError:
        known = False
    if not known or " " in url:
        raise SignedUrlRefused("The address that Vi gave for a file is none that can be asked. Ask Datature's support.")
    return parts


def check_headers(headers: Mapping[str, str]) -> None:
    """Raise `SignedUrlRefused` for a header that cannot be sent, or that says where a request ends."""
    for name, value in headers.items():
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value) or name.lower() in _FRAMING:
            raise SignedUrlRefused("A header that Vi asked for is none that can be sent. Ask Datature's support.")


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
