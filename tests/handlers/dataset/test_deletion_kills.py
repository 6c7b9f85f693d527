"""A deletion is killed at any call, or loses any answer, and is repeated: Vi gets one request, or a safe repeat."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from assetline.assets import dependencies as connections
from assetline.deletion import delete_ids, open_deletion
from assetline.errors import AnswerLost, CountMismatch
from local.emulators.vi.scenario import LostDeletion
from local.emulators.vi.server import ViEmulator, running
from tests.handlers.dataset.deletion_stage import DeletionStage, deletion_stage
from tests.handlers.dataset.download_stage import DATASET
from tests.handlers.dataset.kills import killed_at, survives
from tests.simulation.account import MemoryAccount
from tests.support.kills import Killed

pytestmark = pytest.mark.kills

CALLS = 8  # one more than any of them makes
OLD = {"filter": "old_", "expect_count": 2}

by_call = pytest.mark.parametrize("call", range(1, CALLS))
before_or_after = pytest.mark.parametrize("after", [False, True], ids=["before", "after"])


@pytest.fixture(scope="module")
def vi() -> Iterator[ViEmulator]:
    with running() as vi:
        yield vi


@pytest.fixture
def stage(vi: ViEmulator, monkeypatch: pytest.MonkeyPatch, memory: MemoryAccount) -> Iterator[DeletionStage]:
    with stage_of_three_assets(vi, monkeypatch, memory) as stage:
        yield stage


@contextmanager
def stage_of_three_assets(
    vi: ViEmulator, monkeypatch: pytest.MonkeyPatch, account: MemoryAccount | None
) -> Iterator[DeletionStage]:
    monkeypatch.setattr(delete_ids, "PAUSE", 0.0)
    monkeypatch.setattr("assetline.vi.client.PAUSE", 0.0)
    with deletion_stage(vi, monkeypatch, account) as stage:
        stage.holds("old_1.png", "old_2.png", "new.png")
        yield stage


def time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the time pass that a session needs to appear in Vi's list."""
    monkeypatch.setattr(open_deletion, "LISTED_AFTER", 0)


def test_no_step_makes_more_calls_than_it_is_killed_at(stage: DeletionStage) -> None:
    with killed_at(1000, after=False) as calls:
        opened = stage.opens(**OLD)
        counts = [calls.made]
        stage.polls(opened)
        counts.append(calls.made - sum(counts))
        stage.closes(progress="finished", count_after=0)
        counts.append(calls.made - sum(counts))
    assert max(counts) < CALLS


@by_call
@before_or_after
def test_a_killed_opening_starts_one_deletion(
    stage: DeletionStage, monkeypatch: pytest.MonkeyPatch, call: int, after: bool
) -> None:
    time_passes(monkeypatch)
    assert outcome_of_killed_opening(stage, call, after=after) == ONE_DELETION


@pytest.mark.parametrize("call", [3, 6])
@before_or_after
def test_an_opening_in_the_account_of_moto_is_killed_alike(
    vi: ViEmulator, monkeypatch: pytest.MonkeyPatch, call: int, after: bool
) -> None:
    time_passes(monkeypatch)
    with stage_of_three_assets(vi, monkeypatch, None) as stage:
        assert outcome_of_killed_opening(stage, call, after=after) == ONE_DELETION


ONE_DELETION = {"sessions": 1, "deleted": 2, "left": 0, "complete": True, "known_to_vi": True, "held": ["new.png"]}


def outcome_of_killed_opening(stage: DeletionStage, call: int, *, after: bool) -> dict[str, Any]:
    """Kill Open Deletion at a call, repeat it, and return what the execution came to."""
    opened = survives(lambda: stage.opens(**OLD), call, after=after)
    sessions = stage.sessions()
    result = stage.goes_on(opened)
    return {
        "sessions": sessions,
        **{name: result[name] for name in ("deleted", "left", "complete")},
        "known_to_vi": result["session_id"] in stage.vi.stage.datasets[DATASET].deletions,
        "held": stage.left(),
    }


@by_call
@before_or_after
def test_a_killed_opening_never_deletes_what_was_not_counted(
    stage: DeletionStage, monkeypatch: pytest.MonkeyPatch, call: int, after: bool
) -> None:
    time_passes(monkeypatch)
    with killed_at(call, after=after), suppress(Killed):
        stage.opens(**OLD)
    sessions = stage.sessions()
    stage.holds("old_3.png")
    if sessions:
        stage.opens(**OLD)  # it is found, or was found to be opened
    else:
        with pytest.raises(CountMismatch, match="finds 3"):
            stage.opens(**OLD)
    assert stage.sessions() == sessions
    assert "old_3.png" in stage.left()


