"""The state that a stack's folder keeps between commands."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from local.stack.processes import Server


@dataclass
class Record:
    """The started servers and the deployed stacks; the servers themselves show whether they still run."""

    servers: dict[str, Server] = field(default_factory=dict)
    urls: dict[str, str] = field(default_factory=dict)  # of the emulated APIs, or of the servers in their place
    deployed: dict[str, str] = field(default_factory=dict)  # the digest of each stack, by its name

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Return the record in *folder*, or an empty one."""
        try:
            stored = json.loads(_path(folder).read_text())
        except FileNotFoundError:
            return cls()
        servers = {name: Server(**server) for name, server in stored.pop("servers").items()}
        return cls(servers, **stored)

    def write(self, folder: Path) -> None:
        """Write the record completely or not at all."""
        draft = folder / "running.json.new"
        draft.write_text(json.dumps(asdict(self), indent=2) + "\n")
        draft.replace(_path(folder))


@contextmanager
def state_lock(folder: Path) -> Iterator[None]:
    """Lock *folder*: a second command on the same stack waits for the first."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _path(folder: Path) -> Path:
    return folder / "running.json"
