"""Vi refuses a session for one of its files and names none: that one is found, and the others go."""

import json

import pytest

from assetline.errors import AnswerLost, ViRefused
from assetline.ingest import create_session as session_request
from local.emulators.vi.scenario import ApiFault, LostAnswer, RefusedEntry
from tests.handlers.conftest import in_the_account_of_moto
from tests.handlers.ingest.session_stage import SessionStage
from tests.simulation.account import MemoryAccount

NAMES = tuple(f"{number}.png" for number in range(8))
FIRST, LAST = NAMES[0], NAMES[-1]


@pytest.fixture
def account(memory: MemoryAccount) -> MemoryAccount:
    return memory


def statuses(stage: SessionStage) -> list[int]:
    """Return how Vi answered each request for a session."""
    return [request.status for request in stage.vi.requests("IngestionSessions", "POST")]


def plays_the_run(stage: SessionStage, execution: str = "run") -> list[int]:
    """Play a run to its end and return how many drops its sessions had."""
    sizes: list[int] = []
    for round_ in range(1, 20):
        opened = stage.opens(execution, round_)
        if opened["outcome"] == "no_drops":
            return sizes
        sizes.append(opened["session"]["total"])
        session = stage.uploads(opened)
        assert stage.settles(session)["ingested"] == sizes[-1]
    pytest.fail("the run has no end")


def test_most_of_what_is_not_refused_goes_at_once(stage: SessionStage) -> None:
    stage.drops(*NAMES)
    stage.plays(RefusedEntry(filename=LAST))
    opened = stage.opens()
    assert (opened["outcome"], opened["session"]["total"], stage.noted()["total"]) == ("opened", 6, 6)
    assert stage.states(*NAMES) == ["claimed"] * 6 + ["dropped"] * 2
    assert statuses(stage) == [400, 200]


def test_later_drops_do_not_wait_behind_suspects(stage: SessionStage) -> None:
    stage.drops(*NAMES)
    stage.plays(RefusedEntry(filename=LAST))
    stage.settles(stage.uploads(stage.opens()))
    stage.drops("later.png")
    assert stage.opens(round_=2)["session"]["total"] == 1
    assert stage.states("later.png", *NAMES[-2:]) == ["claimed", "dropped", "dropped"]


@in_the_account_of_moto
def test_a_drop_that_vi_refuses_alone_is_rejected_with_its_message(stage: SessionStage) -> None:
    stage.drops("a.png", "b.png")
    stage.plays(RefusedEntry(filename="a.png", message="spec.assets: mime is not taken"))
    assert stage.opens()["session"]["total"] == 1
    drop = stage.drop("a.png")
    assert (drop.state, drop.reason) == ("rejected", "EntryRefused")
    assert "mime is not taken" in (drop.message or "")
    assert stage.tags("a.png") == {"assetline:state": "rejected", "assetline:reason": "EntryRefused"}
    (event,) = stage.announced
    assert (event["DetailType"], json.loads(event["Detail"])["rejected"]) == ("Drops Rejected", 1)


@pytest.mark.parametrize("bad", [FIRST, NAMES[3], NAMES[4], LAST])
@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_run_takes_every_other_drop_to_its_end(stage: SessionStage, bad: str, status: int) -> None:
    stage.drops(*NAMES)
    stage.plays(RefusedEntry(filename=bad, status=status))
    plays_the_run(stage)
    good = [name for name in NAMES if name != bad]
    assert stage.states(*good) == ["ingested"] * 7
    assert stage.states(bad) == ["rejected"]
    assert bad not in stage.vi.assets("ds1")


def test_a_single_suspect_fails_its_run_until_another_drop_arrives(stage: SessionStage) -> None:
    stage.drops(FIRST)
    stage.plays(RefusedEntry(filename=FIRST))
    with pytest.raises(ViRefused):
        stage.opens()
    assert stage.states(FIRST) == ["dropped"]
    stage.drops("later.png")
    assert plays_the_run(stage, "later") == [1]
    assert stage.states(FIRST, "later.png") == ["rejected", "ingested"]


def test_of_several_that_are_not_taken_none_holds_the_others_up(stage: SessionStage) -> None:
    stage.drops(*NAMES)
    bad = (NAMES[0], NAMES[1], NAMES[6])
    stage.plays(*(RefusedEntry(filename=name) for name in bad))
    plays_the_run(stage)
    good = [name for name in NAMES if name not in bad]
    assert stage.states(*good) == ["ingested"] * 5
    assert stage.states(*bad) == ["rejected"] * 3


def test_when_vi_takes_none_the_run_fails_and_nothing_is_rejected(
    stage: SessionStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_request, "MOST_GROUPS", 6)
    stage.drops(*NAMES)
    stage.plays(RefusedEntry(message="failureMode is not valid"))
    with pytest.raises(ViRefused, match="failureMode is not valid"):
        stage.opens()
    assert stage.states(*NAMES) == ["dropped"] * 8
    assert statuses(stage) == [400] * 7
    assert stage.announced == []
    stage.plays()
    assert stage.opens("later")["session"]["total"] == 8


def test_a_refusal_for_other_reasons_is_not_split(stage: SessionStage) -> None:
    stage.drops(*NAMES)
    stage.plays(ApiFault(method="POST", path="IngestionSessions", status=402))
    with pytest.raises(ViRefused):
        stage.opens()
    assert statuses(stage) == [402]
    assert stage.states(*NAMES) == ["dropped"] * 8


def test_a_ration_that_counts_refusals_ends_the_run_with_what_vi_refused(stage: SessionStage) -> None:
    stage.drops(*NAMES)
    stage.plays(
        ApiFault(method="POST", path="IngestionSessions", status=400, times=2),
        ApiFault(method="POST", path="IngestionSessions", status=429, times=1),
    )
    with pytest.raises(ViRefused):
        stage.opens()
    assert statuses(stage) == [400, 400, 429]
    assert stage.states(*NAMES) == ["dropped"] * 8


def test_a_lost_answer_is_found_by_the_files_of_its_session(stage: SessionStage) -> None:
    stage.drops(*NAMES)
    stage.plays(RefusedEntry(filename=LAST), LostAnswer(times=1), shows_spec_assets=True)
    with pytest.raises(AnswerLost):
        stage.opens()
    assert stage.opens()["session"]["total"] == 6
    assert stage.states(*NAMES) == ["claimed"] * 6 + ["dropped"] * 2
    assert [session.failed for session in stage.vi.stage.sessions.values()] == ["Cancelled", ""]
