"""`.local/outputs.json` and `.local/env` follow the stacks that run."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.stack import current as latest
from local.stack.processes import Server, start, stop
from local.stack.state_file import Record


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(latest, "LOCAL", tmp_path)
    monkeypatch.setattr(latest, "STACKS", tmp_path / "stacks")
    return tmp_path


@pytest.fixture
def run_stack(checkout: Path) -> Iterator[Callable[[int], Server]]:
    servers: list[Server] = []

    def run(port: int) -> Server:
        folder = checkout / "stacks" / str(port)
        folder.mkdir(parents=True)
        log = folder / "log"
        servers.append(start("ministack", ["/bin/sleep", "60"], launch="", env=dict(os.environ), log=log))
        Record({"ministack": servers[-1]}).write(folder)
        for name in latest.FILES:
            (folder / name).write_text(f"{name} of {port}")
        latest.show(folder)
        return servers[-1]

    yield run
    stop(servers)


def described(checkout: Path) -> list[str | None]:
    paths = [checkout / name for name in latest.FILES]
    return [path.read_text() if path.exists() else None for path in paths]


def test_they_describe_the_last_stack_that_came_up(checkout: Path, run_stack: Callable[[int], Server]) -> None:
    run_stack(1)
    run_stack(2)
    assert described(checkout) == ["outputs.json of 2", "env of 2"]


def test_they_fall_back_to_a_stack_that_still_runs_and_then_vanish(
    checkout: Path, run_stack: Callable[[int], Server]
) -> None:
    first, second = run_stack(1), run_stack(2)
    stop([second])
    latest.refresh()
    assert described(checkout) == ["outputs.json of 1", "env of 1"]
    stop([first])
    latest.refresh()
    assert described(checkout) == [None, None]
