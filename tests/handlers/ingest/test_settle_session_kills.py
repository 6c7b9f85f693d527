"""Settling and sweeping may be killed at any call and repeated: what becomes of the drops is the same."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from assetline.errors import AnswerLost
from assetline.ingest import dependencies as connections
from local.emulators.vi.scenario import FileError, LostAnswer
from local.emulators.vi.server import ViEmulator
from tests.handlers.ingest.session_stage import DATASET, DROPS, SessionStage, session_stage
from tests.simulation.account import MemoryAccount
from tests.support.kills import Killed, killed_at

pytestmark = pytest.mark.kills

CALLS = 100  # more than a settling of four files makes, and more than a sweep makes
KINDS = ("good", "bad", "slow", "gone")
FAULTS = (FileError(filename="*bad.png", code="EBADMIME"), FileError(filename="*slow.png", code="EUNKNOWN"))


EVERY_CALL = pytest.mark.parametrize("after", [False, True], ids=["before", "after"])


def a_session_of_all_kinds(stage: SessionStage, execution: str) -> dict[str, Any]:
    stage.drops(*names(execution))
    opened = stage.opens(execution)
    stage.s3.delete_object(Bucket=DROPS, Key=f"{DATASET}/{execution}-gone.png")
    session = stage.uploads(opened)
    assert stage.polls(session)["progress"] == "finished"
    return session


def names(execution: str) -> list[str]:
    return [f"{execution}-{kind}.png" for kind in KINDS]


def left_behind(stage: SessionStage, execution: str) -> dict[str, Any]:
    """Return all that is left of a session, but for times and ids, and take what waits out of the next one's way."""
    drops = [stage.drop(name) for name in names(execution)]
    tags = [stage.tags(name) for name in names(execution)[:3]]
    noted = stage.noted(f"{execution}-1")
    report = stage.report(noted)
    connections.ledger().reject([drop for drop in drops if drop.state == "dropped"], "Test", "It was looked at.")
    stage.ends(execution)
    return {
        "drops": [(drop.state, drop.reason, drop.message, drop.attempts) for drop in drops],
        "tags": [{name: value.replace(execution, "") for name, value in of_one.items()} for of_one in tags],
        "assets": [name.replace(execution, "") for name in stage.vi.assets(DATASET) if name.startswith(execution)],
        "session": [noted[name] for name in ("total", "ingested", "rejected", "returned")],
        "report": [report[name] for name in ("total", "succeeded", "failed", "returned", "success_rate")],
        "csv": stage.text(noted["report_key"].replace(".json", ".csv")).replace(execution, ""),
        "announced": len({event["Detail"] for event in stage.announced if f'"{execution}-1"' in event["Detail"]}),
    }


@pytest.fixture
def stage(vi: ViEmulator, monkeypatch: pytest.MonkeyPatch, memory: MemoryAccount) -> Iterator[SessionStage]:
    with session_stage(vi, monkeypatch, memory, faults=FAULTS) as stage:
        monkeypatch.setenv("SESSIONS_PER_WINDOW", str(2 * CALLS))
        yield stage


def undisturbed(stage: SessionStage) -> dict[str, Any]:
    stage.settles(a_session_of_all_kinds(stage, "plain"))
    left = left_behind(stage, "plain")
    assert [state for state, *_ in left["drops"]] == ["ingested", "rejected", "dropped", "rejected"]
    assert left["announced"] == 1
    return left


@EVERY_CALL
def test_a_settling_killed_at_any_call_and_repeated_ends_the_same(stage: SessionStage, after: bool) -> None:
    expected = undisturbed(stage)
    for call in range(1, CALLS):
        session = a_session_of_all_kinds(stage, f"k{call}")
        with killed_at(call, after=after) as calls, suppress(Killed):
            stage.settles(session)
        stage.settles(session)
        assert left_behind(stage, f"k{call}") == expected, call
        if calls.made < call:
            break
    else:
        pytest.fail("it makes more calls than were tried")


@EVERY_CALL
def test_a_sweep_killed_at_any_call_and_repeated_ends_the_same(stage: SessionStage, after: bool) -> None:
    expected = undisturbed(stage)
    for call in range(1, CALLS):
        a_session_of_all_kinds(stage, f"k{call}")
        stage.lease_passes(f"k{call}-1")
        with killed_at(call, after=after) as calls, suppress(Killed):
            stage.sweeps()
        stage.sweeps()
        assert left_behind(stage, f"k{call}") == expected, call
        if calls.made < call:
            break
    else:
        pytest.fail("it makes more calls than were tried")


@pytest.mark.parametrize("call", range(2, 24, 3))
def test_a_settling_that_is_killed_is_ended_by_a_sweep_and_comes_late(stage: SessionStage, call: int) -> None:
    expected = undisturbed(stage)
    session = a_session_of_all_kinds(stage, "late")
    with killed_at(call, after=True), suppress(Killed):
        stage.settles(session)
    if stage.noted("late-1")["state"] == "open":
        stage.lease_passes("late-1")
    stage.sweeps()
    stage.settles(session)
    assert left_behind(stage, "late") == expected


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_sweep_killed_at_a_lost_session_leaves_it_to_the_next(stage: SessionStage, after: bool) -> None:
    for call in range(1, CALLS):
        run = f"k{call}"
        stage.drops(f"{run}.png")
        stage.plays(LostAnswer(times=1), shows_spec_assets=True)
        with pytest.raises(AnswerLost):
            stage.opens(run)
        stage.lease_passes(f"{run}-1")
        with killed_at(call, after=after, vi=connections.vi_client()) as calls, suppress(Killed):
            stage.sweeps()
        if stage.noted(f"{run}-1")["state"] == "opening":
            stage.lease_passes(f"{run}-1")
        stage.sweeps()
        assert all(session.is_over() for session in stage.vi.stage.sessions.values()), call
        assert stage.noted(f"{run}-1")["state"] == "abandoned"
        stage.ends(run)
        if calls.made < call:
            return
    pytest.fail("it makes more calls than were tried")
