"""Servers that outlive the command that starts them; a later command finds and stops them.

A pid alone identifies no process: pids are reused. A server is its pid and its start time, and owns its process group,
in which its children are (MiniStack's are the functions).
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from local.errors import LocalStackFailed, ServerFailed, ToolMissing

PROC = Path("/proc")
POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Process:
    """One running process, as the kernel shows it; *started* is comparable with that of others on this machine."""

    pid: int
    group: int
    started: int


@dataclass(frozen=True)
class Server:
    """A server that was started here; *launch* has its settings."""

    name: str
    pid: int
    started: int
    launch: str

    def alive(self) -> bool:
        """Return whether the server itself runs."""
        return any((process.pid, process.started) == (self.pid, self.started) for process in running())

    def processes(self) -> list[Process]:
        """Return the running processes of the server: itself and its children, also if they have outlived it."""
        processes = list(running())
        if any(process.pid == self.pid and process.started != self.started for process in processes):
            return []  # the pid is another's now, and so is its group
        return [process for process in processes if process.group == self.pid and process.started >= self.started]


def start(name: str, command: Sequence[str | Path], *, launch: str, env: Mapping[str, str], log: Path) -> Server:
    """Start a server in a process group of its own, writing to *log*; it may not be ready yet."""
    program = Path(command[0])
    if not program.exists():
        raise ToolMissing(program)
    log.parent.mkdir(parents=True, exist_ok=True)
    pid = os.posix_spawn(
        program,
        [str(word) for word in command],
        env,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )
    for process in running():
        if process.pid == pid:
            return Server(name, pid, process.started, launch)
    raise ServerFailed(name, "ended at once", log)


def stop(servers: Iterable[Server], *, grace_seconds: float = 5) -> None:
    """Stop *servers* with all their children, and wait until none runs."""
    servers = list(servers)
    for order, patience in ((signal.SIGTERM, grace_seconds), (signal.SIGKILL, grace_seconds)):
        if not sum(_signalled(server, order) for server in servers):
            break
        deadline = time.monotonic() + patience
        while any(server.processes() for server in servers) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
    for server in servers:
        with suppress(ChildProcessError):  # its parent is another command, which has ended
            os.waitpid(server.pid, os.WNOHANG)
    if left := [process.pid for server in servers for process in server.processes()]:
        raise LocalStackFailed(f"these processes do not end, even when killed: {left}")


def _signalled(server: Server, order: signal.Signals) -> int:
    """Send *order* to all processes of *server*; return their number."""
    processes = server.processes()
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process.pid, order)
    return len(processes)


def running() -> Iterator[Process]:
    """Yield the running processes of this machine, without zombies."""
    return _from_proc() if PROC.joinpath("self", "stat").exists() else _from_ps()


def _from_proc() -> Iterator[Process]:
    for entry in PROC.iterdir():
        if not entry.name.isdigit():
            continue
        with suppress(FileNotFoundError, ProcessLookupError):
            # The name, in brackets, may hold anything; after it: state, parent, group, …, start in ticks since boot.
            fields = entry.joinpath("stat").read_text(errors="replace").rpartition(")")[2].split()
            if fields[0] not in "ZX":
                yield Process(int(entry.name), int(fields[2]), int(fields[19]))


def _from_ps() -> Iterator[Process]:
    table = subprocess.run(
        ["ps", "-axo", "pid=,pgid=,stat=,lstart="], check=True, capture_output=True, text=True, env={"LC_ALL": "C"}
    )
    for line in table.stdout.splitlines():
        pid, group, state, *started = line.split()
        if not state.startswith("Z"):
            moment = time.strptime(" ".join(started), "%a %b %d %H:%M:%S %Y")
            yield Process(int(pid), int(group), int(time.mktime(moment)))
