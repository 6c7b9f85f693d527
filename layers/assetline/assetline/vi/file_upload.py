"""Uploads files to the signed URLs that Vi sends: one PUT each (docs/contracts/vi-api.md, section 4.2)."""

from collections.abc import Iterator

from assetline.errors import UploadDamaged, ViRefused, ViUnavailable
from assetline.http.signed_url_door import SignedUrlDoor
from assetline.http.signed_url_requests import SignedRequests
from assetline.vi import crc32c
from assetline.vi.signed_url import SignedUrl, SignedUrlExpired

READ_SECONDS = 120.0
_STORED = "x-goog-hash"  # Google Cloud Storage: checksums of the stored bytes
_FORBIDDEN = 403
_TOO_MANY = 429
_SERVER_ERROR = 500


class Uploader:
    """Uploads files, many at once, to addresses that the API at *api_origin* may name. It is thread-safe."""

    def __init__(self, api_origin: str) -> None:
        self._requests = SignedRequests(READ_SECONDS, door=SignedUrlDoor(api_origin))

    def put(
        self, upload: SignedUrl, body: bytes | Iterator[bytes], size: int, *, verify: bool = False
    ) -> dict[str, str]:
        """Put the *size* bytes of a file to *upload*, and return the headers of the answer, in lower case.

        With *verify*, the CRC32C of the sent bytes must equal that of the answer, if the answer contains one.

        Raises:
            UploadDamaged: the checksums differ.
            SignedUrlExpired: 403.
            ViUnavailable: 5xx or 429.
            ViUnreachable: no answer.
            SignedUrlRefused: the URL or a header is refused; nothing was sent.
            ViRefused: any other answer that is not 2xx. No message quotes the URL.
        """
        headers = {name.lower(): value for name, value in upload.headers.items()} | {"content-length": str(size)}
        sent = crc32c.Crc32c()
        if verify:
            body = _summed(body, sent)
        with self._requests.sent("PUT", upload.url, headers, body) as answer:
            for _ in answer.pieces():
                pass  # after a complete read, the connection can be reused
        if answer.status == _FORBIDDEN:
            raise SignedUrlExpired("The signed URL was refused, probably because it has expired (403).")
        if answer.status >= _SERVER_ERROR or answer.status == _TOO_MANY:
            raise ViUnavailable(f"The file's server answered the upload with {answer.status}.")
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
    """Return *body*; its bytes are added to *checksum* as they are sent."""
    if isinstance(body, bytes):
        checksum.update(body)
        return body
    return _summed_pieces(body, checksum)


def _summed_pieces(pieces: Iterator[bytes], checksum: crc32c.Crc32c) -> Iterator[bytes]:
    for piece in pieces:
        checksum.update(piece)
        yield piece
