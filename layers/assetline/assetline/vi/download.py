"""Files from the signed URLs that Vi gives: one GET each (contract sheet, section 8)."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urljoin, urlsplit

import httpcore

from assetline.errors import DownloadUrlExpired, ViRefused, ViUnavailable, ViUnreachable

CONNECTIONS = 64
REDIRECTS = 5  # ours: the official client follows them too
_TIMEOUT = {"connect": 5.0, "read": 60.0, "write": 30.0, "pool": 120.0}
_REDIRECTED = frozenset({301, 302, 303, 307, 308})
_REFUSED = frozenset({401, 403, 404, 410})  # a URL that has expired, or leads to what was replaced
_TOO_MANY = 429
_SERVER_ERROR = 500


class Downloader:
    """Gets files, many at once from as many threads; connections are kept.

    It stands on httpcore, as `Uploader` does and for the same reason: a dataset has thousands of small files.
    """

    def __init__(self) -> None:
        self._pool = httpcore.ConnectionPool(
            max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS, keepalive_expiry=30, retries=1
        )

    @contextmanager
    def opened(self, url: str, headers: Mapping[str, str]) -> Iterator[Iterator[bytes]]:
        """Give out the bytes behind a signed URL as they come; what is not read to its end is not fetched either.

        Raises:
            DownloadUrlExpired: 401, 403, 404 or 410.
            ViUnavailable: 5xx or 429.
            ViUnreachable: no answer, or one that was cut short.
            ViRefused: any other answer that is not 200. No message holds the URL.
        """
        asked, sent = _address(url), _encoded(headers)
        try:
            for _ in range(REDIRECTS + 1):
                with self._pool.stream("GET", asked, headers=sent, extensions={"timeout": _TIMEOUT}) as answer:
                    if answer.status in _REDIRECTED:
                        url = _led_to(url, answer)
                        asked = _address(url)
                        continue
                    _check(answer.status)
                    yield answer.iter_stream()
                    return
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
            raise ViUnreachable(f"The download did not get through ({type(error).__name__}).") from None
        raise ViRefused(f"The download was redirected more than {REDIRECTS} times.")

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()


def _address(url: str) -> httpcore.URL:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or not url.isascii() or not url.isprintable():
        raise ViRefused("The address that Vi gave for the file is none that can be asked.")
    return httpcore.URL(url)


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    sent = {"accept": "*/*", "accept-encoding": "identity"} | {name.lower(): headers[name] for name in headers}
    return [(name.encode("latin-1", "replace"), value.encode("latin-1", "replace")) for name, value in sent.items()]


def _led_to(url: str, answer: httpcore.Response) -> str:
    location = next((value for name, value in answer.headers if name.lower() == b"location"), b"").decode("latin-1")
    led_to = urljoin(url, location)
    allowed = {"https"} if urlsplit(url).scheme == "https" else {"http", "https"}
    if not location or urlsplit(led_to).scheme not in allowed:
        raise ViRefused("The download was redirected to where it is not followed.")
    return led_to


def _check(status: int) -> None:
    if status in _REFUSED:
        raise DownloadUrlExpired(f"The signed URL is no longer taken ({status}).")
    if status >= _SERVER_ERROR or status == _TOO_MANY:
        raise ViUnavailable(f"The download was answered {status}.")
    if status != 200:
        raise ViRefused(f"The download was refused ({status}).")
