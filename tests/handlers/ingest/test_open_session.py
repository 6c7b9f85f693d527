"""Open Session: rationed, exact, and harmless to repeat."""

import json
from typing import Any

import pytest

from assetline.errors import AnswerLost, KeyRefused, ViUnavailable
from assetline.ingest import dependencies as connections
from assetline.ingest import open_session
from assetline.ingest import staging as slices
from assetline.ingest.gathering import INDEX_SECONDS
from assetline.vi.ingestion_sessions import AssetSpec, Sessions
from local.emulators.vi.scenario import ApiFault, LostAnswer, OmittedEntry
from local.emulators.vi.server import ViEmulator
from tests.handlers.ingest.session_stage import DATASET, SHARDS, SessionStage, session_stage

NAMES = ("a.png", "b.png", "c.png")
GATHER_SECONDS = 60  # of the stage


def running(stage: SessionStage) -> list[Any]:
    return [session for session in stage.vi.stage.sessions.values() if not session.is_over()]


def test_waiting_drops_get_a_session(stage: SessionStage) -> None:
    stage.drops(*NAMES)
    opened = stage.opens()
    assert (opened["outcome"], opened["session"]["total"]) == ("opened", 3)
    assert stage.states(*NAMES) == ["claimed"] * 3
    assert stage.sessions_of(*NAMES) == {"run-1"}
    assert [session.dataset.dataset_id for session in running(stage)] == [DATASET]
    assert stage.noted()["state"] == "open"


def test_nothing_waits_and_vi_is_not_asked(stage: SessionStage) -> None:
    assert stage.opens()["outcome"] == "no_drops"
    assert stage.vi.requests() == []


def test_opening_again_gives_the_same_and_opens_nothing_more(stage: SessionStage) -> None:
    stage.drops(*NAMES)
    assert stage.opens() == stage.opens()
    assert stage.vi.sessions_opened() == 1


def test_a_repeat_behind_the_settling_leaves_the_run_its_dataset(stage: SessionStage) -> None:
    session = stage.session("a.png")
    stage.polls(session)
    stage.settles(session)
    assert stage.opens()["outcome"] == "owned"
    stage.drops("b.png")
    assert stage.opens("other")["outcome"] == "owned"
    assert stage.opens("run", 2)["outcome"] == "opened"


def test_the_state_carries_addresses_and_no_signed_url(stage: SessionStage) -> None:
    stage.drops(*NAMES)
    opened = stage.opens()
    assert "signature" not in str(opened)
    [slice_] = opened["slices"]
    assert "signature" in stage.text(slice_["key"])
    assert slice_["key"].startswith("staging/")


def test_two_drops_of_one_name_are_never_in_one_session(stage: SessionStage) -> None:
    stage.drops("a.png", "b.png")
    ledger = connections.ledger()
    newer = stage.drop("a.png").model_copy(update={"drop_id": "f" * 32})
    ledger.record(newer)
    assert stage.opens()["session"]["total"] == 2
    assert ledger.get([newer.drop_id])[newer.drop_id].state == "dropped"


