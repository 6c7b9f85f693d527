"""Open Session and Upload Assets may be killed at any call and repeated: no drop is lost, and none ingested twice."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from assetline.ingest import connections
from local.emulators.vi.server import Emulator
from tests.handlers.ingest.session_stage import DATASET, SessionStage, emulated_vi, session_stage

CALLS = 18  # as many as either makes for two drops
NAMES = tuple(f"{letter}.png" for letter in "ab")


class Killed(BaseException):
    """The function's process is gone: nothing after this runs, no handler, no clean-up."""


@contextmanager
def killed_at(call: int, *, after: bool) -> Iterator[None]:
    """Kill whatever runs at its *call*-th call, to AWS or to Vi, before it is sent or *after* it took effect."""
    made = 0

    def count(*_: Any, **__: Any) -> None:
        nonlocal made
        made += 1
        if made >= call:
            raise Killed

    clients = [connections.s3(), connections.ledger().table.meta.client]
    moment = "after-call" if after else "before-call"
    for client in clients:
        client.meta.events.register_first(moment, count, unique_id="kill")
    hooks = connections.vi_client()._http.event_hooks
    kept = {name: [*hooks[name]] for name in hooks}
    connections.vi_client()._http.event_hooks = {"response" if after else "request": [count]}
    try:
        yield
    finally:
        connections.vi_client()._http.event_hooks = kept
        for client in clients:
            client.meta.events.unregister(moment, count, unique_id="kill")


@pytest.fixture(scope="module")
def vi() -> Iterator[Emulator]:
    with emulated_vi() as vi:
        yield vi


@pytest.fixture
def stage(vi: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[SessionStage]:
    with session_stage(vi, monkeypatch, shows_spec_assets=True) as stage:
        yield stage


def survives(step: Callable[[], Any], call: int, *, after: bool) -> Any:
    """Play a step that is killed at a call, as the machine does: once more, with the same input."""
    with killed_at(call, after=after), suppress(Killed):
        step()
    return step()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", range(1, CALLS))
def test_an_opening_that_is_killed_opens_one_session_that_counts(stage: SessionStage, call: int, after: bool) -> None:
    stage.drops(*NAMES)
    opened = survives(stage.opens, call, after=after)
    assert opened["session"]["total"] == len(NAMES)
    assert stage.states(*NAMES) == ["claimed"] * len(NAMES)
    assert [session.failed for session in stage.vi.stage.sessions.values()][:-1] in ([], ["Cancelled"])

    session = stage.uploads(opened)
    assert stage.polls(session)["progress"] == "finished"
    assert stage.settles(session)["ingested"] == len(NAMES)
    assert sorted(stage.vi.assets(DATASET)) == [*NAMES]
    assert stage.states(*NAMES) == ["ingested"] * len(NAMES)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", range(1, CALLS, 2))
def test_an_upload_that_is_killed_goes_on_where_it_was(stage: SessionStage, call: int, after: bool) -> None:
    stage.drops(*NAMES)
    opened = stage.opens()
    session = survives(lambda: stage.uploads(opened), call, after=after)
    assert stage.states(*NAMES) == ["uploaded"] * len(NAMES)
    assert stage.polls(session)["progress"] == "finished"
    assert stage.settles(session)["ingested"] == len(NAMES)
    assert sorted(stage.vi.assets(DATASET)) == [*NAMES]
