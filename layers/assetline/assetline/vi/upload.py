"""Files to the signed URLs that Vi gives: one PUT each (contract sheet, section 4.2)."""

from collections.abc import Iterator

import httpcore

from assetline.errors import UploadUrlExpired, ViRefused, ViUnavailable, ViUnreachable
from assetline.vi.sessions import Upload

CONNECTIONS = 64
_TIMEOUT = {"connect": 5.0, "read": 120.0, "write": 120.0, "pool": 120.0}
_FORBIDDEN = 403
_TOO_MANY = 429
_SERVER_ERROR = 500


class Uploader:
    """Puts files, many at once from as many threads; connections are kept.

    It stands on httpcore, which is what httpx stands on: a session has thousands of small files, and for these the
    layer between the two costs as much as the transfer. Nothing of it is needed here: no credentials, no redirects.
    """

    def __init__(self) -> None:
        self._pool = httpcore.ConnectionPool(
            max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS, keepalive_expiry=30, retries=1
        )

    def put(self, upload: Upload, body: bytes | Iterator[bytes], size: int) -> dict[str, str]:
        """Put the *size* bytes of a file where *upload* says, and return the headers of the answer, in lower case.

        Raises:
            UploadUrlExpired: 403.
            ViUnavailable: 5xx or 429.
            ViUnreachable: no answer.
            ViRefused: any other answer that is not 2xx. No message holds the URL.
        """
        headers = {name.lower(): value for name, value in upload.headers.items()} | {"content-length": str(size)}
        headers.pop("host", None)
        try:
            url = httpcore.URL(upload.url)
            headers["host"] = _host_of(url)
            answer = self._pool.request(
                "PUT",
                url,
                headers=[(name.encode(), value.encode()) for name, value in headers.items()],
                content=body,
                extensions={"timeout": _TIMEOUT},
            )
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
            raise ViUnreachable(f"The upload did not get through ({type(error).__name__}).") from None
        if answer.status == _FORBIDDEN:
            raise UploadUrlExpired("The signed URL is no longer taken (403).")
        if answer.status >= _SERVER_ERROR or answer.status == _TOO_MANY:
            raise ViUnavailable(f"The upload was answered {answer.status}.")
        if not 200 <= answer.status < 300:
            raise ViRefused(f"The upload was refused ({answer.status}).")
        return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers}

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()


def _host_of(url: httpcore.URL) -> str:
    default = {b"http": 80, b"https": 443}.get(url.scheme)
    host = url.host.decode("ascii")
    host = f"[{host}]" if ":" in host else host
    return host if url.port in {None, default} else f"{host}:{url.port}"
