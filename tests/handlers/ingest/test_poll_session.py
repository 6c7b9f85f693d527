"""Poll Session: where a session is, and how long to wait before the next look."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from assetline.errors import KeyRefused, RateLimited, ViUnavailable
from assetline.ingest import dependencies as connections
from assetline.ingest.poll_session import LEAST_PATIENCE, rested, waited
from assetline.vi.poll_interval import poll_interval
from local.emulators.vi.scenario import ApiFault, FileError, OmittedEntry, SessionFails
from tests.handlers.ingest.session_stage import DATASET, DROPS, SessionStage

FILES = ("0.png", "1.png", "2.png")
LATER = next(polls for polls in range(100) if rested(polls))
PATIENT = next(polls for polls in range(1000) if waited(polls) >= LEAST_PATIENCE)


def opened_ago(session: dict[str, Any], **ago: float) -> dict[str, Any]:
    return session | {"opened_at": (datetime.now(UTC) - timedelta(**ago)).isoformat()}


def test_a_session_that_finished_needs_no_other_look(stage: SessionStage) -> None:
    session = stage.session(*FILES)
    assert stage.polls(session) == {"progress": "finished", "wait_seconds": 0}
    assert (stage.noted()["succeeded"], stage.noted()["errored"]) == (3, 0)


def test_a_failed_session_is_reported_as_failed(stage: SessionStage) -> None:
    stage.plays(SessionFails())
    assert stage.polls(stage.session(*FILES))["progress"] == "failed"


def test_a_cancelled_session_is_reported_as_cancelled(stage: SessionStage) -> None:
    stage.drops(*FILES)
    session = stage.opens()["session"]
    stage.vi.stage.sessions[session["session_id"]].cancel()
    assert stage.polls(session)["progress"] == "cancelled"


def test_a_session_vi_does_not_have_has_failed(stage: SessionStage) -> None:
    session = stage.session(*FILES)
    stage.vi.stage.sessions.clear()
    assert stage.polls(session)["progress"] == "failed"


def test_the_looks_at_a_session_that_runs_grow_apart_up_to_a_minute(stage: SessionStage) -> None:
    stage.drops(*FILES)
    session = stage.opens()["session"]
    waits = [stage.polls(session, polls)["wait_seconds"] for polls in (0, 1, 2, 5, 9, 900)]
    assert waits == [2, 3, 5, 16, 60, 60]


def test_every_look_renews_the_lease_also_when_vi_does_not_answer(stage: SessionStage) -> None:
    session = stage.session(*FILES)
    stage.lease_passes("run-1")
    stage.plays(ApiFault(path="assetIngestionSessions", status=503))
    with pytest.raises(ViUnavailable):
        stage.polls(session)
    assert stage.noted()["lease_until"] > datetime.now(UTC).timestamp()


def test_a_pause_that_vi_asks_for_is_the_machines_to_make(stage: SessionStage) -> None:
    session = stage.session(*FILES)
    stage.plays(ApiFault(path="assetIngestionSessions", status=429, retry_after=7))
    with pytest.raises(RateLimited) as caught:
        stage.polls(session)
    assert caught.value.pause_seconds == 7


def test_a_key_that_is_refused_breaks_the_run(stage: SessionStage) -> None:
    session = stage.session(*FILES)
    stage.plays(key="dtvi_another")
    with pytest.raises(KeyRefused):
        stage.polls(session)


def test_a_session_is_overdue_when_it_was_waited_for_long_enough(stage: SessionStage) -> None:
    stage.drops(*FILES)
    session = stage.opens()["session"]
    assert stage.polls(opened_ago(session, minutes=29), PATIENT)["progress"] == "running"
    assert stage.polls(opened_ago(session, minutes=31), PATIENT)["progress"] == "overdue"


def test_a_large_session_may_take_two_seconds_an_asset(stage: SessionStage) -> None:
    stage.drops(*FILES)
    session = stage.opens()["session"] | {"total": 5000}
    assert stage.polls(opened_ago(session, seconds=9_990), PATIENT)["progress"] == "running"
    assert stage.polls(opened_ago(session, seconds=10_010), PATIENT)["progress"] == "overdue"


def test_a_session_after_hours_of_uploads_is_not_yet_overdue(stage: SessionStage) -> None:
    stage.drops(*FILES)
    session = stage.opens()["session"]
    assert stage.polls(opened_ago(session, hours=5), 0)["progress"] == "running"


def test_a_session_that_waits_only_for_a_deleted_file_is_finished(stage: SessionStage) -> None:
    stage.drops(*FILES)
    opened = stage.opens()
    stage.s3.delete_object(Bucket=DROPS, Key=f"{DATASET}/0.png")
    assert stage.polls(stage.uploads(opened))["progress"] == "finished"


def test_a_session_with_broken_uploads_is_finished_once_it_rests(stage: SessionStage) -> None:
    stage.drops(*FILES)
    session = stage.opens()["session"]
    assert stage.polls(session, LATER)["progress"] == "running"
    assert stage.polls(session, LATER - 1, "Sandbox.Timedout")["progress"] == "running"
    assert stage.polls(session, LATER, "Sandbox.Timedout")["progress"] == "finished"


def test_a_session_that_is_still_at_what_was_uploaded_is_not_finished(stage: SessionStage) -> None:
    stage.drops(*FILES)
    opened = stage.opens()
    stage.s3.delete_object(Bucket=DROPS, Key=f"{DATASET}/0.png")
    session = stage.uploads(opened)
    (entry,) = (entry for entry in _entries(stage, session) if entry.filename == "1.png")
    entry.state = "waiting"
    assert stage.polls(session, 50)["progress"] == "running"


def test_a_file_vi_left_out_is_waited_for_only_until_nothing_moves(stage: SessionStage) -> None:
    stage.plays(OmittedEntry(filename="0.png"))
    session = stage.session(*FILES)
    assert stage.polls(session, LATER)["progress"] == "running"  # the counts are new
    assert stage.polls(session, LATER - 1)["progress"] == "running"  # too soon after the look before
    assert stage.polls(session, LATER)["progress"] == "finished"


def test_an_upload_that_vi_gave_up_does_not_count_as_pending(stage: SessionStage) -> None:
    stage.drops(*FILES)
    opened = stage.opens()
    stage.s3.delete_object(Bucket=DROPS, Key=f"{DATASET}/0.png")
    session = stage.uploads(opened)
    entries = {entry.filename: entry for entry in _entries(stage, session)}
    entries["0.png"].refused("ETIMEOUT")
    entries["1.png"].state = "waiting"
    assert stage.polls(session, 50)["progress"] == "running"


def test_a_session_that_was_swept_is_over_for_its_run_too(stage: SessionStage) -> None:
    session = stage.session(*FILES)
    connections.sessions_table().finish("run-1", "abandoned")
    assert stage.polls(session)["progress"] == "cancelled"
    assert stage.noted()["state"] == "abandoned"


def test_unknown_codes_do_not_stop_the_polling(stage: SessionStage) -> None:
    stage.plays(FileError(filename="1.png", code="ENEWLY_MADE"))
    assert stage.polls(stage.session(*FILES))["progress"] == "finished"


def test_the_waits_between_looks_add_up() -> None:
    assert waited(0) == 0
    assert waited(3) == poll_interval(0) + poll_interval(1) + poll_interval(2)
    assert poll_interval(10_000) == 60


def _entries(stage: SessionStage, session: dict[str, Any]) -> Any:
    return stage.vi.stage.sessions[session["session_id"]].entries
