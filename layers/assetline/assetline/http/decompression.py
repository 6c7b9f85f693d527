"""The body of an answer as it comes, decompressed, within bounds of time and size."""

import zlib
from collections.abc import Iterator

import httpx

from assetline.http.body_pace import BodyPace

BEGINNING_BYTES = 2048  # ours: more than `metadata` takes, and unzipped in no time
PIECE_BYTES = 1 << 17  # ours: what is unzipped at a time, so that a bomb is noticed before it is in memory
MAX_BODY_BYTES = 40 << 20  # ours: a thousand records of 300 custom fields have less, and a function 512 MB

_GZIP = frozenset({"gzip", "x-gzip"})  # the same (RFC 9110, 8.4.1.3)
_MOST_CODINGS = 2  # ours: nobody packs three times


class BodyTooLarge(Exception):  # noqa: N818 - what came is at fault, not the code
    """A body has more than the bytes that are read of one."""


def decompressed(
    response: httpx.Response, pace: BodyPace | None = None, most_bytes: int = MAX_BODY_BYTES
) -> Iterator[bytes]:
    """Yield the body of *response* in pieces, of each that comes the beginning first.

    Where the next page is stands there, and need not wait until all that came with it is decompressed.

    Raises:
        BodyTooLarge: it has more than *most_bytes* when it is decompressed.
        httpx.TransportError: the body ends half-way, or comes slower than *pace* lets it.
        httpx.DecodingError: it is not what it says it is.
    """
    pieces = _raw(response, pace or BodyPace())
    for _ in range(_layers(response.headers.get("content-encoding", ""))):
        pieces = _gunzipped(pieces)
    left = most_bytes
    for piece in pieces:
        left -= len(piece)
        if left < 0:
            raise BodyTooLarge
        yield piece


def _layers(content_encoding: str) -> int:
    """Return how many times a body is gzipped; the names of codings have no case (RFC 9110, 8.4.1)."""
    codings = [coding.strip().lower() for coding in content_encoding.split(",")]
    packed = [coding for coding in codings if coding not in {"", "identity"}]
    if not _GZIP.issuperset(packed) or len(packed) > _MOST_CODINGS:
        raise httpx.DecodingError("The body has a content coding that was not asked for.")
    return len(packed)


def _gunzipped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Unzip a file of one member or more (RFC 1952, 2.2), as its pieces come; zeros after a member are padding."""
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
                while not unzip.eof and (rest := unzip.decompress(b"", most)):  # what did not fit, of all that came
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
