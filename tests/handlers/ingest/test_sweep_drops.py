"""Sweep Drops: what a run that died left behind is settled, and what waits too long is started."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from assetline.errors import AnswerLost, KeyRefused
from assetline.ingest import dependencies as connections
from assetline.ingest import sweep_drops
from assetline.ingest.sessions_table import SessionsTable
from assetline.ingest.staging import SessionStaging
from functions.sweep_drops import app as sweep_drops_app
from functions.upload_assets import app as upload_assets
from local.emulators.vi.scenario import LOCAL_KEY, FileError, LostAnswer
from tests.handlers.conftest import in_the_account_of_moto, lambda_context
from tests.handlers.ingest.session_stage import DATASET, STAGING, SessionStage
from tests.simulation.account import MemoryAccount

FILES = ("0.png", "1.png", "2.png")
NOTHING = {"abandoned": 0, "returned": 0, "started": 0}


@pytest.fixture
def account(memory: MemoryAccount) -> MemoryAccount:
    return memory


def test_a_session_with_a_worker_is_left_alone(stage: SessionStage) -> None:
    stage.session(*FILES)
    assert stage.sweeps() == NOTHING
    assert stage.states(*FILES) == ["claimed"] * 3
    assert stage.noted()["state"] == "open"


@in_the_account_of_moto
def test_a_session_that_finished_after_its_run_died_is_ingested(stage: SessionStage) -> None:
    stage.plays(FileError(filename="1.png", code="EBADMIME"))
    stage.session(*FILES)
    stage.lease_passes("run-1")
    assert stage.sweeps() == {"abandoned": 1, "returned": 0, "started": 0}
    assert stage.states(*FILES) == ["ingested", "rejected", "ingested"]
    assert (stage.noted()["state"], stage.cancels()) == ("abandoned", 0)
    assert stage.tags("0.png")["assetline:state"] == "ingested"
    assert len(stage.announced) == 1


def test_a_session_without_uploads_is_cancelled_and_its_drops_wait(stage: SessionStage) -> None:
    stage.drops(*FILES, minutes_ago=5)
    stage.opens()
    stage.lease_passes("run-1")
    assert stage.sweeps() == {"abandoned": 1, "returned": 0, "started": 1}
    assert [(stage.drop(name).state, stage.drop(name).attempts) for name in FILES] == [("dropped", 1)] * 3
    assert stage.cancels() == 1
    assert len(stage.started) == 1
    assert stage.started[0].startswith(f"{DATASET}-")


def test_drops_wait_if_a_run_died_before_its_session_was_open(stage: SessionStage) -> None:
    stage.drops(*FILES)
    stage.opens()
    unopened = {"state": "opening"}
    connections.sessions_table().table.update_item(
        Key={"session_key": "run-1"},
        UpdateExpression="SET #state = :opening REMOVE session_id, ingestion_id",
        ExpressionAttributeNames={"#state": "state"},
        ExpressionAttributeValues={":opening": unopened["state"]},
    )
    stage.lease_passes("run-1")
    assert stage.sweeps()["abandoned"] == 1
    assert stage.states(*FILES) == ["dropped"] * 3
    assert stage.noted()["state"] == "abandoned"
    assert stage.reports() == []


def test_a_session_with_a_lost_opening_is_found_and_cancelled(stage: SessionStage) -> None:
    stage.plays(LostAnswer(), shows_spec_assets=True)
    stage.drops(*FILES)
    with pytest.raises(Exception, match="answer"):
        stage.opens()
    stage.lease_passes("run-1")
    stage.sweeps()
    assert stage.states(*FILES) == ["dropped"] * 3
    assert stage.cancels() == 1


def test_drops_wait_again_when_the_documents_of_their_session_have_expired(stage: SessionStage) -> None:
    session = stage.session(*FILES)
    staged = stage.s3.list_objects_v2(Bucket=STAGING, Prefix=f"staging/ingest/{session['session_key']}/")
    for document in staged["Contents"]:
        stage.s3.delete_object(Bucket=STAGING, Key=document["Key"])
    stage.lease_passes("run-1")
    stage.sweeps()
    assert stage.states(*FILES) == ["dropped"] * 3
    assert stage.opens("next")["session"]["total"] == 3


def test_drops_get_a_run_after_two_windows_and_not_earlier(stage: SessionStage) -> None:
    stage.drops("0.png", minutes_ago=1)
    assert stage.sweeps() == NOTHING
    stage.drops("1.png", minutes_ago=3)
    assert stage.sweeps() == {"abandoned": 0, "returned": 0, "started": 1}


def test_a_session_that_cannot_be_cancelled_blocks_no_other(stage: SessionStage) -> None:
    stage.session("0.png", execution="one")
    stage.ends("one")
    stage.session("1.png", execution="two")
    stage.drops("2.png", minutes_ago=5)
    stage.lease_passes("one-1")
    stage.lease_passes("two-1")
    stage.plays(key="dtvi_another")
    with pytest.raises(KeyRefused):
        stage.sweeps()
    assert stage.states("0.png", "1.png") == ["claimed"] * 2
    assert len(stage.started) == 1
    stage.plays(key=LOCAL_KEY)
    assert stage.sweeps()["abandoned"] == 2
    assert stage.states("0.png", "1.png") == ["ingested"] * 2


def test_a_sweep_repeated_changes_nothing(stage: SessionStage) -> None:
    stage.session(*FILES)
    stage.lease_passes("run-1")
    stage.sweeps()
    earlier = [stage.drop(name) for name in FILES]
    assert stage.sweeps() == NOTHING
    assert [stage.drop(name) for name in FILES] == earlier


def test_a_sweep_reads_the_sessions_once(stage: SessionStage) -> None:
    scans = []
    client = connections.sessions_table().table.meta.client
    client.meta.events.register("before-call.dynamodb.Scan", lambda **_: scans.append(1))
    stage.drops(*FILES, minutes_ago=10)
    assert stage.sweeps() == {"abandoned": 0, "returned": 0, "started": 1}
    assert len(scans) == 1


# ---- those who were thought dead


def test_an_old_upload_that_ends_late_changes_nothing(stage: SessionStage) -> None:
    stage.drops(*FILES)
    old = stage.opens("old")
    stage.lease_passes("old-1")
    stage.sweeps()
    new = stage.opens("new")
    for address in old["slices"]:
        upload_assets.lambda_handler(address, lambda_context())
    assert stage.states(*FILES) == ["claimed"] * 3
    assert stage.sessions_of(*FILES) == {"new-1"}
    stage.settles(stage.uploads(new))
    assert stage.states(*FILES) == ["ingested"] * 3


@pytest.mark.parametrize("progress", ["finished", "failed", "overdue", "broken"])
def test_an_old_settling_that_comes_late_changes_nothing(stage: SessionStage, progress: str) -> None:
    stage.drops(*FILES)
    old = stage.opens("old")["session"]
    stage.lease_passes("old-1")
    stage.sweeps()
    swept, reports = stage.noted("old-1"), {key: stage.text(key) for key in stage.reports()}
    new = stage.uploads(stage.opens("new"))
    late = stage.settles(old, progress, "Sandbox.Timedout" if progress == "broken" else None)
    assert (late["progress"], late["returned"]) == ("abandoned", 3)
    assert stage.states(*FILES) == ["claimed"] * 3
    assert stage.sessions_of(*FILES) == {"new-1"}
    assert stage.noted("old-1") == swept
    assert {key: stage.text(key) for key in stage.reports()} == reports
    stage.settles(new)
    stage.settles(old, progress)
    assert stage.states(*FILES) == ["ingested"] * 3
    assert stage.tags("0.png") == {"assetline:state": "ingested", "assetline:asset": "0.png"}
    assert len(stage.announced) == 2


def test_an_old_settling_does_not_tag_what_was_tried_again_since(stage: SessionStage) -> None:
    stage.plays(FileError(filename="0.png", code="EBADMIME"))
    old = stage.session("0.png", execution="old")
    stage.settles(old)
    stage.ends("old")
    stage.plays()
    connections.ledger().retry([stage.drop("0.png")])
    stage.settles(stage.uploads(stage.opens("new")))
    stage.settles(old)
    assert stage.tags("0.png") == {"assetline:state": "ingested", "assetline:asset": "0.png"}


def test_a_session_abandoned_by_a_sweep_is_not_opened(stage: SessionStage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.plays(LostAnswer(times=1), shows_spec_assets=True)
    stage.drops(*FILES)
    with pytest.raises(AnswerLost):
        stage.opens()
    stage.lease_passes("run-1")
    take_over = SessionsTable.take_over

    def taken_over_when_swept(table: SessionsTable, session_key: str, opener: str) -> bool:
        assert stage.sweeps()["abandoned"] == 1
        return take_over(table, session_key, opener)

    monkeypatch.setattr(SessionsTable, "take_over", taken_over_when_swept)
    assert stage.opens()["outcome"] == "no_drops"
    assert stage.states(*FILES) == ["dropped"] * 3
    assert all(session.is_over() for session in stage.vi.stage.sessions.values())
    assert stage.opens("next")["session"]["total"] == 3


@pytest.mark.parametrize("state", ["claimed", "uploaded"])
def test_a_drop_without_its_session_waits_again(stage: SessionStage, state: str) -> None:
    stage.drops("0.png", minutes_ago=90)
    lost = stage.drop("0.png").model_copy(
        update={"state": state, "session_key": "gone-1", "updated_at": datetime.now(UTC) - timedelta(hours=1)}
    )
    connections.ledger().table.put_item(Item=lost.to_item())
    assert stage.sweeps()["returned"] == 1
    assert stage.states("0.png") == ["dropped"]
    assert stage.sweeps()["started"] == 1


def test_an_idle_dataset_is_passed_over_until_something_is_dropped_for_it(
    stage: SessionStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.settles(stage.session("0.png"))
    monkeypatch.setattr(sweep_drops, "IDLE_SECONDS", -1)
    stage.sweeps()
    queries = []
    client = connections.ledger().table.meta.client
    client.meta.events.register("before-call.dynamodb.Query", lambda **_: queries.append(1))
    stage.sweeps()
    assert not queries
    assert connections.sessions_table().datasets() == [DATASET]
    stage.drops("1.png", minutes_ago=10)
    stage.ends("run")
    assert stage.sweeps()["started"] == 1


def test_a_sweep_reports_the_age_of_the_oldest_drop(stage: SessionStage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.drops("0.png", minutes_ago=30)
    stage.drops("1.png", minutes_ago=10)
    stage.sweeps()
    metrics = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "OldestDropAge" in line]
    assert [round(metric["OldestDropAge"][0] / 60) for metric in metrics] == [30]


def test_a_sweep_that_has_no_time_left_looks_at_nothing(stage: SessionStage) -> None:
    stage.drops("0.png", minutes_ago=10)
    answer = sweep_drops_app.lambda_handler({}, lambda_context(sweep_drops.RESERVED_SECONDS))
    assert answer == NOTHING


def test_an_opening_that_a_repeat_took_over_sends_nothing_more(
    stage: SessionStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.drops("a.png", minutes_ago=5)
    keep_request = SessionStaging.keep_request
    repeated: list[dict[str, Any]] = []

    def slowly(staging: SessionStaging, *given: Any) -> None:
        if not repeated:
            repeated.append({})
            stage.drops("b.png", minutes_ago=4)
            repeated[0] = stage.opens()  # Step Functions has lost sight of the first
        keep_request(staging, *given)

    monkeypatch.setattr(SessionStaging, "keep_request", slowly)
    assert stage.opens()["outcome"] == "owned"
    assert repeated[0]["session"]["total"] == 2
    assert stage.vi.sessions_opened() == 1
    stage.settles(stage.uploads(repeated[0]))
    assert stage.states("a.png", "b.png") == ["ingested"] * 2
