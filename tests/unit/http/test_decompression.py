import gzip
import io
import tracemalloc
from collections.abc import Iterable, Iterator
from itertools import repeat

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetline.http.body_pace import LEAST_BYTES, WINDOW_SECONDS, BodyPace, TooSlow
from assetline.http.decompression import BEGINNING_BYTES, PIECE_BYTES, BodyTooLarge, decompressed

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


@pytest.mark.parametrize("coding", ["GZIP", "x-gzip", "X-GZip", " gzip ", "identity, gzip", "gzip,"])
def test_the_name_of_a_coding_has_no_case_and_an_alias(coding: str) -> None:
    answer = httpx.Response(200, headers={"content-encoding": coding}, stream=Pieces(gzip.compress(b"body"), 3))
    assert b"".join(decompressed(answer)) == b"body"


@pytest.mark.parametrize("coding", ["identity", ""])
def test_a_coding_that_is_none_leaves_the_body_as_it_is(coding: str) -> None:
    answer = httpx.Response(200, headers={"content-encoding": coding}, stream=Pieces(b"body", 3))
    assert b"".join(decompressed(answer)) == b"body"


def test_a_body_that_is_gzipped_twice_is_unzipped_twice() -> None:
    twice = gzip.compress(gzip.compress(b"body" * 999))
    answer = httpx.Response(200, headers={"content-encoding": "gzip, gzip"}, stream=Pieces(twice, 7))
    assert b"".join(decompressed(answer)) == b"body" * 999


@pytest.mark.parametrize("coding", ["br", "deflate", "gzip, br", "gzip, gzip, gzip"])
def test_a_coding_that_was_not_asked_for_is_refused(coding: str) -> None:
    with pytest.raises(httpx.DecodingError):
        [*decompressed(httpx.Response(200, headers={"content-encoding": coding}, stream=Pieces(b"body", 3)))]


@given(st.lists(st.binary(max_size=5000), min_size=1, max_size=5), st.integers(1, 3000), st.integers(0, 600))
def test_a_body_of_several_members_is_all_of_them(members: list[bytes], size: int, padding: int) -> None:
    packed = b"".join(gzip.compress(member) for member in members) + bytes(padding)
    answer = httpx.Response(200, headers=GZIPPED, stream=Pieces(packed, size))
    assert b"".join(decompressed(answer)) == b"".join(members)


@pytest.mark.parametrize("cut", [-1, -9, 40, 12])
def test_a_member_that_is_cut_short_is_refused(cut: int) -> None:
    packed = gzip.compress(b"first") + gzip.compress(bytes(range(256)))
    with pytest.raises(httpx.DecodingError):
        [*decompressed(httpx.Response(200, headers=GZIPPED, stream=Pieces(packed[:cut], 7)))]


def test_what_follows_the_members_and_is_none_is_refused() -> None:
    with pytest.raises(httpx.DecodingError):
        [*decompressed(httpx.Response(200, headers=GZIPPED, stream=Pieces(gzip.compress(b"body") + b"more", 99)))]


def bomb(megabytes: int) -> bytes:
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb") as file:
        file.writelines(repeat(bytes(1 << 20), megabytes))
    return packed.getvalue()


@pytest.mark.parametrize("times", [1, 2])
def test_what_is_unzipped_is_bounded_before_it_is_in_memory(times: int) -> None:
    packed = bomb(100) if times == 1 else gzip.compress(bomb(100))
    headers = {"content-encoding": ", ".join(["gzip"] * times)}
    answer = httpx.Response(200, headers=headers, stream=Pieces(packed, 64 << 10))
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
    answer = httpx.Response(200, stream=Pieces(bytes(1000), 100))
    with pytest.raises(BodyTooLarge):
        [*decompressed(answer, most_bytes=999)]
    assert len(b"".join(decompressed(answer, most_bytes=1000))) == 1000


class Clock:
    """A clock that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Dripping(httpx.SyncByteStream):
    """A body of which a piece comes every so many seconds."""

    def __init__(self, clock: Clock, every: float, pieces: Iterable[bytes]) -> None:
        self._clock, self._every, self._pieces = clock, every, pieces

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self._clock.now += self._every
            yield piece


class TestPace:
    @pytest.mark.parametrize(("every", "size"), [(1.0, 1), (5.0, 100), (30.0, 4000)])
    def test_a_body_that_drips_ends_with_the_window(self, every: float, size: int) -> None:
        clock = Clock()
        answer = httpx.Response(200, stream=Dripping(clock, every, repeat(bytes(size), 10_000)))
        with pytest.raises(TooSlow, match="bytes came in"):
            [*decompressed(answer, BodyPace(75, clock))]
        assert clock.now <= max(WINDOW_SECONDS, every)

    def test_a_body_that_falls_asleep_later_ends_too(self) -> None:
        clock = Clock()
        pieces = [bytes(1 << 16)] * 20 + [b"x"] * 100
        with pytest.raises(TooSlow):
            [*decompressed(httpx.Response(200, stream=Dripping(clock, 2.0, pieces)), BodyPace(1000, clock))]
        assert clock.now <= 40 + 2 * WINDOW_SECONDS

    def test_a_body_has_a_deadline_however_steadily_it_comes(self) -> None:
        clock = Clock()
        with pytest.raises(TooSlow, match="75 seconds"):
            [*decompressed(httpx.Response(200, stream=Dripping(clock, 1.0, repeat(bytes(2000)))), BodyPace(75, clock))]
        assert clock.now <= 77

    @pytest.mark.parametrize("pause", [0.0, 19.0])
    def test_a_server_that_thinks_in_the_middle_is_waited_for(self, pause: float) -> None:
        clock = Clock()
        pieces = [bytes(LEAST_BYTES)] * 3
        answer = httpx.Response(200, stream=Dripping(clock, pause, pieces))
        assert [*decompressed(answer, BodyPace(75, clock))] == pieces
