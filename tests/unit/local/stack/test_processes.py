"""Servers are stopped with their children, and no other process is."""

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from local.errors import ToolMissing
from local.stack.processes import Server, start, stop
from tests.support.waiting import until

FAMILY = "sleep 60 & sleep 60"


@pytest.fixture
def family(tmp_path: Path) -> Iterator[Server]:
    server = start_shell(FAMILY, tmp_path)
    wait_for_processes(server, 3)
    yield server
    stop([server])


def start_shell(script: str, folder: Path) -> Server:
    return start("family", ["/bin/sh", "-c", f"{script}; :"], launch="", env=dict(os.environ), log=folder / "log")


def wait_for_processes(server: Server, count: int) -> None:
    until(lambda: len(server.processes()) == count, f"{count} processes", every=0.01)


def test_stopping_a_server_stops_its_children(family: Server) -> None:
    assert family.alive()
    stop([family])
    assert family.processes() == []
    assert not family.alive()


def test_children_that_outlive_their_server_are_still_its_own(family: Server) -> None:
    os.kill(family.pid, 9)
    wait_for_processes(family, 2)
    assert not family.alive()
    stop([family])
    assert family.processes() == []


def test_a_process_that_has_the_pid_of_an_earlier_server_is_not_it(family: Server) -> None:
    earlier = replace(family, started=family.started - 1)
    stop([earlier])
    assert not earlier.alive()
    assert family.alive()


def test_a_server_that_will_not_end_is_killed(tmp_path: Path) -> None:
    stubborn = start_shell("trap : TERM; while :; do sleep 0.05; done", tmp_path)
    time.sleep(0.1)
    stop([stubborn], grace_seconds=0.2)
    assert stubborn.processes() == []


def test_a_program_that_is_not_installed_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ToolMissing, match="nowhere is not installed: run `make up`"):
        start("nobody", [tmp_path / "nowhere"], launch="", env={}, log=tmp_path / "log")
