"""The local Lambda kills a function that uses more than its MemorySize, as Lambda does."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.stack.outputs import DeployedStack
from tests.support.waiting import until
from tests.workflows.probe_function import probe_function

HANDLER = """
import os, subprocess, sys, time

GROW = "import sys, time; held = b'x' * (int(sys.argv[1]) << 20); time.sleep(float(sys.argv[2]))"

def lambda_handler(event, context):
    if "pid" in event:
        return {"pid": os.getpid()}
    if "child" in event:
        subprocess.run([sys.executable, "-c", GROW, str(event["child"]), "5"])
    if "mapped" in event:
        import mmap
        mmap.mmap(-1, event["mapped"] << 20)
    held = b"x" * (event.get("grow", 0) << 20)
    time.sleep(event.get("seconds", 0))
    return {"held": len(held)}
"""


@pytest.fixture(scope="module", params=[False, True], ids=["program", "fork"])
def function(
    request: pytest.FixtureRequest, stack: DeployedStack, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("memory")
    with probe_function(stack, folder, HANDLER, forked=request.param, MemorySize=256) as arn:
        yield arn


def invoke(stack: DeployedStack, function: str, **event: Any) -> tuple[str | None, Any]:
    answer: Any = stack.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event))
    return answer.get("FunctionError"), json.loads(answer["Payload"].read())


def has_ended(process: int) -> bool:
    """Return whether a process has ended, also while its parent has not waited for it."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_growth_within_the_limit_is_answered(stack: DeployedStack, function: str) -> None:
    assert invoke(stack, function, grow=100) == (None, {"held": 100 << 20})


def test_memory_that_is_mapped_and_never_touched_is_free(stack: DeployedStack, function: str) -> None:
    assert invoke(stack, function, mapped=2_000) == (None, {"held": 0})


@pytest.mark.parametrize("event", [{"grow": 300, "seconds": 5}, {"grow": 300}, {"child": 300}])
def test_growth_past_the_limit_ends_the_runtime(stack: DeployedStack, function: str, event: dict[str, Any]) -> None:
    error, payload = invoke(stack, function, **event)
    assert error == "Unhandled"
    assert payload["errorType"] == "Runtime.ExitError"
    request, _, message = payload["errorMessage"].partition(" Error: ")
    assert request.startswith("RequestId: ")
    assert message == "Runtime exited with error: signal: killed"


def test_the_next_invocation_starts_a_new_environment(stack: DeployedStack, function: str) -> None:
    for _ in range(3):
        assert invoke(stack, function, grow=300)[0] == "Unhandled"
        assert invoke(stack, function, grow=1) == (None, {"held": 1 << 20})


def test_an_idle_environment_that_was_killed_costs_nothing(stack: DeployedStack, function: str) -> None:
    _, first = invoke(stack, function, pid=True)
    os.kill(first["pid"], signal.SIGKILL)
    until(lambda: has_ended(first["pid"]), "the end of the environment")
    error, second = invoke(stack, function, pid=True)
    assert error is None
    assert second["pid"] != first["pid"]
