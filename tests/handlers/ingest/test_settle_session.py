"""Settle Session: every drop of a session has come to something, and everybody can see to what."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from assetline.errors import KeyRefused, ViUnavailable
from assetline.ingest import dependencies as connections
from assetline.ingest import staging as slices
from assetline.ingest.poll_session import rested
from local.emulators.vi.scenario import LOCAL_KEY, ApiFault, FileError, SessionFails
from tests.handlers.conftest import in_the_account_of_moto
from tests.handlers.ingest.session_stage import DATASET, DROPS, SessionStage
from tests.simulation.account import MemoryAccount

FILES = ("0.png", "1.png", "2.png")
LATER = next(polls for polls in range(100) if rested(polls))
BAD = FileError(filename="1.png", code="EBADMIME")


@pytest.fixture
def account(memory: MemoryAccount) -> MemoryAccount:
    return memory


def test_a_successful_session_ingests_every_drop_and_cancels_nothing(stage: SessionStage) -> None:
    session = stage.session(*FILES)
    settled = stage.settles(session)
    assert stage.states(*FILES) == ["ingested"] * 3
    assert {*stage.vi.assets(DATASET)} == {*FILES}
    assert stage.cancels() == 0
    assert settled == {
        "session_key": "run-1",
        "session_id": session["session_id"],
        "dataset_id": DATASET,
        "total": 3,
        "ingested": 3,
        "rejected": 0,
        "returned": 0,
        "bucket": session["bucket"],
        "report_key": settled["report_key"],
        "progress": "finished",
    }


@in_the_account_of_moto
def test_objects_are_tagged_with_their_outcome_beside_their_own_tags(stage: SessionStage) -> None:
    stage.plays(BAD)
    session = stage.session(*FILES, tags="owner=anna")
    stage.settles(session)
    assert stage.tags("0.png") == {"owner": "anna", "assetline:state": "ingested", "assetline:asset": "0.png"}
    assert stage.tags("1.png") == {"owner": "anna", "assetline:state": "rejected", "assetline:reason": "EBADMIME"}


@pytest.mark.parametrize(
    ("outcomes", "tagged"),
    [
        ("All", [{"assetline:state": "ingested", "assetline:asset": "0.png"}, "EBADMIME"]),
        ("Rejected", [{}, "EBADMIME"]),
        ("None", [{}, None]),
    ],
)
def test_outcomes_are_tagged_as_the_parameter_selects(
    stage: SessionStage, monkeypatch: pytest.MonkeyPatch, outcomes: str, tagged: list[Any]
) -> None:
    tag_outcomes(monkeypatch, outcomes)
    stage.plays(BAD)
    stage.settles(stage.session(*FILES))
    assert [stage.tags("0.png"), stage.tags("1.png").get("assetline:reason")] == tagged


@pytest.mark.parametrize("existing", [{}, {"owner": "anna"}])
@pytest.mark.parametrize(("outcomes", "state"), [("All", "ingested"), ("Rejected", "ingested"), ("None", "rejected")])
def test_a_retried_object_that_is_ingested_is_not_tagged_as_rejected(
    stage: SessionStage, monkeypatch: pytest.MonkeyPatch, outcomes: str, state: str, existing: dict[str, str]
) -> None:
    tag_outcomes(monkeypatch, "Rejected")
    stage.plays(BAD)
    stage.settles(stage.session("1.png", tags="&".join(f"{name}={value}" for name, value in existing.items())))
    assert stage.tags("1.png")["assetline:state"] == "rejected"
    tag_outcomes(monkeypatch, outcomes)
    assert connections.ledger().retry([stage.drop("1.png")])
    stage.ends("run")
    stage.plays()
    stage.settles(stage.uploads(stage.opens("again")))
    assert stage.states("1.png") == ["ingested"]
    assert (stage.tags("1.png") | existing, stage.tags("1.png")["assetline:state"]) == (stage.tags("1.png"), state)


def test_a_tag_of_the_owner_is_not_a_reason_to_tag_an_ingested_object(
    stage: SessionStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    tag_outcomes(monkeypatch, "Rejected")
    stage.settles(stage.session("0.png", tags="owner=anna"))
    assert stage.tags("0.png") == {"owner": "anna"}


def tag_outcomes(monkeypatch: pytest.MonkeyPatch, outcomes: str) -> None:
    """Let the functions run with another value of TagObjects, as after a deployment."""
    monkeypatch.setenv("TAG_OBJECTS", outcomes)
    for made in (
        connections.settings,
        connections.object_tagger,
        connections.opener,
        connections.recorder,
        connections.settler,
    ):
        made.cache_clear()


def test_a_tag_that_came_after_the_object_was_looked_at_stays(stage: SessionStage) -> None:
    session = stage.session("0.png")
    scanned = {"TagSet": [{"Key": "GuardDutyMalwareScanStatus", "Value": "NO_THREATS_FOUND"}]}
    stage.s3.put_object_tagging(Bucket=DROPS, Key=f"{DATASET}/0.png", Tagging=scanned)
    stage.settles(session)
    assert stage.tags("0.png")["GuardDutyMalwareScanStatus"] == "NO_THREATS_FOUND"
    assert stage.tags("0.png")["assetline:state"] == "ingested"


def test_an_object_deleted_by_then_does_no_harm(stage: SessionStage) -> None:
    session = stage.session(*FILES)
    stage.s3.delete_object(Bucket=DROPS, Key=f"{DATASET}/1.png")
    stage.settles(session)
    assert stage.states(*FILES) == ["ingested"] * 3


def test_the_report_has_the_results_in_numbers_and_words(stage: SessionStage) -> None:
    stage.plays(BAD)
    session = stage.session(*FILES)
    settled = stage.settles(session)
    report = stage.report(settled)
    assert (report["total"], report["succeeded"], report["failed"], report["returned"]) == (3, 2, 1, 0)
    assert report["success_rate"] == pytest.approx(66.67)
    (failed,) = report["failed_files"]
    assert (failed["key"], failed["asset"], failed["reason"]) == (f"{DATASET}/1.png", "1.png", "EBADMIME")
    assert "JPEG or PNG" in failed["message"]
    assert (report["dataset_id"], report["session_id"]) == (DATASET, session["session_id"])
    opened = session["opened_at"]
    stamp = f"{opened[:10]}_{opened[11:19]}".replace("-", "").replace(":", "")
    assert settled["report_key"] == f"reports/{DATASET}/{DATASET}_{stamp}_{session['session_id']}.json"


def test_the_csv_lists_every_file(stage: SessionStage) -> None:
    stage.plays(BAD)
    settled = stage.settles(stage.session(*FILES))
    rows = [*csv.DictReader(io.StringIO(stage.text(settled["report_key"].replace(".json", ".csv"))))]
    assert [(row["key"], row["asset"], row["state"], row["reason"]) for row in rows] == [
        (f"{DATASET}/0.png", "0.png", "ingested", ""),
        (f"{DATASET}/1.png", "1.png", "rejected", "EBADMIME"),
        (f"{DATASET}/2.png", "2.png", "ingested", ""),
    ]


def test_the_end_is_announced_and_noted_in_the_table(stage: SessionStage) -> None:
    stage.plays(BAD)
    settled = stage.settles(stage.session(*FILES))
    (event,) = stage.announced
    assert (event["Source"], event["DetailType"]) == ("assetline", "Ingestion Session Settled")
    assert settled["report_key"] in event["Detail"]
    noted = stage.noted()
    assert noted["state"] == "finished"
    assert (noted["ingested"], noted["rejected"], noted["returned"]) == (2, 1, 0)
    assert noted["report_key"] == settled["report_key"]
    kept = int(noted["expires_at"]) - datetime.now(UTC).timestamp()
    assert 29 < kept / timedelta(days=1).total_seconds() < 31  # DROP_RETENTION_DAYS


def test_a_repeat_changes_nothing_and_answers_the_same(stage: SessionStage) -> None:
    session = stage.session(*FILES)
    first = stage.settles(session)
    earlier = [stage.drop(name) for name in FILES]
    assert stage.settles(session) == first
    assert [stage.drop(name) for name in FILES] == earlier
    assert len(stage.announced) == 1
    assert len(stage.reports()) == 2


def test_a_failed_file_costs_the_others_no_attempt(stage: SessionStage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAILURE_MODE", "FailAfterOne")
    connections.settings.cache_clear()
    stage.plays(BAD)
    session = stage.session(*FILES)
    progress = stage.polls(session)["progress"]
    settled = stage.settles(session, progress)
    assert progress == settled["progress"] == stage.noted()["state"] == "failed"
    assert stage.drop("1.png").reason == "EBADMIME"
    assert [(stage.drop(name).state, stage.drop(name).attempts) for name in ("0.png", "2.png")] == [("dropped", 0)] * 2
    assert stage.cancels() == 1


def test_a_session_without_a_reason_costs_one_of_four_attempts(stage: SessionStage) -> None:
    stage.plays(SessionFails(reason="OutOfDisk"))
    seen = []
    stage.drops("0.png")
    for round_ in range(1, 5):
        session = stage.uploads(stage.opens(round_=round_))
        stage.settles(session, stage.polls(session)["progress"])
        seen.append((stage.drop("0.png").state, stage.drop("0.png").attempts))
    assert seen == [("dropped", 1), ("dropped", 2), ("dropped", 3), ("rejected", 3)]
    assert stage.drop("0.png").reason == "SessionFailed"
    assert "OutOfDisk" in (stage.drop("0.png").message or "")
    assert stage.tags("0.png") == {"assetline:state": "rejected", "assetline:reason": "SessionFailed"}


def test_an_object_deleted_before_its_upload_is_rejected_alone(
    stage: SessionStage,
) -> None:
    stage.drops(*FILES)
    opened = stage.opens()
    stage.s3.delete_object(Bucket=DROPS, Key=f"{DATASET}/0.png")
    session = stage.uploads(opened)
    assert stage.polls(session) == {"progress": "finished", "wait_seconds": 0}
    settled = stage.settles(session)
    assert stage.states(*FILES) == ["rejected", "ingested", "ingested"]
    assert stage.drop("0.png").reason == "Deleted"
    assert (settled["ingested"], settled["rejected"], settled["progress"]) == (2, 1, "finished")
    assert stage.cancels() == 1


def test_an_object_that_took_the_place_of_a_drop_gets_no_tags_of_it(stage: SessionStage) -> None:
    stage.drops(*FILES)
    opened = stage.opens()
    stage.s3.put_object(Bucket=DROPS, Key=f"{DATASET}/0.png", Body=b"another one")
    stage.settles(stage.uploads(opened))
    assert stage.drop("0.png").reason == "Overwritten"
    assert stage.tags("0.png") == {}


def test_a_run_that_broke_gives_back_what_was_not_sent_and_cancels(stage: SessionStage) -> None:
    stage.drops(*FILES)
    opened = stage.opens()
    settled = stage.settles(opened["session"], "broken", "Sandbox.Timedout")
    assert [(stage.drop(name).state, stage.drop(name).attempts) for name in FILES] == [("dropped", 1)] * 3
    assert (settled["returned"], stage.cancels(), stage.noted()["state"]) == (3, 1, "failed")
    assert stage.noted()["error"] == "Sandbox.Timedout"


def test_a_slice_that_broke_off_costs_a_try_its_own_files_only(
    stage: SessionStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slices, "SLICE_ASSETS", 2)
    stage.drops(*FILES)
    opened = stage.opens()
    session = stage.uploads(opened | {"slices": opened["slices"][:1]})
    stage.polls(session)
    progress = stage.polls(session, LATER, "Sandbox.Timedout")["progress"]
    settled = stage.settles(session, progress, "Sandbox.Timedout")
    assert [(stage.drop(name).state, stage.drop(name).attempts) for name in FILES] == [
        ("ingested", 0),
        ("ingested", 0),
        ("dropped", 1),
    ]
    assert (settled["ingested"], settled["returned"], stage.cancels()) == (2, 1, 1)
    assert stage.noted()["error"] == "Sandbox.Timedout"


def test_a_run_that_broke_for_its_key_costs_no_try(stage: SessionStage) -> None:
    stage.drops(*FILES)
    stage.settles(stage.opens()["session"], "broken", "KeyRefused")
    assert [(stage.drop(name).state, stage.drop(name).attempts) for name in FILES] == [("dropped", 0)] * 3


def test_a_key_that_vi_refuses_leaves_all_as_it_is_until_it_takes_one(stage: SessionStage) -> None:
    session = stage.session(*FILES)
    stage.plays(key="dtvi_another")
    with pytest.raises(KeyRefused):
        stage.settles(session)
    assert stage.states(*FILES) == ["claimed"] * 3
    stage.plays(key=LOCAL_KEY)
    stage.settles(session)
    assert stage.states(*FILES) == ["ingested"] * 3


def test_a_session_that_cannot_be_cancelled_is_settled_later(
    stage: SessionStage,
) -> None:
    stage.drops(*FILES)
    session = stage.opens()["session"]
    stage.plays(ApiFault(method="POST", path=":cancel", status=503))
    with pytest.raises(ViUnavailable):
        stage.settles(session, "overdue")
    assert stage.states(*FILES) == ["claimed"] * 3
    stage.plays()
    stage.settles(session, "overdue")
    assert stage.states(*FILES) == ["dropped"] * 3


def test_a_cancel_that_vi_refuses_as_the_session_is_over_is_no_harm(stage: SessionStage) -> None:
    stage.drops(*FILES)
    session = stage.opens()["session"]
    stage.plays(ApiFault(method="POST", path=":cancel", status=409))
    stage.settles(session, "overdue")
    assert stage.states(*FILES) == ["dropped"] * 3


def test_a_session_vi_has_forgotten_gives_its_drops_back(stage: SessionStage) -> None:
    session = stage.session(*FILES)
    stage.vi.stage.sessions.clear()
    settled = stage.settles(session, "failed")
    assert (settled["returned"], settled["progress"]) == (3, "failed")
    assert stage.states(*FILES) == ["dropped"] * 3


def test_a_retried_drop_has_the_tags_of_its_last_attempt(stage: SessionStage) -> None:
    stage.plays(BAD)
    stage.settles(stage.session(*FILES))
    stage.plays()
    connections.ledger().retry([stage.drop("1.png")])
    stage.settles(stage.uploads(stage.opens(round_=2)))
    assert stage.tags("1.png") == {"assetline:state": "ingested", "assetline:asset": "1.png"}


SIGNED = "https://storage.googleapis.com/b/o?X-Goog-Signature=abc"


@pytest.mark.parametrize(
    "fault",
    [
        BAD,
        FileError(filename="1.png", code=f"EPUT {SIGNED}"),
        SessionFails(reason=f"PUT {SIGNED} was refused: {'x' * 5_000}"),
    ],
    ids=["file", "code", "session"],
)
def test_no_signed_url_is_in_anything_but_the_slices(
    stage: SessionStage, fault: Any, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.plays(fault)
    session = stage.session(*FILES, attempts=3)
    settled = stage.settles(session, stage.polls(session)["progress"])
    assert settled["rejected"]
    staged = stage.text(f"staging/ingest/run-1/settlement-{session['session_id']}.json")
    kept = (staged, *map(stage.text, stage.reports()), str(settled), str(stage.announced), str(stage.noted()))
    found = (*(str(stage.drop(name)) for name in FILES), *(str(stage.tags(name)) for name in FILES))
    for text in (*kept, *found, caplog.text, capsys.readouterr().out):
        assert "http" not in text.replace(stage.vi.url, "")
        assert "Signature" not in text
        assert "x" * 1_000 not in text
