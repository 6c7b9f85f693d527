"""Deletions: only selected and counted assets are deleted, and a report has the results."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from assetline.deletion import delete_ids, poll_deletion
from assetline.deletion import staging as deletion_staging
from assetline.errors import CountMismatch, DatasetUnknown, InvalidInput, KeyRefused, RateLimited, ViRefused
from functions.delete_ids import app as delete_ids_app
from local.emulators.vi.scenario import LOCAL_KEY, LOCAL_ORGANIZATION, ApiFault, DeletionFails
from local.emulators.vi.server import ViEmulator, running
from tests.handlers.dataset.deletion_stage import POST_SESSION, DeletionStage, deletion_stage
from tests.handlers.dataset.download_stage import DATASET


@pytest.fixture(scope="module")
def vi() -> Iterator[ViEmulator]:
    with running() as vi:
        yield vi


@pytest.fixture
def stage(vi: ViEmulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[DeletionStage]:
    monkeypatch.setattr(delete_ids, "PAUSE", 0.0)
    monkeypatch.setattr("assetline.vi.client.PAUSE", 0.0)
    with deletion_stage(vi, monkeypatch) as stage:
        yield stage


def figures(result: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(result[name] for name in ("deleted", "gone", "failed", "left"))


def delete_fault(asset_id: str, status: int, **more: Any) -> ApiFault:
    return ApiFault(method="DELETE", path=f"/assets/{asset_id}", status=status, **more)


def test_ids_are_deleted_and_missing_ones_counted(stage: DeletionStage) -> None:
    a, b, _ = stage.holds("a.png", "b.png", "c.png")
    result = stage.run(ids=[a.asset_id, "asset-nope", b.asset_id, a.asset_id])
    assert stage.left() == ["c.png"]
    assert (figures(result), result["complete"], result["ended"]) == ((2, 1, 0, 0), True, "finished")
    assert (result["count_before"], result["count_after"]) == (3, 1)
    assert stage.assets(result) == {
        a.asset_id: ("deleted", ""),
        "asset-nope": ("gone", ""),
        b.asset_id: ("deleted", ""),
    }


@pytest.mark.parametrize("status", [400, 409, 423])
def test_an_asset_that_is_refused_costs_the_others_nothing(stage: DeletionStage, status: int) -> None:
    a, b = stage.holds("a.png", "b.png")
    stage.plays(delete_fault(a.asset_id, status, message="It is locked"))
    result = stage.run(ids=[a.asset_id, b.asset_id])
    assert stage.left() == ["a.png"]
    assert (figures(result), result["complete"]) == ((1, 0, 1, 0), False)
    [failed] = stage.report(result)["failed_assets"]
    assert (failed["asset_id"], failed["reason"]) == (a.asset_id, "ViRefused")
    assert "It is locked" in failed["message"]
    assert stage.report(result)["reasons"] == {"ViRefused": 1}


def test_transient_errors_are_waited_out_and_others_fail(stage: DeletionStage) -> None:
    a, b = stage.holds("a.png", "b.png")
    stage.plays(delete_fault(a.asset_id, 503, times=4), delete_fault(b.asset_id, 503))
    result = stage.run(ids=[a.asset_id, b.asset_id])
    assert stage.assets(result) == {a.asset_id: ("deleted", ""), b.asset_id: ("failed", "ViUnavailable")}


def test_a_pause_that_vi_asks_for_is_the_machines_to_wait(stage: DeletionStage) -> None:
    [a] = stage.holds("a.png")
    stage.plays(delete_fault(a.asset_id, 429, retry_after=6.5, times=1))
    opened = stage.opens(ids=[a.asset_id])
    assert stage.deletes(opened) == {"cursor": 0, "wait_seconds": 7, "count_after": None}
    assert figures(stage.goes_on(opened)) == (1, 0, 0, 0)


def test_many_ids_go_block_by_block_and_turn_by_turn(stage: DeletionStage, monkeypatch: pytest.MonkeyPatch) -> None:
    class Short:
        """A budget that is spent after seven looks at it."""

        def __init__(self, *_: Any) -> None:
            self.looks = 0

        def spent(self) -> bool:
            self.looks += 1
            return self.looks > 7

    for name, value in {"AT_ONCE": 1, "BLOCK_IDS": 4}.items():
        monkeypatch.setattr(delete_ids, name, value)
    monkeypatch.setattr(deletion_staging, "BLOCK_IDS", 4)
    monkeypatch.setattr(delete_ids_app, "Budget", Short)
    ids = [asset.asset_id for asset in stage.holds(*(f"{number}.png" for number in range(11)))]
    result = stage.run(ids=ids)
    assert len(stage.waits) == 2
    assert (figures(result), stage.left()) == ((11, 0, 0, 0), [])
    assert [*stage.assets(result)] == ids
    assert len(stage.vi.requests("/assets/", "DELETE")) == len(ids)


def test_ids_are_deleted_many_at_once(stage: DeletionStage) -> None:
    ids = [asset.asset_id for asset in stage.holds(*(f"{number}.png" for number in range(delete_ids.AT_ONCE)))]
    opened = stage.opens(ids=ids)
    stage.plays(latency_seconds=1)
    stage.deletes(opened)
    came = [request.at for request in stage.vi.requests("/assets/", "DELETE")]
    assert len(came) == delete_ids.AT_ONCE
    assert max(came) - min(came) < 1  # the last was asked for before the first was answered


def test_a_refused_key_ends_the_run_with_a_report_of_its_deletions(
    stage: DeletionStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delete_ids, "AT_ONCE", 1)
    a, b, c = stage.holds("a.png", "b.png", "c.png")
    opened = stage.opens(ids=[a.asset_id, b.asset_id, c.asset_id])
    stage.plays(delete_fault(b.asset_id, 401))
    with pytest.raises(KeyRefused):
        stage.deletes(opened)
    result = stage.closes("KeyRefused")
    assert (result["ended"], result["complete"], result["deleted"]) == ("broken", False, 1)
    assert stage.assets(result)[b.asset_id] == ("left", "")
    assert stage.report(result)["error"] == "KeyRefused"
    assert stage.announced[-1]["DetailType"] == "Deletion Incomplete"


@pytest.mark.parametrize("fields", [{"ids": ["a"]}, {"filter": "a", "expect_count": 0}])
def test_a_dataset_or_key_that_is_not_there_is_an_error(stage: DeletionStage, fields: dict[str, Any]) -> None:
    stage.opens(**fields)
    assert stage.asked_for_dataset() == 1
    with pytest.raises(DatasetUnknown):
        stage.opens(dataset_id="nope", **fields)
    stage.plays(key="dtvi_another")
    result = stage.fails(KeyRefused, **fields)
    assert (result["ended"], figures(result)) == ("not_begun", (0, 0, 0, None))


@pytest.mark.parametrize(
    "fields",
    [
        {"filter": "old_"},
        {"filter": '{"kind": "Image"}'},
        {"metadata_query": "season:old"},
        {"rule_query": "old_", "strict_query": True},
    ],
)
def test_the_assets_of_a_filter_are_deleted_at_the_expected_count(stage: DeletionStage, fields: dict[str, Any]) -> None:
    for asset in stage.holds("old_1.png", "old_2.png"):
        asset.custom_metadata["season"] = "old"
    [kept] = stage.holds("new.mp4")
    kept.kind = "Video"
    result = stage.run(**fields, expect_count=2)
    assert stage.left() == ["new.mp4"]
    assert (figures(result), result["complete"], result["ended"]) == ((2, 0, 0, 0), True, "finished")
    assert [result[name] for name in ("expect_count", "count_before", "count_after")] == [2, 2, 0]
    assert result["session_id"].startswith("deletion-")
    assert result["csv_key"] is None


@pytest.mark.parametrize("expected", [0, 1, 3, 10_000])
def test_another_count_than_expected_deletes_nothing(stage: DeletionStage, expected: int) -> None:
    stage.holds("old_1.png", "old_2.png", "new.png")
    with pytest.raises(CountMismatch, match=rf"^{expected:,} assets .* finds 2. No asset is deleted"):
        stage.run(filter="old_", expect_count=expected)
    assert (stage.deletion_requests(), len(stage.left())) == (0, 3)
    result = stage.closes("CountMismatch")
    assert (result["ended"], figures(result), result["complete"]) == ("not_begun", (0, 0, 0, 2), False)
    assert [result["expect_count"], result["count_before"]] == [expected, 2]


def test_without_expected_and_found_assets_vi_gets_no_request(stage: DeletionStage) -> None:
    stage.holds("new.png")
    result = stage.run(filter="old_", expect_count=0)
    assert (figures(result), result["complete"], stage.deletion_requests()) == ((0, 0, 0, 0), True, 0)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"expect_count": 3},
        {"strict_query": True, "expect_count": 3},
        {"filter": "", "expect_count": 3},
        {"filter": " \n", "expect_count": 3},
        {"filter": "{}", "expect_count": 3},
        {"filter": " { } ", "expect_count": 3},
        {"filter": "null", "expect_count": 3},
        {"filter": '""', "expect_count": 3},
        {"filter": "old_", "metadata_query": " ", "expect_count": 3},
        {"rule_query": "", "expect_count": 3},
        {"filter": {"kind": "Image"}, "expect_count": 3},
        {"filter": "old_"},
        {"filter": "old_", "expect_count": None},
        {"filter": "old_", "expect_count": -1},
        {"filter": "old_", "expect_count": "3"},
        {"filter": "old_", "expect_count": 3.0},
        {"filter": "old_", "expect_count": True},
        {"filter": "old_", "expect_count": 3, "where": {"min_bytes": 1}},
        {"filter": "old_", "expect_count": 3, "where": {}},
        {"ids": ["a"], "filter": "old_", "expect_count": 1},
        {"ids": ["a"], "expect_count": 1},
        {"ids": ["a"], "where": {"min_bytes": 1}},
        {"ids": []},
        {"ids": "asset-1"},
        {"ids": ["../x"]},
        {"ids": ["a", ""]},
        {"ids": ["a\n"]},
        {"ids": ["x" * 256]},
        {"ids": [1]},
        {"ids": ["a"], "dataset_id": "../ds1"},
        {"ids": ["a"], "dataset_id": ""},
        {"ids": ["a"], "dataset_id": None},
        {"ids": ["a"], "yes": True},
    ],
)
def test_bad_input_is_refused_before_anything_is_asked(stage: DeletionStage, fields: dict[str, Any]) -> None:
    stage.holds("old_1.png", "old_2.png", "old_3.png")
    with pytest.raises(InvalidInput):
        stage.run(**fields)
    assert not stage.vi.requests()
    assert stage.kept() == "[]"


def test_vi_is_looked_at_until_it_is_done(stage: DeletionStage) -> None:
    stage.holds("old_1.png")
    stage.plays(deletion_polls=3)
    opened = stage.opens(filter="old_", expect_count=1)
    looks = [stage.polls(opened, polls) for polls in (0, 1, 2, 40)]
    assert {look["progress"] for look in looks} == {"running"}
    assert [look["wait_seconds"] for look in looks] == [2, 3, 5, 60]
    assert figures(stage.goes_on(opened)) == (1, 0, 0, 0)


def test_a_deletion_that_takes_too_long_is_overdue(stage: DeletionStage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.holds("old_1.png", "old_2.png")
    stage.plays(deletion_seconds=3600)
    opened = stage.opens(filter="old_", expect_count=2)
    assert stage.polls(opened, 900)["progress"] == "running"
    monkeypatch.setattr(poll_deletion, "LEAST_PATIENCE", 0.0)
    monkeypatch.setattr(poll_deletion, "PATIENCE_PER_ASSET", 0.0)
    result = stage.goes_on(opened)
    assert (result["ended"], figures(result), result["complete"]) == ("overdue", (0, 0, 0, 2), False)


def test_a_failed_deletion_has_reason_and_rest_without_addresses(stage: DeletionStage) -> None:
    stage.holds("old_1.png", "old_2.png", "old_3.png")
    stage.plays(DeletionFails(reason="Quota, see https://vi/?signature=1", deleted=1))
    result = stage.run(filter="old_", expect_count=3)
    assert (result["ended"], figures(result), result["complete"]) == ("failed", (1, 0, 0, 2), False)
    assert stage.report(result)["failure"] == "Quota, see …: The deletion has failed"
    assert stage.announced[-1]["DetailType"] == "Deletion Incomplete"


def test_assets_that_match_later_are_left(stage: DeletionStage) -> None:
    stage.holds("old_1.png", "old_2.png", "old_3.png")
    opened = stage.opens(filter="old_", expect_count=3)
    stage.holds("old_4.png")
    result = stage.goes_on(opened)
    assert (result["ended"], figures(result), result["complete"]) == ("finished", (2, 0, 0, 1), False)


def test_a_deletion_that_vi_lacks_is_judged_by_the_assets_left(stage: DeletionStage) -> None:
    stage.holds("old_1.png")
    opened = stage.opens(filter="old_", expect_count=1)
    stage.vi.stage.datasets[DATASET].deletions.clear()
    result = stage.goes_on(opened)
    assert (result["ended"], figures(result), result["complete"]) == ("unknown", (1, 0, 0, 0), True)


@pytest.mark.parametrize("path", [f"{POST_SESSION}/", "assets:count"])
def test_a_look_waits_for_as_long_as_vi_asks(stage: DeletionStage, path: str) -> None:
    stage.holds("old_1.png")
    opened = stage.opens(filter="old_", expect_count=1)
    stage.plays(ApiFault(path=path, status=429, retry_after=41, times=1))
    look = stage.polls(opened)
    assert (look["progress"], look["wait_seconds"]) == ("running", 41)
    assert figures(stage.goes_on(opened)) == (1, 0, 0, 0)


def test_a_key_that_is_refused_while_vi_deletes_leaves_it_open_how_it_ends(stage: DeletionStage) -> None:
    stage.holds("old_1.png")
    opened = stage.opens(filter="old_", expect_count=1)
    stage.plays(key="dtvi_another")
    with pytest.raises(KeyRefused):
        stage.polls(opened)
    result = stage.closes("KeyRefused")
    assert (result["ended"], figures(result)) == ("broken", (None, 0, 0, None))
    assert result["session_id"] == opened["deletion"]["session_id"]


@pytest.mark.parametrize(("status", "error"), [(429, RateLimited), (409, ViRefused)])
def test_a_refused_start_may_be_repeated_at_once(stage: DeletionStage, status: int, error: type[Exception]) -> None:
    stage.holds("old_1.png")
    stage.plays(ApiFault(method="POST", path=POST_SESSION, status=status, times=1))
    fields = {"filter": "old_", "expect_count": 1}
    with pytest.raises(error):
        stage.opens(**fields)
    assert stage.closes(error.__name__)["ended"] == "not_begun"
    assert figures(stage.goes_on(stage.opens(**fields))) == (1, 0, 0, 0)


def test_report_and_event_have_the_end_and_no_secret(stage: DeletionStage) -> None:
    [a] = stage.holds("a.png")
    result = stage.run(ids=[a.asset_id])
    assert result["report_key"].startswith(f"reports/{DATASET}/deletions/{DATASET}_20261121_030000_")
    report = stage.report(result)
    assert {name: report[name] for name in result} == result
    assert (report["ids"], report["error"], report["input"]["dataset_id"]) == (1, None, DATASET)
    assert report["started_at"] < report["finished_at"]
    [event] = stage.announced
    assert (event["DetailType"], json.loads(event["Detail"])) == ("Deletion Complete", result)
    stage.holds("old_1.png")
    stage.plays(DeletionFails(reason="https://vi/?signature=1"))
    stage.run(filter="old_", expect_count=1)
    for secret in (LOCAL_KEY, LOCAL_ORGANIZATION, "signature"):
        assert secret not in stage.kept()


@pytest.mark.parametrize(
    ("opening", "step"),
    [("ids", "delete_ids/first_turn"), ("filter", "poll_deletion/first_look")],
)
def test_the_sample_events_are_what_the_functions_take(stage: DeletionStage, opening: str, step: str) -> None:
    stage.holds("old_1.png", "old_2.png")
    stage.plays_sample(f"open_deletion/{opening}")
    assert stage.plays_sample(step)["count_after"] == 0
    stage.plays_sample("close_deletion/broken")
    assert stage.plays_sample("close_deletion/finished")["complete"]
    with pytest.raises(InvalidInput):
        stage.plays_sample("open_deletion/no_count")
