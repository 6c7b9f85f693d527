"""Any invocation may be killed at any moment: the file is the one an undisturbed run writes."""

from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.emulators.safetyculture.scenario import FeedScenario, MoveRows
from local.emulators.safetyculture.server import FeedEmulator
from tests.handlers.conftest import ExportAccount, ExportMachine
from tests.simulation.account import MemoryAccount
from tests.support.kills import Killed, killed_at, survives

pytestmark = pytest.mark.kills

REQUEST = {"feed": "assets", "page_size": 10}

# A call to AWS is where an invocation can leave something behind; between two calls it leaves nothing.
CALLS = 60


@pytest.fixture
def account(memory: MemoryAccount) -> MemoryAccount:
    return memory


def run_with_kills(
    machine: ExportMachine, request: dict[str, Any], started_at: str, kills: list[tuple[int, bool]]
) -> Any:
    ahead = iter(kills)

    def play(step: Any, state: dict[str, Any]) -> Any:
        call, after = next(ahead, (CALLS, False))
        return survives(partial(step, state), call, after=after)

    opening = {"execution_arn": f"arn:{started_at}", "started_at": started_at, "input": request}
    state = play(machine.open, opening)
    while state["checkpoint"]["cursor"] is not None:
        state = play(machine.write, state)
    return play(machine.close, state)


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
@pytest.mark.parametrize("call", range(1, 17))
def test_every_step_killed_at_its_nth_call_changes_nothing(
    aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator, call: int, after: bool
) -> None:
    feed_api.has(FeedScenario(rows=35))
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
    aws: ExportAccount,
    machine: ExportMachine,
    feed_api: FeedEmulator,
    kills: list[tuple[int, bool]],
    format_: str,
    turn_seconds: float | None,
    page_size: int | None,
) -> None:
    feed_api.has(FeedScenario(rows=120))
    request = {"feed": "assets", "format": format_, "page_size": page_size}
    undisturbed = machine.run(request)
    started_at = f"2026-11-21T05:00:00.{machine.executions:06}Z"
    disturbed = run_with_kills(machine, request | {"max_turn_seconds": turn_seconds}, started_at, kills)
    assert aws.bytes(disturbed["key"]) == aws.bytes(undisturbed["key"])
    assert disturbed["rows"] == 120


# Moved rows were written before the last checkpoint, in this attempt or in a killed one.
MOVING = FeedScenario(rows=200, faults=(MoveRows(page=2, rows=3), MoveRows(page=9, rows=10), MoveRows(page=15, rows=1)))


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
def test_a_turn_of_many_parts_killed_at_its_nth_call_changes_nothing(
    aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator, after: bool
) -> None:
    feed_api.has(MOVING)
    undisturbed = machine.run(REQUEST)
    assert machine.checkpoints[-1]["next_part"] > 8
    for call in range(4, 32, 5):  # a part, what the next turn needs, the checkpoint, and the next part
        disturbed = run_with_kills(machine, REQUEST, f"2026-11-21T06:00:{call:02}Z", [(CALLS, False), (call, after)])
        assert aws.bytes(disturbed["key"]) == aws.bytes(undisturbed["key"])
        assert (disturbed["rows"], machine.checkpoints[-1]["duplicates"]) == (200, 14)


@pytest.mark.usefixtures("small_parts")
def test_a_turn_that_is_killed_goes_on_from_what_it_had_put_in_safety(
    aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator
) -> None:
    feed_api.has(MOVING.model_copy(update={"rows": 800}))  # more than four attempts can write
    undisturbed = machine.run(REQUEST)
    opened = machine.open({"execution_arn": "arn:1", "started_at": "2026-11-21T06:00:00Z", "input": REQUEST})
    begun_at: list[int] = []
    for _ in range(4):  # each attempt is given time for a part or two
        feed_api.forget()
        with killed_at(14, after=True), pytest.raises(Killed):
            machine.write(opened)
        begun_at += [request.page or 0 for request in feed_api.requests() if request.path == "/feed/assets"][:1]
    assert begun_at[0] == 1
    assert begun_at == sorted({*begun_at})
    assert aws.bytes(machine.close(machine.write(opened))["key"]) == aws.bytes(undisturbed["key"])
