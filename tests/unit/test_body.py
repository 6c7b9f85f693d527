import gzip
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetline.http.decompression import BEGINNING_BYTES, decompressed

GZIPPED = {"content-encoding": "gzip"}


class Pieces(httpx.SyncByteStream):
    def __init__(self, body: bytes, size: int) -> None:
        self._pieces = [body[at : at + size] for at in range(0, len(body), size)]

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._pieces)


@given(st.binary(max_size=64), st.integers(0, 3 * BEGINNING_BYTES), st.integers(1, 10_000))
def test_a_body_is_what_was_compressed_however_it_comes(seed: bytes, times: int, size: int) -> None:
    body = seed * times
    answer = httpx.Response(200, headers=GZIPPED, stream=Pieces(gzip.compress(body), size))
    assert b"".join(decompressed(answer)) == body


def test_its_beginning_is_there_before_the_rest_is_decompressed() -> None:
    body = bytes(100_000)
    pieces = decompressed(httpx.Response(200, headers=GZIPPED, stream=Pieces(gzip.compress(body), 100_000)))
    assert next(pieces) == body[:BEGINNING_BYTES]


def test_one_that_is_not_compressed_comes_as_it_is() -> None:
    assert [*decompressed(httpx.Response(200, stream=Pieces(b"abcd", 3)))] == [b"abc", b"d"]


def test_one_that_only_claims_to_be_is_refused() -> None:
    with pytest.raises(httpx.DecodingError):
        [*decompressed(httpx.Response(200, headers=GZIPPED, stream=Pieces(b"not gzip", 3)))]
