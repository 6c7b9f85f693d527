"""The body of an answer as it comes, decompressed."""

import zlib
from collections.abc import Iterator

import httpx

BEGINNING_BYTES = 2048  # ours: more than `metadata` takes, and unzipped in no time


def decompressed(response: httpx.Response) -> Iterator[bytes]:
    """Yield the body of *response* in pieces, of each that comes the beginning first.

    Where the next page is stands there, and need not wait until all that came with it is decompressed.

    Raises:
        httpx.TransportError: the body ends half-way.
        httpx.DecodingError: it is not what it says it is.
    """
    if "gzip" not in response.headers.get("content-encoding", ""):
        yield from _raw(response)
        return
    unzip = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        for piece in _raw(response):
            yield unzip.decompress(piece, BEGINNING_BYTES)
            yield unzip.decompress(unzip.unconsumed_tail)
    except zlib.error as error:
        raise httpx.DecodingError(str(error)) from None


def _raw(response: httpx.Response) -> Iterator[bytes]:
    if isinstance(response.stream, httpx.SyncByteStream):
        yield from response.stream
