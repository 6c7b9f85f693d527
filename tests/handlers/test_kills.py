"""Any invocation may be killed at any moment: the file is the one an undisturbed run writes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assetline.export import connections
from local.emulators.safetyculture.scenario import Scenario
from local.emulators.safetyculture.server import Emulator
from tests.handlers.conftest import Aws, Machine

REQUEST = {"feed": "assets", "page_size": 10}

# A call to AWS is where an invocation can leave something behind; between two calls it leaves nothing.
CALLS = 60


class Killed(BaseException):
    """The function's process is gone: nothing after this runs, no handler, no clean-up."""


@contextmanager
def killed_at(call: int, *, after: bool) -> Iterator[None]:
    """Kill whatever runs at its *call*-th call to AWS, before the call is sent or *after* it took effect."""
    made = 0

    def count(**_: Any) -> None:
        nonlocal made
        made += 1
        if made == call:
            raise Killed

    clients = [connections.s3(), connections.exports_table().table.meta.client, connections.events()]
    moment = "after-call" if after else "before-call"
    for client in clients:
        client.meta.events.register_first(moment, count, unique_id="kill")
    try:
        yield
    finally:
        for client in clients:
            client.meta.events.unregister(moment, count, unique_id="kill")


def survives(machine: Machine, step: Any, state: dict[str, Any], call: int, *, after: bool) -> Any:
    """Play a step that is killed at one of its calls, as the machine does: once more, from the same state."""
    try:
        with killed_at(call, after=after):
            step(state)
    except Killed:
        pass
    return step(state)


def run_with_kills(machine: Machine, request: dict[str, Any], started_at: str, kills: list[tuple[int, bool]]) -> Any:
    ahead = iter(kills)

    def play(step: Any, state: dict[str, Any]) -> Any:
        call, after = next(ahead, (CALLS, False))
        return survives(machine, step, state, call, after=after)

    opening = {"execution_arn": f"arn:{started_at}", "started_at": started_at, "input": request}
    state = play(machine.open, opening)
    while state["checkpoint"]["cursor"] is not None:
        state = play(machine.write, state)
    return play(machine.close, state)


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
@pytest.mark.parametrize("call", range(1, 13))
def test_every_step_killed_at_its_nth_call_changes_nothing(
    aws: Aws, machine: Machine, feed_api: Emulator, call: int, after: bool
) -> None:
    feed_api.has(Scenario(rows=35))
    undisturbed = aws.text(machine.run(REQUEST)["key"])
    in_turns = REQUEST | {"max_turn_seconds": 1e-9}
    disturbed = run_with_kills(machine, in_turns, "2026-11-21T04:00:00Z", [(call, after)] * 10)
    assert aws.text(disturbed["key"]) == undisturbed
    assert aws.item(disturbed["export_id"])["state"] == "complete"


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    kills=st.lists(st.tuples(st.integers(1, 12), st.booleans()), max_size=40),
    format_=st.sampled_from(["csv", "csv.gz", "jsonl", "jsonl.gz"]),
    turn_seconds=st.sampled_from([1e-9, 0.02, None]),
    page_size=st.sampled_from([7, 50, None]),
)
def test_however_it_is_killed_and_cut_into_turns_the_file_is_the_same(
    aws: Aws,
    machine: Machine,
    feed_api: Emulator,
    kills: list[tuple[int, bool]],
    format_: str,
    turn_seconds: float | None,
    page_size: int | None,
) -> None:
    feed_api.has(Scenario(rows=120))
    request = {"feed": "assets", "format": format_, "page_size": page_size}
    undisturbed = machine.run(request)
    started_at = f"2026-11-21T05:00:00.{machine.executions:06}Z"
    disturbed = run_with_kills(machine, request | {"max_turn_seconds": turn_seconds}, started_at, kills)
    assert aws.bytes(disturbed["key"]) == aws.bytes(undisturbed["key"])
    assert disturbed["rows"] == 120
