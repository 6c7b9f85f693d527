"""The processor time of the functions of a local stack: an environment is a process in the folder of its function."""

import os
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from local.paths import ROOT
from local.stack.ministack import MiniStack
from local.stack.processes import PROC, Process
from local.stack.state_file import Record

FUNCTIONS = ROOT / "functions"
_USER, _SYSTEM = 11, 12  # proc(5): fields after the name of a process

type Times = dict[tuple[str, Process], float]


def function_times(stack: Path) -> Times:
    """Return the seconds that each environment of the stack in the folder *stack* has used, with its function."""
    times: Times = {}
    for process in Record.read(stack).servers[MiniStack.NAME].processes():
        at = PROC / str(process.pid)
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended
            folder = (at / "cwd").readlink()
            if folder.parent == FUNCTIONS:
                times[folder.name, process] = seconds_of((at / "stat").read_text())
    return times


def seconds_of(stat: str) -> float:
    """Return the seconds of a process, user and system, from its file `stat`."""
    fields = stat.rpartition(")")[2].split()
    return (int(fields[_USER]) + int(fields[_SYSTEM])) / os.sysconf("SC_CLK_TCK")


def spent(earlier: Times, later: Times, functions: Collection[str]) -> float:
    """Return the seconds that environments of *functions* used between two looks.

    Raises:
        RuntimeError: an environment ended between them.
    """
    if ended := [function for function, process in earlier.keys() - later.keys() if function in functions]:
        raise RuntimeError(f"environments of {', '.join(sorted(ended))} ended while they were measured")
    return sum(
        seconds - earlier.get(environment, 0.0) for environment, seconds in later.items() if environment[0] in functions
    )
