import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from assetline.http.idle_connections import IdleConnections, prepared

IDLE_SECONDS = 30.0


@pytest.fixture
def idle() -> Iterator[IdleConnections]:
    with closing(IdleConnections(IDLE_SECONDS)) as idle:
        yield idle


def connection() -> socket.socket:
    return socket.socket(socket.AF_INET, socket.SOCK_STREAM)


def test_the_connection_used_last_is_taken_first(idle: IdleConnections) -> None:
    first, last = connection(), connection()
    idle.keep(first)
    idle.keep(last)
    assert [idle.take(), idle.take(), idle.take()] == [last, first, None]
    for taken in (first, last):
        taken.close()


def test_a_connection_that_was_idle_for_too_long_is_closed() -> None:
    idle, kept = IdleConnections(0.0), connection()
    idle.keep(kept)
    assert (idle.take(), kept.fileno()) == (None, -1)


def test_closing_closes_all_connections(idle: IdleConnections) -> None:
    kept = [connection(), connection()]
    for each in kept:
        idle.keep(each)
    idle.close()
    assert (len(idle), [each.fileno() for each in kept]) == (0, [-1, -1])


def test_a_connection_that_cannot_be_prepared_is_closed() -> None:
    one_end, other_end = socket.socketpair(socket.AF_UNIX)  # it has no options of TCP
    with other_end, pytest.raises(OSError, match="not supported"):
        prepared(one_end, None, "host")
    assert one_end.fileno() == -1


def test_a_prepared_connection_sends_small_writes_at_once() -> None:
    with prepared(connection(), None, "host") as ready:
        assert ready.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