@by_call
@before_or_after
def test_steps_that_are_killed_come_to_the_same(stage: DeletionStage, call: int, after: bool) -> None:
    opened = stage.opens(**OLD)
    look = survives(lambda: stage.polls(opened), call, after=after)
    assert (look["progress"], look["count_after"]) == ("finished", 0)
    result = survives(lambda: stage.closes(progress="finished", count_after=0), call, after=after)
    assert stage.report(result)["complete"]
    assert stage.announced[-1]["DetailType"] == "Deletion Complete"


@by_call
@before_or_after
def test_ids_of_killed_deletions_are_deleted_or_missing(stage: DeletionStage, call: int, after: bool) -> None:
    ids = [*stage.vi.stage.datasets[DATASET].assets][:2]
    opened = survives(lambda: stage.opens(ids=ids), call, after=after)
    assert survives(lambda: stage.deletes(opened), call, after=after)["cursor"] is None
    result = survives(lambda: stage.closes(progress="finished", count_after=1), call, after=after)
    assert (result["deleted"] + result["gone"], result["failed"], result["left"]) == (2, 0, 0)
    assert (result["complete"], stage.left()) == (True, ["new.png"])


@pytest.mark.parametrize("polls", [0, 3], ids=["over", "running"])
def test_a_session_whose_answer_is_lost_is_found(stage: DeletionStage, polls: int) -> None:
    stage.plays(LostDeletion(times=1), deletion_polls=polls)
    with pytest.raises(AnswerLost):
        stage.opens(**OLD)
    result = stage.goes_on(stage.opens(**OLD))
    assert (stage.deletion_requests(), result["session_id"] is not None, result["complete"]) == (1, True, True)
    assert result["deleted"] == 2


def test_one_that_is_not_listed_is_not_started_again_before_it_would_be(
    stage: DeletionStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.plays(LostDeletion(times=1), deletion_seconds=3600, lists_deletions=False)
    for _ in range(2):
        with pytest.raises(AnswerLost):
            stage.opens(**OLD)
    assert stage.closes("AnswerLost")["ended"] == "unknown"
    time_passes(monkeypatch)
    stage.plays(lists_deletions=False)
    result = stage.goes_on(stage.opens(**OLD))
    assert (stage.deletion_requests(), result["deleted"], result["complete"]) == (2, 2, True)


def test_one_that_is_not_listed_and_has_deleted_all_leaves_nothing_to_do(stage: DeletionStage) -> None:
    stage.plays(LostDeletion(times=1), lists_deletions=False)
    with pytest.raises(AnswerLost):
        stage.opens(**OLD)
    result = stage.goes_on(stage.opens(**OLD))
    assert stage.deletion_requests() == 1
    assert (result["ended"], result["deleted"], result["complete"]) == ("unknown", 2, True)


def test_another_number_after_a_lost_answer_deletes_no_more(
    stage: DeletionStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.plays(LostDeletion(times=1), deletion_seconds=3600, lists_deletions=False)
    with pytest.raises(AnswerLost):
        stage.opens(**OLD)
    stage.holds("old_3.png")
    time_passes(monkeypatch)
    with pytest.raises(CountMismatch, match=r"2 assets .* now finds 3 and may have deleted some"):
        stage.opens(**OLD)
    result = stage.closes("CountMismatch")
    assert (stage.deletion_requests(), result["ended"], result["deleted"]) == (1, "unknown", None)


def test_a_session_without_its_query_is_waited_for(stage: DeletionStage, monkeypatch: pytest.MonkeyPatch) -> None:
    time_passes(monkeypatch)
    stage.plays(LostDeletion(times=1), deletion_seconds=3600, shows_deletion_spec=False)
    for _ in range(3):
        with pytest.raises(AnswerLost):
            stage.opens(**OLD)
    [deletion] = stage.vi.stage.datasets[DATASET].deletions.values()
    deletion.due_at = 0
    result = stage.goes_on(stage.opens(**OLD))
    assert (stage.deletion_requests(), result["deleted"], result["complete"]) == (1, 2, True)


def test_earlier_and_foreign_sessions_are_not_taken_over(stage: DeletionStage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.run(**OLD)
    stage.holds("old_4.png", "old_5.png")
    stage.executions += 1
    with killed_at(6, after=False), suppress(Killed):
        stage.opens(**OLD)  # it was about to send the request to Vi
    assert stage.deletion_requests() == 1
    spec = {"metadataQuery": None, "ruleQuery": None, "strictQuery": None}
    dataset = connections.vi_client().dataset_path(DATASET)
    connections.vi_client().send(
        "POST", f"{dataset}/deleteManyAssetsSessions", body={"spec": spec | {"filter": "none"}}
    )
    with pytest.raises(AnswerLost):
        stage.opens(**OLD)
    time_passes(monkeypatch)
    result = stage.goes_on(stage.opens(**OLD))
    assert (stage.sessions(), result["deleted"], stage.left()) == (3, 2, ["new.png"])
