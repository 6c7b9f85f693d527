"""Bulk deletions and counts as Vi answers them: read leniently, and never started without a filter."""

import json
from typing import Any

import httpx
import pytest

from assetline.errors import AnswerLost, DatasetUnknown, ViUnavailable
from assetline.vi.asset_query import AssetQuery
from assetline.vi.assets import Assets
from assetline.vi.bulk_deletions import BulkDeletions, decoded
from assetline.vi.client import ViClient
from tests.support.vi_key import AnyKey


def answering(answer: Any, status: int = 200) -> ViClient:
    transport = httpx.MockTransport(lambda _: httpx.Response(status, json=answer))
    return ViClient("https://vi.test", AnyKey("the-secret"), transport)


def session(*conditions: tuple[str, str], spec: Any = None) -> dict[str, Any]:
    listed = [{"condition": name, "status": status} for name, status in conditions]
    return {"deleteManyAssetsSessionId": "d1", "status": {"conditions": listed}, "spec": spec}


@pytest.mark.parametrize(
    ("conditions", "progress"),
    [
        ([], "running"),
        ([("Finished", "Waiting")], "running"),
        ([("Finished", "Reached"), ("Started", "Waiting")], "running"),
        ([("Started", "Reached")], "running"),
        ([("Finished", "Reached")], "finished"),
        ([("Finished", "Reached"), ("Started", "Reached")], "finished"),
        ([("Finished", "FailedReach"), ("Started", "Reached")], "failed"),
        ([("Finished", "Waiting"), ("Started", "FailedReach")], "failed"),
    ],
)
def test_a_session_is_over_when_all_its_conditions_are_reached(
    conditions: list[tuple[str, str]], progress: str
) -> None:
    assert decoded(session(*conditions)).progress == progress


@pytest.mark.parametrize("answer", [None, [], {}, {"deleteManyAssetsSessionId": ""}, {"deleteManyAssetsSessionId": 1}])
def test_a_record_without_an_id_is_no_session(answer: Any) -> None:
    with pytest.raises(ViUnavailable):
        decoded(answer)


@pytest.mark.parametrize("answer", [{}, {"status": None}, {"status": {"conditions": "x"}, "spec": []}])
def test_missing_fields_of_a_session_are_accepted(answer: dict[str, Any]) -> None:
    seen = decoded({"deleteManyAssetsSessionId": "d1"} | answer)
    assert (seen.progress, seen.query) == ("running", None)


@pytest.mark.parametrize(
    ("spec", "same"),
    [
        ({"filter": '{"a": 1}', "metadataQuery": None, "ruleQuery": None, "strictQuery": None}, True),
        ({"filter": {"a": 1}}, True),
        ({"filter": {"a": 1}, "strictQuery": False}, True),
        ({"filter": {"a": 1}, "strictQuery": True}, False),
        ({"filter": {"a": 2}}, False),
        ({"filter": {"a": 1}, "ruleQuery": "x"}, False),
        ({}, False),
        (None, False),
    ],
)
def test_a_session_is_known_by_what_it_deletes(spec: Any, same: bool) -> None:
    assert decoded(session(spec=spec)).is_of(AssetQuery(filter='{"a":1}')) is same


@pytest.mark.parametrize("query", [AssetQuery(), AssetQuery(strict_query=True), AssetQuery(filter="")])
def test_vi_never_gets_a_request_to_delete_everything(query: AssetQuery) -> None:
    with pytest.raises(ValueError, match="every asset"):
        BulkDeletions(answering(session()), "ds1").start(query)


def test_an_answer_that_names_no_session_may_have_begun_one() -> None:
    with pytest.raises(AnswerLost):
        BulkDeletions(answering({}), "ds1").start(AssetQuery(filter="a"))


def test_vi_is_asked_to_find_the_same_by_a_count_and_by_a_deletion() -> None:
    requested: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requested.append(request)
        return httpx.Response(200, json=session() | {"count": 7})

    client = ViClient("https://vi.test", AnyKey("the-secret"), httpx.MockTransport(answer))
    query = AssetQuery(filter="a", rule_query="b", strict_query=True)
    Assets(client, "ds1").count(query)
    BulkDeletions(client, "ds1").start(query)
    assert dict(requested[0].url.params) == {"filter": "a", "ruleQuery": "b", "strictQuery": "y"}
    spec = {"filter": "a", "metadataQuery": None, "ruleQuery": "b", "strictQuery": True}
    assert json.loads(requested[1].content) == {"spec": spec}


def test_vis_list_is_read_to_its_end() -> None:
    pages = {
        None: {"items": [session() | {"deleteManyAssetsSessionId": "d2"}], "nextPage": "more"},
        "more": {"items": [session()], "nextPage": None},
    }
    transport = httpx.MockTransport(lambda requested: httpx.Response(200, json=pages[requested.url.params.get("p")]))
    listed = BulkDeletions(ViClient("https://vi.test", AnyKey("the-secret"), transport), "ds1").listed()
    assert [item.session_id for item in listed or ()] == ["d2", "d1"]


def test_a_list_that_does_not_end_is_none() -> None:
    assert BulkDeletions(answering({"items": [], "nextPage": "again"}), "ds1").listed() is None


@pytest.mark.parametrize("answer", [{"count": 7}, {"count": "7"}, 7])
def test_a_count_may_be_a_number_or_its_text(answer: Any) -> None:
    assert Assets(answering(answer), "ds1").count() == 7


@pytest.mark.parametrize("answer", [{}, {"count": None}, {"count": True}, {"count": -1}, {"count": "x"}, [], None])
def test_an_invalid_count_is_refused(answer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assetline.vi.client.PAUSE", 0.0)
    with pytest.raises(ViUnavailable):
        Assets(answering(answer), "ds1").count()


def test_a_dataset_that_is_not_there_has_no_count() -> None:
    with pytest.raises(DatasetUnknown):
        Assets(answering({}, 404), "ds1").count()
