"""Files to the signed URLs that Vi gives: one PUT each (docs/contracts/vi-api.md, section 4.2)."""

from collections.abc import Iterator

from assetline.errors import UploadDamaged, ViRefused, ViUnavailable
from assetline.http.signed_url_door import SignedUrlDoor
from assetline.http.signed_url_requests import SignedRequests
from assetline.vi import crc32c
from assetline.vi.signed_url import SignedUrl, SignedUrlExpired

READ_SECONDS = 120.0
_STORED = "x-goog-hash"  # Google Cloud Storage: checksums of what it stored
_FORBIDDEN = 403
_TOO_MANY = 429
_SERVER_ERROR = 500


class Uploader:
    """Puts files where the API at *api_origin* may say, many at once from as many threads; connections are kept."""

    def __init__(self, api_origin: str) -> None:
        self._requests = SignedRequests(READ_SECONDS, door=SignedUrlDoor(api_origin))

    def put(
        self, upload: SignedUrl, body: bytes | Iterator[bytes], size: int, *, verify: bool = False
    ) -> dict[str, str]:
        """Put the *size* bytes of a file where *upload* says, and return the headers of the answer, in lower case.

        With *verify*, the CRC32C of the bytes sent is compared with that of the answer, if it holds one.

        Raises:
            UploadDamaged: the two differ.
            SignedUrlExpired: 403.
            ViUnavailable: 5xx or 429.
            ViUnreachable: no answer.
            SignedUrlRefused: the URL or a header is none that is sent; nothing was.
            ViRefused: any other answer that is not 2xx. No message holds the URL.
        """
        headers = {name.lower(): value for name, value in upload.headers.items()} | {"content-length": str(size)}
        sent = crc32c.Crc32c()
        if verify:
            body = _summed(body, sent)
        with self._requests.sent("PUT", upload.url, headers, body) as answer:
            for _ in answer.pieces():
                pass  # read to its end, its connection serves again
        if answer.status == _FORBIDDEN:
            raise SignedUrlExpired("The signed URL is no longer taken (403).")
        if answer.status >= _SERVER_ERROR or answer.status == _TOO_MANY:
            raise ViUnavailable(f"The upload was answered {answer.status}.")
        if not 200 <= answer.status < 300:
            raise ViRefused(f"The upload was refused ({answer.status}).")
        stored = crc32c.from_google(answer.headers.get(_STORED, "")) if verify else None
        if stored is not None and stored != sent.signed:
            raise UploadDamaged(f"CRC32C of the bytes sent: {sent.signed}. CRC32C of those stored: {stored}.")
        return answer.headers

    def close(self) -> None:
        """Close the connections."""
        self._requests.close()


def _summed(body: bytes | Iterator[bytes], checksum: crc32c.Crc32c) -> bytes | Iterator[bytes]:
    """Return *body*, whose bytes go into *checksum* as they are sent."""
    if isinstance(body, bytes):
        checksum.update(body)
        return body
    return _summed_pieces(body, checksum)


def _summed_pieces(pieces: Iterator[bytes], checksum: crc32c.Crc32c) -> Iterator[bytes]:
    for piece in pieces:
        checksum.update(piece)
        yield piece
