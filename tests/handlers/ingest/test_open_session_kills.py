"""The functions of a run, and the one that notes drops, may be killed at any call: none is lost or ingested twice."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any

import pytest

from assetline.errors import ViRefused
from assetline.ingest import dependencies as connections
from assetline.ingest import drop, ledger
from assetline.ingest import staging as slices
from assetline.ingest.poll_session import rested
from local.emulators.vi.scenario import OmittedEntry, RefusedEntry
from local.emulators.vi.server import ViEmulator
from local.sample_images import image
from tests.handlers.ingest.session_stage import DATASET, DROPS, SessionStage, session_stage
from tests.handlers.ingest.test_record_drop import created, messages, put, record
from tests.simulation.account import MemoryAccount
from tests.support.kills import Calls, Killed, killed_at

pytestmark = pytest.mark.kills

CALLS = 60  # more than any of them makes for two drops
NAMES = tuple(f"{letter}.png" for letter in "ab")


def every_call(most: int = CALLS, *, after: bool) -> Iterator[tuple[int, AbstractContextManager[None]]]:
    """Yield the number of each call to AWS or to Vi, and what kills at it, before it is sent or *after* it took effect.

    The last is one more than what runs makes: nothing is killed.
    """
    for call in range(1, most):
        made: list[Calls] = []

        @contextmanager
        def killed(call: int = call, made: list[Calls] = made) -> Iterator[None]:
            with suppress(Killed), killed_at(call, after=after, vi=connections.vi_client()) as calls:
                made.append(calls)
                yield

        yield call, killed()
        if made[0].made < call:
            return
    pytest.fail("it makes more calls than were tried")


@pytest.fixture
def stage(vi: ViEmulator, monkeypatch: pytest.MonkeyPatch, memory: MemoryAccount) -> Iterator[SessionStage]:
    with session_stage(vi, monkeypatch, memory, shows_spec_assets=True) as stage:
        yield stage


@pytest.fixture
def small(stage: SessionStage, monkeypatch: pytest.MonkeyPatch) -> SessionStage:
    """Set the stage so that an opening makes few calls beside those that change something."""
    for module in (drop, ledger):
        monkeypatch.setattr(module, "SHARDS", 1)
    monkeypatch.setattr(slices, "SLICE_ASSETS", 1)
    monkeypatch.setenv("SESSIONS_PER_WINDOW", "2")
    connections.settings.cache_clear()
    return stage


def a_new_window() -> None:
    """Let all permits be free again."""
    for number in range(2):
        connections.sessions_table().table.delete_item(Key={"session_key": f"permit#{number}"})


def permits_in_use() -> int:
    items = [item for item in connections.sessions_table().table.scan()["Items"] if "free_at" in item]
    return sum(float(str(item["free_at"])) > time.time() for item in items)


def comes_to_assets(stage: SessionStage, opened: dict[str, Any], names: list[str]) -> None:
    """Play the run to its end: every drop is an asset, and the ledger has every session of Vi."""
    assert opened["session"]["total"] == len(names)
    assert stage.states(*names) == ["claimed"] * len(names)
    running = [number for number, session in stage.vi.stage.sessions.items() if not session.is_over()]
    assert running == [opened["session"]["session_id"]]
    session = stage.uploads(opened)
    assert stage.polls(session)["progress"] == "finished"
    assert stage.settles(session)["ingested"] == len(names)
    assert set(names) <= set(stage.vi.assets(DATASET))
    assert stage.states(*names) == ["ingested"] * len(names)
    assert stage.opens(session["session_key"].removesuffix("-1"), 2)["outcome"] == "no_drops"


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_an_opening_killed_at_any_call_opens_one_session_that_counts(small: SessionStage, after: bool) -> None:
    for call, killed in every_call(after=after):
        run, names, sessions = f"k{call}", [f"{call}{name}" for name in NAMES], small.vi.sessions_opened()
        small.drops(*names)
        with killed:
            small.opens(run)
        comes_to_assets(small, small.opens(run), names)
        # Vi counts a session also if its answer was lost.
        assert permits_in_use() >= small.vi.sessions_opened() - sessions, call
        a_new_window()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_drops_of_a_killed_opening_go_to_no_other_run(small: SessionStage, after: bool) -> None:
    for call, killed in every_call(after=after):
        run, names = f"k{call}", [f"{call}{name}" for name in NAMES]
        small.drops(*names)
        with killed:
            small.opens(run)
        outcomes = [small.opens(f"other-{run}"), small.opens(run)]
        (opened,) = [outcome for outcome in outcomes if outcome["outcome"] == "opened"]
        comes_to_assets(small, opened, names)
        a_new_window()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_refused_opening_killed_at_any_call_loses_no_drop(small: SessionStage, after: bool) -> None:
    for call, killed in every_call(3 * CALLS, after=after):
        *good, bad = names = [f"{call}{letter}.png" for letter in "bcda"]
        small.plays(RefusedEntry(filename=bad), shows_spec_assets=True)
        small.drops(*names)
        with killed:
            small.opens(f"k{call}")
        try:
            plays_on(small, f"k{call}")
        except ViRefused:  # it was killed when it held nothing but the bad one: the next run has the others beside it
            plays_on(small, f"k{call}-next")
        assert small.states(*good) == ["ingested"] * 3
        assert small.states(bad) == ["rejected"]
        assert set(good) <= set(small.vi.assets(DATASET))
        assert bad not in small.vi.assets(DATASET)


def plays_on(stage: SessionStage, run: str) -> None:
    """Play the rest of a run; Vi has no session beside the one that it works for."""
    for round_ in range(1, 9):
        a_new_window()
        opened = stage.opens(run, round_)
        if opened["outcome"] == "no_drops":
            return
        running = [number for number, session in stage.vi.stage.sessions.items() if not session.is_over()]
        assert running == [opened["session"]["session_id"]]
        stage.settles(stage.uploads(opened))
    pytest.fail("the run has no end")


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_rejection_killed_at_any_call_announces_every_drop(small: SessionStage, after: bool) -> None:
    del small.vi.stage.datasets[DATASET]
    for call, killed in every_call(after=after):
        names = [f"{call}{name}" for name in NAMES]
        small.drops(*names)
        small.announced.clear()
        with killed:
            small.opens(f"k{call}")
        assert small.opens(f"k{call}")["outcome"] == "no_drops"
        assert [(drop.state, drop.reason) for drop in map(small.drop, names)] == [("rejected", "DatasetUnknown")] * 2
        assert [small.tags(name).get("assetline:reason") for name in names] == ["DatasetUnknown"] * 2
        assert small.announced, call


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_an_upload_killed_at_any_call_goes_on_where_it_was(stage: SessionStage, after: bool) -> None:
    for call, killed in every_call(after=after):
        names = [f"{call}{name}" for name in NAMES]
        stage.drops(*names)
        opened = stage.opens(f"k{call}")
        with killed:
            stage.uploads(opened)
        session = stage.uploads(opened)
        assert stage.uploaded(f"k{call}-1") == sorted(names)
        assert stage.polls(session)["progress"] == "finished"
        assert stage.settles(session)["ingested"] == len(names)
        assert set(names) <= set(stage.vi.assets(DATASET))
        stage.ends(f"k{call}")


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_look_at_a_session_that_is_killed_is_made_again_and_sees_no_rest(stage: SessionStage, after: bool) -> None:
    stage.plays(OmittedEntry(filename="b.png"), shows_spec_assets=True)
    session = stage.session(*NAMES)
    late = next(polls for polls in range(100) if rested(polls))  # late enough to see if anything has moved
    for _, killed in every_call(after=after):
        with killed:
            # A repeat of a killed poll does not count as an unchanged state: no time has passed since.
            assert stage.polls(session, late)["progress"] == "running"
    assert stage.polls(session, late + 1)["progress"] == "finished"
    stage.settles(session)
    assert stage.states(*NAMES) == ["ingested", "dropped"]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    ("content", "state"), [(image("png"), "dropped"), (b"this is text", "rejected")], ids=["good", "bad"]
)
def test_a_drop_killed_while_recorded_is_recorded_on_redelivery(
    stage: SessionStage, content: bytes, state: str, after: bool
) -> None:
    for call, killed in every_call(after=after):
        dataset = f"k{call}"
        key = f"{dataset}/a.png"
        message = messages(created(key, content, put(stage, key, content)))
        with killed:
            record(message)
        for warm in (connections.recorder, connections.runs):
            warm.cache_clear()  # what a process remembers dies with it
        assert record(message) == {"batchItemFailures": []}
        (noted,) = connections.ledger().listed(dataset, "dropped" if state == "dropped" else "rejected", 10)
        assert noted.key == key
        assert dataset in connections.sessions_table().datasets()
        tags = stage.s3.get_object_tagging(Bucket=DROPS, Key=key)["TagSet"]
        assert [tag["Value"] for tag in tags] == ([] if state == "dropped" else ["rejected", "WrongContent"])
        started = {name for name in stage.started if name.startswith(f"{dataset}-")}
        assert bool(started) == (state == "dropped")
