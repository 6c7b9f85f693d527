"""A stack goes with the process that uses it, also when that is killed."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from local.paths import ROOT
from local.stack.processes import stop
from local.stack.state_file import Record
from tests.support.waiting import until

USES_A_STACK = """
import os, sys, time
from pathlib import Path
from local.stack.processes import start
from local.stack.reaper import stopped_with_this_process
from local.stack.state_file import Record

folder = Path(sys.argv[1])
folder.mkdir()
with stopped_with_this_process(folder):
    server = start("family", ["/bin/sh", "-c", "sleep 600; :"], launch="", env=dict(os.environ), log=folder / "log")
    Record({"family": server}).write(folder)
    print("ready", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_process_leaves_no_server_and_no_folder(tmp_path: Path, how: signal.Signals) -> None:
    folder = tmp_path / "stack"
    with started(folder) as user:
        server = Record.read(folder).servers["family"]
        user.send_signal(how)
    until(lambda: not server.processes() and not folder.exists(), "the end of the stack")


def test_a_process_that_ends_its_block_keeps_what_it_keeps(tmp_path: Path) -> None:
    folder = tmp_path / "stack"
    with started(folder) as user:
        server = Record.read(folder).servers["family"]
        user.communicate(b"")
    assert folder.exists()
    assert server.alive()
    stop([server])


def started(folder: Path) -> "subprocess.Popen[bytes]":
    """Start a process that uses a stack, and return it when its server runs."""
    command = [sys.executable, "-c", USES_A_STACK, str(folder)]
    user = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert user.stdout is not None
    assert user.stdout.readline() == b"ready\n"
    return user
