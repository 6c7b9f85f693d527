"""The pace and the deadline of a body that comes in pieces."""

from collections.abc import Iterable, Iterator
from itertools import repeat

import httpx
import pytest

from assetline.http.body_pace import LEAST_BYTES, WINDOW_SECONDS, BodyPace, TooSlow
from assetline.http.decompression import decompressed
from tests.support.clock import ManualClock


class Dripping(httpx.SyncByteStream):
    """A body with a piece every few seconds."""

    def __init__(self, clock: ManualClock, every: float, pieces: Iterable[bytes]) -> None:
        self._clock, self._every, self._pieces = clock, every, pieces

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self._clock.now += self._every
            yield piece


class TestPace:
    @pytest.mark.parametrize(("every", "size"), [(1.0, 1), (5.0, 100), (30.0, 4000)])
    def test_a_body_that_drips_ends_with_the_window(self, every: float, size: int) -> None:
        clock = ManualClock()
        answer = httpx.Response(200, stream=Dripping(clock, every, repeat(bytes(size), 10_000)))
        with pytest.raises(TooSlow, match="bytes came in"):
            [*decompressed(answer, BodyPace(75, clock))]
        assert clock.now <= max(WINDOW_SECONDS, every)

    def test_a_body_that_falls_asleep_later_ends_too(self) -> None:
        clock = ManualClock()
        pieces = [bytes(1 << 16)] * 20 + [b"x"] * 100
        with pytest.raises(TooSlow):
            [*decompressed(httpx.Response(200, stream=Dripping(clock, 2.0, pieces)), BodyPace(1000, clock))]
        assert clock.now <= 40 + 2 * WINDOW_SECONDS

    def test_a_body_has_a_deadline_however_steadily_it_comes(self) -> None:
        clock = ManualClock()
        with pytest.raises(TooSlow, match="75 seconds"):
            [*decompressed(httpx.Response(200, stream=Dripping(clock, 1.0, repeat(bytes(2000)))), BodyPace(75, clock))]
        assert clock.now <= 77

    @pytest.mark.parametrize("pause", [0.0, 19.0])
    def test_a_server_that_thinks_in_the_middle_is_waited_for(self, pause: float) -> None:
        clock = ManualClock()
        pieces = [bytes(LEAST_BYTES)] * 3
        answer = httpx.Response(200, stream=Dripping(clock, pause, pieces))
        assert [*decompressed(answer, BodyPace(75, clock))] == pieces
