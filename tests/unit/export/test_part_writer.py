import threading
import time
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetline.errors import PartsExhausted
from assetline.export import part_writer as parts
from assetline.export.checkpoint import Checkpoint
from assetline.export.part_writer import PartWriter
from assetline.export.sealed_parts import MIN_PART_BYTES, SealedPart, part_bytes, prove

GIB = 1024**3
PATIENCE_SECONDS = 600  # only for what never comes


class Shelf:
    """A store for parts; keeps the latest under each number, as S3 does."""

    def __init__(self) -> None:
        self.parts: dict[int, bytes] = {}

    def put(self, number: int, body: bytes) -> None:
        self.parts[number] = body

    def joined(self) -> bytes:
        return b"".join(self.parts[number] for number in sorted(self.parts))


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "part_bytes", lambda _: 16)
    monkeypatch.setattr(parts, "MIN_PART_BYTES", 10)


def write_in_turns(shelf: Shelf, turns: list[list[bytes]]) -> Checkpoint:
    checkpoint, tail = Checkpoint(cursor="/1"), b""
    sealed: list[SealedPart] = []
    for number, turn in enumerate(turns, start=1):
        with PartWriter(checkpoint, tail, sealed, shelf.put) as writer:
            for rendered in turn:
                writer.write(rendered)
            if number == len(turns):
                writer.end_feed()
            else:
                tail = writer.end_turn()
                assert len(tail) < 10
        checkpoint = Checkpoint(cursor="/n", next_part=writer.next_part, bytes=writer.bytes, crc32=writer.crc32)
    prove(sealed, checkpoint)
    return checkpoint


turns_of_writes = st.lists(st.lists(st.binary(max_size=40), max_size=6), min_size=1, max_size=6)


@given(turns_of_writes)
def test_however_it_is_cut_into_turns_the_parts_are_the_bytes_written(turns: list[list[bytes]]) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(parts, "part_bytes", lambda _: 16)
        patched.setattr(parts, "MIN_PART_BYTES", 10)
        shelf = Shelf()
        after = write_in_turns(shelf, turns)
        everything = b"".join(rendered for turn in turns for rendered in turn)
        assert shelf.joined() == everything
        assert (after.bytes, after.crc32) == (len(everything), zlib.crc32(everything))
        assert sorted(shelf.parts) == list(range(1, after.next_part))
        assert all(len(shelf.parts[number]) >= 10 for number in range(1, after.next_part - 1))


@pytest.mark.usefixtures("small_parts")
def test_a_part_is_uploaded_while_the_next_one_fills() -> None:
    arrived, may_finish = threading.Event(), threading.Event()

    def slow_put(_number: int, _body: bytes) -> None:
        arrived.set()
        assert may_finish.wait(5)

    with PartWriter(Checkpoint(cursor="/1"), b"", [], slow_put) as writer:
        writer.write(b"a" * 16)
        assert arrived.wait(5)
        writer.write(b"b" * 15)  # returns although part 1 is still under way
        may_finish.set()


@pytest.mark.usefixtures("small_parts")
def test_an_upload_that_fails_is_raised_before_the_turn_ends() -> None:
    def broken_put(_number: int, _body: bytes) -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError), PartWriter(Checkpoint(cursor="/1"), b"", [], broken_put) as writer:
        writer.write(b"a" * 16)


@pytest.mark.usefixtures("small_parts")
def test_a_callback_runs_once_its_parts_are_stored() -> None:
    called: list[str] = []
    may_finish = threading.Event()

    def slow_put(_number: int, _body: bytes) -> None:
        assert may_finish.wait(5)
        called.append("put")

    with PartWriter(Checkpoint(cursor="/1"), b"", [], slow_put) as writer:
        writer.write(b"a" * 20)
        writer.when_stored(lambda: called.append("note"))
        assert (called, writer.tail()) == ([], b"a" * 4)
        may_finish.set()
    assert called == ["put", "note"]


@pytest.mark.usefixtures("small_parts")
def test_callbacks_of_a_part_that_is_not_stored_are_never_called() -> None:
    def broken_put(_number: int, _body: bytes) -> None:
        raise ConnectionError

    called: list[str] = []

    def turn() -> None:
        with PartWriter(Checkpoint(cursor="/1"), b"", [], broken_put) as writer:
            writer.write(b"a" * 16)
            writer.when_stored(lambda: called.append("note"))

    with pytest.raises(ConnectionError):
        turn()
    assert called == []


@pytest.mark.usefixtures("small_parts")
def test_a_callback_of_a_turn_that_ends_first_is_never_called() -> None:
    called, turn_ended = list[str](), threading.Event()

    def slow_put(_number: int, _body: bytes) -> None:
        turn_ended.wait(PATIENCE_SECONDS)

    with PartWriter(Checkpoint(cursor="/1"), b"", [], slow_put) as writer:
        writer.write(b"a" * 20)
        writer.when_stored(lambda: called.append("note"))
        writer.end_feed()
        turn_ended.set()
    assert called == []


@pytest.mark.usefixtures("small_parts")
def test_the_last_part_is_stored_beside_the_one_before_it() -> None:
    together = threading.Barrier(2)

    def put_together(_number: int, _body: bytes) -> None:
        together.wait(PATIENCE_SECONDS)

    with PartWriter(Checkpoint(cursor="/1"), b"", [], put_together) as writer:
        writer.write(b"a" * 20)
        writer.end_feed()
    assert writer.next_part == 3


@pytest.mark.usefixtures("small_parts")
def test_the_last_sealed_part_is_stored_at_the_end_of_the_writer() -> None:
    shelf = Shelf()

    def slow_put(number: int, body: bytes) -> None:
        time.sleep(0.05)
        shelf.put(number, body)

    with PartWriter(Checkpoint(cursor="/1"), b"", [], slow_put) as writer:
        writer.write(b"a" * 12)
        assert writer.end_turn() == b""
        assert shelf.parts == {}
    assert shelf.parts == {1: b"a" * 12}


@pytest.mark.usefixtures("small_parts")
def test_a_loop_writes_no_part_beyond_its_range() -> None:
    with PartWriter(Checkpoint(cursor="/1", next_part=3, last_part=3), b"", [], Shelf().put) as writer:
        writer.write(b"a" * 16)
        with pytest.raises(PartsExhausted):
            writer.write(b"a" * 16)


def test_every_part_is_of_a_size_s3_takes_and_they_reach_any_feed() -> None:
    sizes = [part_bytes(number) for number in range(1, 10_001)]
    assert min(sizes) >= MIN_PART_BYTES
    assert max(sizes) <= 32 * 1024**2
    assert sizes == sorted(sizes)
    assert sum(sizes) >= 200 * GIB
