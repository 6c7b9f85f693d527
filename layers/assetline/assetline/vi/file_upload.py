"""Files to the signed URLs that Vi gives: one PUT each (contract sheet, section 4.2)."""

from collections.abc import Iterator

from assetline.errors import UploadUrlExpired, ViRefused, ViUnavailable
from assetline.http.signed_url_requests import SignedRequests
from assetline.vi.ingestion_sessions import Upload

READ_SECONDS = 120.0
_FORBIDDEN = 403
_TOO_MANY = 429
_SERVER_ERROR = 500


class Uploader:
    """Puts files, many at once from as many threads; connections are kept."""

    def __init__(self) -> None:
        self._requests = SignedRequests(READ_SECONDS)

    def put(self, upload: Upload, body: bytes | Iterator[bytes], size: int) -> dict[str, str]:
        """Put the *size* bytes of a file where *upload* says, and return the headers of the answer, in lower case.

        Raises:
            UploadUrlExpired: 403.
            ViUnavailable: 5xx or 429.
            ViUnreachable: no answer.
            ViRefused: any other answer that is not 2xx. No message holds the URL.
        """
        headers = {name.lower(): value for name, value in upload.headers.items()} | {"content-length": str(size)}
        with self._requests.sent("PUT", upload.url, headers, body) as answer:
            for _ in answer.pieces():
                pass  # read to its end, its connection serves again
        if answer.status == _FORBIDDEN:
            raise UploadUrlExpired("The signed URL is no longer taken (403).")
        if answer.status >= _SERVER_ERROR or answer.status == _TOO_MANY:
            raise ViUnavailable(f"The upload was answered {answer.status}.")
        if not 200 <= answer.status < 300:
            raise ViRefused(f"The upload was refused ({answer.status}).")
        return answer.headers

    def close(self) -> None:
        """Close the connections."""
        self._requests.close()
