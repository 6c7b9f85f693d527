import gzip
import io
import tracemalloc
from collections.abc import Iterator
from itertools import repeat

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetline.http.decompression import BEGINNING_BYTES, PIECE_BYTES, BodyTooLarge, decompressed

GZIPPED = {"content-encoding": "gzip"}


class SizedPieces(httpx.SyncByteStream):
    def __init__(self, body: bytes, size: int) -> None:
        self._pieces = [body[at : at + size] for at in range(0, len(body), size)]

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._pieces)


@given(st.binary(max_size=64), st.integers(0, 3 * BEGINNING_BYTES), st.integers(1, 10_000))
def test_a_body_is_what_was_compressed_however_it_comes(seed: bytes, times: int, size: int) -> None:
    body = seed * times
    answer = httpx.Response(200, headers=GZIPPED, stream=SizedPieces(gzip.compress(body), size))
    assert b"".join(decompressed(answer)) == body


def test_its_beginning_is_there_before_the_rest_is_decompressed() -> None:
    body = bytes(100_000)
    pieces = decompressed(httpx.Response(200, headers=GZIPPED, stream=SizedPieces(gzip.compress(body), 100_000)))
    assert next(pieces) == body[:BEGINNING_BYTES]


def test_one_that_is_not_compressed_comes_as_it_is() -> None:
    assert [*decompressed(httpx.Response(200, stream=SizedPieces(b"abcd", 3)))] == [b"abc", b"d"]


def test_one_that_only_claims_to_be_is_refused() -> None:
    with pytest.raises(httpx.DecodingError):
        [*decompressed(httpx.Response(200, headers=GZIPPED, stream=SizedPieces(b"not gzip", 3)))]


@pytest.mark.parametrize("coding", ["GZIP", "x-gzip", "X-GZip", " gzip ", "identity, gzip", "gzip,"])
def test_the_name_of_a_coding_has_no_case_and_an_alias(coding: str) -> None:
    answer = httpx.Response(200, headers={"content-encoding": coding}, stream=SizedPieces(gzip.compress(b"body"), 3))
    assert b"".join(decompressed(answer)) == b"body"


@pytest.mark.parametrize("coding", ["identity", ""])
def test_a_coding_that_is_none_leaves_the_body_as_it_is(coding: str) -> None:
    answer = httpx.Response(200, headers={"content-encoding": coding}, stream=SizedPieces(b"body", 3))
    assert b"".join(decompressed(answer)) == b"body"


def test_a_body_that_is_gzipped_twice_is_unzipped_twice() -> None:
    twice = gzip.compress(gzip.compress(b"body" * 999))
    answer = httpx.Response(200, headers={"content-encoding": "gzip, gzip"}, stream=SizedPieces(twice, 7))
    assert b"".join(decompressed(answer)) == b"body" * 999


@pytest.mark.parametrize("coding", ["br", "deflate", "gzip, br", "gzip, gzip, gzip"])
def test_a_coding_that_was_not_asked_for_is_refused(coding: str) -> None:
    with pytest.raises(httpx.DecodingError):
        [*decompressed(httpx.Response(200, headers={"content-encoding": coding}, stream=SizedPieces(b"body", 3)))]


@given(st.lists(st.binary(max_size=5000), min_size=1, max_size=5), st.integers(1, 3000), st.integers(0, 600))
def test_a_body_of_several_members_is_all_of_them(members: list[bytes], size: int, padding: int) -> None:
    packed = b"".join(gzip.compress(member) for member in members) + bytes(padding)
    answer = httpx.Response(200, headers=GZIPPED, stream=SizedPieces(packed, size))
    assert b"".join(decompressed(answer)) == b"".join(members)


@pytest.mark.parametrize("cut", [-1, -9, 40, 12])
def test_a_member_that_is_cut_short_is_refused(cut: int) -> None:
    packed = gzip.compress(b"first") + gzip.compress(bytes(range(256)))
    with pytest.raises(httpx.DecodingError):
        [*decompressed(httpx.Response(200, headers=GZIPPED, stream=SizedPieces(packed[:cut], 7)))]


def test_bytes_after_the_last_member_are_refused() -> None:
    with pytest.raises(httpx.DecodingError):
        [*decompressed(httpx.Response(200, headers=GZIPPED, stream=SizedPieces(gzip.compress(b"body") + b"more", 99)))]


def bomb(megabytes: int) -> bytes:
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb") as file:
        file.writelines(repeat(bytes(1 << 20), megabytes))
    return packed.getvalue()


@pytest.mark.parametrize("times", [1, 2])
def test_decompressed_bytes_are_limited_before_they_fill_memory(times: int) -> None:
    packed = bomb(100) if times == 1 else gzip.compress(bomb(100))
    headers = {"content-encoding": ", ".join(["gzip"] * times)}
    answer = httpx.Response(200, headers=headers, stream=SizedPieces(packed, 64 << 10))
    tracemalloc.start()
    came = 0
    with pytest.raises(BodyTooLarge):  # noqa: PT012 - what came before it counts
        for piece in decompressed(answer, most_bytes=10 << 20):
            came += len(piece)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert came <= 10 << 20
    assert peak < 16 * PIECE_BYTES < 10 << 20


def test_a_body_that_is_not_compressed_is_bounded_too() -> None:
    answer = httpx.Response(200, stream=SizedPieces(bytes(1000), 100))
    with pytest.raises(BodyTooLarge):
        [*decompressed(answer, most_bytes=999)]
    assert len(b"".join(decompressed(answer, most_bytes=1000))) == 1000
