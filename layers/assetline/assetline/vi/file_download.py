"""Downloads files from the signed URLs that Vi sends: one GET each (docs/contracts/vi-api.md, section 8)."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urljoin, urlsplit

from assetline.errors import ViRefused, ViUnavailable
from assetline.http.signed_url_door import SignedUrlDoor
from assetline.http.signed_url_requests import Answer, SignedRequests
from assetline.vi.signed_url import SignedUrlExpired

REDIRECTS = 5  # ours: the official client follows redirects too
READ_SECONDS = 60.0
_REDIRECTED = frozenset({301, 302, 303, 307, 308})
_REFUSED = frozenset({401, 403, 404, 410})  # the URL has expired, or its object was replaced
_TOO_MANY = 429
_SERVER_ERROR = 500
_HEADERS = {"accept": "*/*", "accept-encoding": "identity"}


class Downloader:
    """Downloads files, many at once, from addresses that the API at *api_origin* may name. It is thread-safe."""

    def __init__(self, api_origin: str) -> None:
        self._requests = SignedRequests(READ_SECONDS, door=SignedUrlDoor(api_origin))

    @contextmanager
    def opened(self, url: str, headers: Mapping[str, str]) -> Iterator[Iterator[bytes]]:
        """Yield the bytes behind a signed URL as they arrive; leaving early ends the transfer.

        Raises:
            SignedUrlExpired: 401, 403, 404 or 410.
            ViUnavailable: 5xx or 429.
            ViUnreachable: no answer, or one that was cut short.
            SignedUrlRefused: the URL or a header is refused; nothing was sent.
            ViRefused: any other answer that is not 200. No message quotes the URL.
        """
        sent = _HEADERS | {name.lower(): value for name, value in headers.items()}
        for _ in range(REDIRECTS + 1):
            with self._requests.sent("GET", url, sent) as answer:
                if answer.status in _REDIRECTED:
                    url = _led_to(url, answer)
                    continue
                _check(answer.status)
                yield answer.pieces()
                return
        raise ViRefused(f"The download was redirected more than {REDIRECTS} times.")

    def close(self) -> None:
        """Close the connections."""
        self._requests.close()


def _led_to(url: str, answer: Answer) -> str:
    location = answer.headers.get("location", "")
    led_to = urljoin(url, location)
    allowed = {"https"} if urlsplit(url).scheme == "https" else {"http", "https"}
    if not location or urlsplit(led_to).scheme not in allowed:
        raise ViRefused("The download was redirected to an address that is not allowed.")
    return led_to


def _check(status: int) -> None:
    if status in _REFUSED:
        raise SignedUrlExpired(f"The signed URL was refused, probably because it has expired ({status}).")
    if status >= _SERVER_ERROR or status == _TOO_MANY:
        raise ViUnavailable(f"The file's server answered the download with {status}.")
    if status != 200:
        raise ViRefused(f"The download was refused ({status}).")