def test_a_run_whose_index_lags_behind_takes_nothing_from_another(
    stage: SessionStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.drops(*NAMES)
    seen = connections.ledger().waiting(DATASET, 10)
    stage.settles(stage.uploads(stage.opens("first")))
    stage.ends("first")
    with monkeypatch.context() as lagging:
        lagging.setattr(connections.ledger(), "waiting", lambda *_: seen)
        assert stage.opens("second")["outcome"] == "look_again"
    assert stage.opens("second")["outcome"] == "no_drops"
    assert stage.sessions_of(*NAMES) == {"first-1"}


def test_an_unknown_dataset_is_the_reason_and_uses_no_session(stage: SessionStage) -> None:
    stage.drops(*NAMES)
    stage.plays()
    del stage.vi.stage.datasets[DATASET]
    assert stage.opens()["outcome"] == "no_drops"
    assert {stage.drop(name).reason for name in NAMES} == {"DatasetUnknown"}
    assert stage.states(*NAMES) == ["rejected"] * 3
    assert stage.vi.sessions_opened() == 0


def test_a_drop_rejected_for_its_dataset_is_tagged_and_announced(
    stage: SessionStage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.drops(*NAMES, tags="owner=anna")
    stage.plays()
    del stage.vi.stage.datasets[DATASET]
    stage.opens()
    added = {"assetline:state": "rejected", "assetline:reason": "DatasetUnknown"}
    assert [stage.tags(name) for name in NAMES] == [{"owner": "anna"} | added] * 3
    (event,) = stage.announced
    assert (event["Source"], event["DetailType"]) == ("assetline", "Drops Rejected")
    detail = json.loads(event["Detail"])
    assert (detail["dataset_id"], detail["reason"], detail["rejected"]) == (DATASET, "DatasetUnknown", 3)
    metrics = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    assert [metric["DropsRejected"] for metric in metrics if "DropsRejected" in metric] == [[3.0]]


def test_a_drop_with_a_stale_index_entry_is_not_reported_rejected(
    stage: SessionStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.drops(*NAMES)
    seen = connections.ledger().waiting(DATASET, 10)
    stage.settles(stage.uploads(stage.opens()))
    stage.ends("run")
    earlier = [stage.tags(name) for name in NAMES]
    stage.announced.clear()
    del stage.vi.stage.datasets[DATASET]
    with monkeypatch.context() as lagging:
        lagging.setattr(connections.ledger(), "waiting", lambda *_: seen)
        assert stage.opens("late")["outcome"] == "look_again"
    assert stage.opens("late")["outcome"] == "no_drops"
    assert [stage.tags(name) for name in NAMES] == earlier
    assert stage.announced == []


def test_a_key_that_is_refused_leaves_every_drop_as_it_was(stage: SessionStage) -> None:
    stage.drops(*NAMES)
    stage.plays(key="dtvi_another")
    with pytest.raises(KeyRefused, match="put a current one in the secret"):
        stage.opens()
    assert stage.states(*NAMES) == ["dropped"] * 3


def test_a_quota_that_is_used_up_fails_the_run_and_the_drops_wait(stage: SessionStage) -> None:
    stage.drops(*NAMES)
    stage.plays(ApiFault(method="POST", status=402, message="Quota used up"))
    with pytest.raises(Exception, match="Quota used up"):
        stage.opens()
    assert stage.states(*NAMES) == ["dropped"] * 3
    stage.plays()
    assert stage.opens("later")["outcome"] == "opened"


def test_no_more_sessions_are_opened_than_the_ration_has(vi: ViEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    with session_stage(vi, monkeypatch, sessions_per_window=2, window_seconds=300) as stage:
        monkeypatch.setenv("SESSIONS_PER_WINDOW", "2")
        connections.settings.cache_clear()
        connections.permits.cache_clear()
        outcomes = []
        for number in range(4):
            stage.drops(f"{number}.png")
            outcomes.append(stage.opens(f"run{number}"))
            if outcomes[-1]["outcome"] == "opened":
                stage.settles(stage.uploads(outcomes[-1]))
            stage.ends(f"run{number}")
        assert [outcome["outcome"] for outcome in outcomes] == ["opened", "opened", "permit_wait", "permit_wait"]
        assert 295 <= outcomes[2]["wait_seconds"] <= 301
        assert [request.status for request in vi.requests("IngestionSessions", "POST")] == [200, 200]
        assert stage.states("2.png", "3.png") == ["dropped", "dropped"]


def test_a_shared_session_quota_is_waited_for_as_vi_requests(stage: SessionStage) -> None:
    stage.drops(*NAMES)
    stage.plays(ApiFault(method="POST", path="IngestionSessions", status=429, retry_after=42, times=1))
    assert stage.opens() == {"outcome": "permit_wait", "wait_seconds": 42, "session": None, "slices": []}
    assert stage.states(*NAMES) == ["dropped"] * 3
    assert stage.opens()["outcome"] == "permit_wait"  # no earlier request
    assert len(stage.vi.requests("IngestionSessions", "POST")) == 1


@pytest.mark.parametrize("scenario", [{"shows_spec_assets": True}, {"lists_uploads": True}])
def test_a_lost_session_is_cancelled_before_another_is_opened(stage: SessionStage, scenario: dict[str, Any]) -> None:
    stage.drops(*NAMES)
    stage.plays(LostAnswer(times=1), **scenario)
    with pytest.raises(AnswerLost):
        stage.opens()
    assert len(running(stage)) == 1
    assert stage.opens()["outcome"] == "opened"
    assert [session.failed for session in stage.vi.stage.sessions.values()] == ["Cancelled", ""]
    assert len(running(stage)) == 1


def test_an_open_session_without_an_id_is_found_and_cancelled(
    stage: SessionStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.drops(*NAMES)
    stage.plays(shows_spec_assets=True)
    client, nameless = connections.vi_client(), ["POST"]
    send = client.send

    def answered_without(method: str, path: str, **more: Any) -> Any:
        answer = send(method, path, **more)
        if [method] != nameless:
            return answer
        nameless.clear()
        return {}

    monkeypatch.setattr(client, "send", answered_without)
    with pytest.raises(AnswerLost):
        stage.opens()
    assert stage.opens()["outcome"] == "opened"
    assert [session.failed for session in stage.vi.stage.sessions.values()] == ["Cancelled", ""]
    permits = [connections.sessions_table().table.get_item(Key={"session_key": f"permit#{n}"}) for n in range(2)]
    assert all(permit["Item"]["free_at"] for permit in permits)  # Vi has counted both


@pytest.mark.parametrize("settled", [True, False], ids=["settled", "uploaded"])
def test_a_lost_session_that_opened_late_is_cancelled(
    stage: SessionStage, monkeypatch: pytest.MonkeyPatch, settled: bool
) -> None:
    stage.drops(*NAMES)
    stage.plays(shows_spec_assets=True)
    client, send = connections.vi_client(), connections.vi_client().send
    sessions: list[dict[str, Any]] = []

    def sent_late(method: str, path: str, **more: Any) -> Any:
        if method != "POST":
            return send(method, path, **more)
        monkeypatch.setattr(client, "send", send)
        sessions.append(stage.opens()["session"])  # another invocation takes the opening over meanwhile
        if settled:
            stage.settles(sessions[0])
        send(method, path, **more)
        raise AnswerLost("The connection ended.")

    monkeypatch.setattr(client, "send", sent_late)
    with pytest.raises(AnswerLost):
        stage.opens()
    if not settled:
        assert [session.session_id for session in running(stage)] == [sessions[0]["session_id"]]
        stage.settles(sessions[0])
    assert running(stage) == []


def test_a_lost_session_that_cannot_be_found_makes_no_asset(stage: SessionStage) -> None:
    stage.drops(*NAMES)
    stage.plays(LostAnswer(times=1), lists_sessions=False)
    with pytest.raises(AnswerLost):
        stage.opens()
    stage.uploads(stage.opens())
    assert sorted(stage.vi.assets(DATASET)) == [*NAMES]
    assert stage.vi.requests(":cancel") == []


def test_a_foreign_session_is_never_cancelled(stage: SessionStage) -> None:
    stage.drops(*NAMES)
    stage.plays(LostAnswer(times=1), lists_uploads=True)
    with pytest.raises(AnswerLost):
        stage.opens()
    foreign = [AssetSpec(f"their {name}", "image/png", 9, None, "Image", None) for name in NAMES]  # as many, and newer
    Sessions(connections.vi_client(), DATASET).create(foreign, "FailAfterAll", "KeepLinkedResource")
    stage.opens()
    assert [session.failed for session in stage.vi.stage.sessions.values()] == ["Cancelled", "", ""]


def test_while_vi_is_down_the_drops_wait(stage: SessionStage) -> None:
    stage.drops(*NAMES)
    stage.plays(ApiFault(method="GET", status=503))
    with pytest.raises(ViUnavailable):
        stage.opens()
    assert stage.states(*NAMES) == ["dropped"] * 3


def test_a_file_that_vi_leaves_out_of_its_answer_is_not_forgotten(stage: SessionStage) -> None:
    stage.drops(*NAMES)
    stage.plays(OmittedEntry(filename="b.png"))
    session = stage.uploads(stage.opens())
    stage.settles(session)
    assert stage.states(*NAMES) == ["ingested", "dropped", "ingested"]


def test_more_drops_than_a_session_takes_fill_one_and_the_rest_waits(
    stage: SessionStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_session, "LARGEST", 5)  # five thousand take the account of these tests minutes
    monkeypatch.setattr(slices, "SLICE_ASSETS", 2)
    stage.drops(*(f"{number}.png" for number in range(8)))
    opened = stage.opens()
    assert (opened["session"]["total"], len(opened["slices"])) == (5, 3)
    stage.settles(stage.uploads(opened))
    assert [drop.asset_filename for drop in connections.ledger().waiting(DATASET, 10)] == ["5.png", "6.png", "7.png"]


def test_the_state_holds_the_addresses_of_the_most_slices_there_are(stage: SessionStage) -> None:
    stage.drops("a.png")
    opened = stage.opens()
    most = opened | {"slices": opened["slices"] * slices.MAX_SLICES}
    assert len(json.dumps(most)) < 262_144 / 4


def test_drops_that_still_arrive_are_gathered_and_vi_is_not_asked(stage: SessionStage) -> None:
    stage.drops("first.png")
    stage.drops("last.png", minutes_ago=0)
    opened = stage.opens()
    assert opened["outcome"] == "gathering"
    assert GATHER_SECONDS < opened["wait_seconds"] <= GATHER_SECONDS + INDEX_SECONDS
    assert stage.states("first.png", "last.png") == ["dropped"] * 2
    assert stage.vi.requests() == []
    assert stage.opens("another")["outcome"] == "owned"  # by the run that gathers


def test_a_trickle_that_never_goes_quiet_is_ingested_at_the_longest_time(stage: SessionStage) -> None:
    names = [f"{minute}.png" for minute in range(12)]
    for minute, name in enumerate(names):
        stage.drops(name, minutes_ago=minute)
    opened = stage.opens()
    assert (opened["outcome"], opened["session"]["total"]) == ("opened", len(names))


def test_drops_that_fill_a_session_are_not_gathered_further(
    stage: SessionStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_session, "LARGEST", len(NAMES))
    stage.drops(*NAMES[:-1], minutes_ago=0)
    assert stage.opens()["outcome"] == "gathering"
    stage.drops(NAMES[-1], minutes_ago=0)
    assert stage.opens()["session"]["total"] == len(NAMES)


def test_a_look_at_the_drops_queries_each_shard_and_writes_no_drop(stage: SessionStage) -> None:
    stage.drops("a.png", "b.png", "c.png", minutes_ago=0)
    calls: list[tuple[str, str]] = []
    connections.ledger().table.meta.client.meta.events.register(
        "provide-client-params.dynamodb.*",
        lambda params, model, **_: calls.append((model.name, params.get("TableName", "drops"))),
    )
    assert stage.opens()["outcome"] == "gathering"
    of_drops = [operation for operation, table in calls if table == "drops"]
    assert of_drops == ["Query"] * SHARDS


def test_a_repeat_of_an_opening_gathers_no_further(stage: SessionStage) -> None:
    stage.drops("a.png")
    stage.plays(LostAnswer(times=1))
    with pytest.raises(AnswerLost):
        stage.opens()
    stage.drops("b.png", minutes_ago=0)
    assert stage.opens()["outcome"] == "opened"
    assert stage.states("a.png", "b.png") == ["claimed"] * 2
