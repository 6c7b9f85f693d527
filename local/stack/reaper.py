"""Stops a stack after the process that uses it has ended, for any reason.

    python -m local.stack.reaper FOLDER

It waits for the end of its input, a pipe that the other process holds open, and then stops what FOLDER records.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from local.paths import ROOT
from local.stack.processes import stop
from local.stack.state_file import Record, state_lock


@contextmanager
def stopped_with_this_process(folder: Path) -> Iterator[None]:
    """Stop the servers that *folder* records, and delete it, should this process die before the end of the block."""
    reads, writes = os.pipe()
    command = [sys.executable, "-m", "local.stack.reaper", str(folder)]
    reaper = subprocess.Popen(command, cwd=ROOT, stdin=reads, start_new_session=True)
    os.close(reads)
    try:
        yield
    finally:
        with suppress(BrokenPipeError):  # the reaper itself was killed
            os.write(writes, b"\n")  # the stack needs no reaper any more
        os.close(writes)
        reaper.wait()


def main(folder: Path) -> None:
    """Wait until the other process ends, or reports a regular end."""
    if sys.stdin.buffer.read() or not folder.exists():
        return
    with state_lock(folder):
        stop(Record.read(folder).servers.values())
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
