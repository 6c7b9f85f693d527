"""Decompression of a body while it arrives, within limits of time and size."""

import zlib
from collections.abc import Iterator

import httpx

from assetline.http.body_pace import BodyPace

BEGINNING_BYTES = 2048  # ours: more than `metadata` takes, and decompressed within microseconds
PIECE_BYTES = 1 << 17  # ours: bytes decompressed at a time, so that a bomb is detected before it fills the memory
MAX_BODY_BYTES = 40 << 20  # ours: a thousand records of 300 custom fields are smaller, and a function has 512 MB

_GZIP = frozenset({"gzip", "x-gzip"})  # the same (RFC 9110, 8.4.1.3)
_MOST_CODINGS = 2  # ours: no server compresses three times


class BodyTooLarge(Exception):  # noqa: N818 - the body is at fault, not the code
    """A body exceeds the limit of *most_bytes*."""

    def __init__(self, most_bytes: int) -> None:
        super().__init__(most_bytes)
        self.most_bytes = most_bytes


def decompressed(
    response: httpx.Response, pace: BodyPace | None = None, most_bytes: int = MAX_BODY_BYTES
) -> Iterator[bytes]:
    """Yield the body of *response* in pieces; the first piece of each network read is small.

    The beginning of a page holds the address of the next one. The small first piece makes it available before the rest
    is decompressed.

    Raises:
        BodyTooLarge: the decompressed body exceeds *most_bytes*.
        httpx.TransportError: the body ends early, or is slower than *pace* allows.
        httpx.DecodingError: the body does not match its content coding.
    """
    pieces = _raw(response, pace or BodyPace())
    for _ in range(_layers(response.headers.get("content-encoding", ""))):
        pieces = _gunzipped(pieces)
    left = most_bytes
    for piece in pieces:
        left -= len(piece)
        if left < 0:
            raise BodyTooLarge(most_bytes)
        yield piece


def _layers(content_encoding: str) -> int:
    """Return how many times a body is gzipped. The names of codings ignore case (RFC 9110, 8.4.1)."""
    codings = [coding.strip().lower() for coding in content_encoding.split(",")]
    packed = [coding for coding in codings if coding not in {"", "identity"}]
    if not _GZIP.issuperset(packed) or len(packed) > _MOST_CODINGS:
        raise httpx.DecodingError("The body has a content coding that was not requested.")
    return len(packed)


def _gunzipped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Decompress one or more members (RFC 1952, 2.2) as their pieces arrive; zeros after a member are padding."""
    unzip = None
    try:
        for piece in pieces:
            left, most = piece, BEGINNING_BYTES
            while left:
                if unzip is None or unzip.eof:
                    left = left.lstrip(b"\0") if unzip else left
                    if not left:
                        break
                    unzip = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
                yield unzip.decompress(left, most)
                most = PIECE_BYTES
                while unzip.unconsumed_tail:
                    yield unzip.decompress(unzip.unconsumed_tail, most)
                while not unzip.eof and (rest := unzip.decompress(b"", most)):  # output that exceeded the limit
                    yield rest
                left = unzip.unused_data
    except zlib.error as error:
        raise httpx.DecodingError(str(error)) from None
    if unzip is not None and not unzip.eof:
        raise httpx.DecodingError("The gzipped body is cut short.")


def _raw(response: httpx.Response, pace: BodyPace) -> Iterator[bytes]:
    if isinstance(response.stream, httpx.SyncByteStream):
        for piece in response.stream:
            pace.arrived(len(piece))
            yield piece
