"""The requests to Vi, the handling of its answers, and the data that are never sent."""

import gzip
import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetline.credentials import ViCredentials, ViKey
from assetline.errors import (
    AnswerLost,
    DatasetUnknown,
    KeyForbidden,
    KeyRefused,
    Permanent,
    RateLimited,
    Retryable,
    SessionUnknown,
    ViRefused,
    ViUnavailable,
    ViUnreachable,
)
from assetline.http.body_pace import BodyPace
from assetline.vi import client as vi_client
from assetline.vi import datasets
from assetline.vi.bulk_deletions import BulkDeletions
from assetline.vi.client import NotFound, ViClient
from assetline.vi.ingestion_sessions import AssetSpec, Sessions, decoded

ORIGIN, ORGANIZATION, SECRET = "https://vi.example", "org-1", "dtvi_secret"
DATASET = f"/workspaces/{ORGANIZATION}/datasets/{ORGANIZATION}_ds1"
SESSIONS = f"{DATASET}/assetSources/managed/datature/default/assetIngestionSessions"
SESSION = {"assetIngestionSessionId": "s1", "status": {"conditions": [], "events": [], "progressCount": {"total": 1}}}

type Answer = Callable[[httpx.Request], httpx.Response]


class AKey(ViKey):
    """A key that changes to *renewed* when it is read again."""

    def __init__(self, renewed: str = SECRET) -> None:
        super().__init__("the-secret")
        self._renewed = renewed

    def value(self, *, fresh: bool = False) -> ViCredentials:
        return ViCredentials(self._renewed if fresh else SECRET, ORGANIZATION)


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vi_client, "PAUSE", 0)


def client(answer: Answer, key: ViKey | None = None) -> ViClient:
    return ViClient(ORIGIN, key or AKey(), httpx.MockTransport(answer))


def answering(status: int, body: Any = None, **headers: str) -> Answer:
    return lambda _: httpx.Response(status, json=body, headers=headers)


def counting(answer: Answer) -> tuple[Answer, list[httpx.Request]]:
    sent: list[httpx.Request] = []

    def counted(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return answer(request)

    return counted, sent


def test_a_session_opens_with_the_paths_and_headers_of_the_contract() -> None:
    answer, sent = counting(answering(200, SESSION))
    spec = AssetSpec("one.png", "image/png", 77, -695128804, "Image", {"site": "oslo"})
    Sessions(client(answer), "ds1").create([spec], "FailAfterAll", "KeepLinkedResource")
    [request] = sent
    assert (request.method, request.url.path) == ("POST", SESSIONS)
    assert request.headers["authorization"] == f"Bearer {SECRET}"
    assert request.headers["organization-id"] == ORGANIZATION
    assert request.headers["content-type"] == request.headers["accept"] == "application/json"
    assert json.loads(request.content) == {
        "spec": {
            "assets": [
                {
                    "filename": "one.png",
                    "mime": "image/png",
                    "size": 77,
                    "crc32c": -695128804,
                    "customMetadata": {"site": "oslo"},
                    "kind": "Image",
                }
            ],
            "kind": "Upload",
            "failureMode": "FailAfterAll",
            "onAssetOverwritten": "KeepLinkedResource",
        }
    }


@pytest.mark.parametrize("dataset_id", ["ds1", f"{ORGANIZATION}_ds1"])
def test_a_dataset_id_is_prefixed_exactly_once(dataset_id: str) -> None:
    assert client(answering(200)).dataset_path(dataset_id) == DATASET


@pytest.mark.parametrize("id_", ["a?b", "a/b", "a#b", "a b"])
def test_an_id_is_one_piece_of_a_path(id_: str) -> None:
    paths: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.raw_path)
        return httpx.Response(404)

    vi = client(answer)
    with pytest.raises(SessionUnknown):
        Sessions(vi, id_).get(id_)
    with pytest.raises(SessionUnknown):
        BulkDeletions(vi, id_).get(id_)
    quoted = quote(id_, safe="").encode()
    assert all(path.split(b"/")[4] == ORGANIZATION.encode() + b"_" + quoted for path in paths)
    assert [path.rpartition(b"/")[2] for path in paths] == [quoted, quoted]


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, KeyRefused), (403, KeyForbidden), (404, NotFound), (409, ViRefused), (422, ViRefused), (429, RateLimited)],
)
def test_a_refused_request_is_sent_once_with_a_named_error(status: int, error: type[Exception]) -> None:
    answer, sent = counting(answering(status, {"message": "see https://signed.example/x?secret=1 for more"}))
    with pytest.raises(error) as refused:
        client(answer).send("GET", DATASET)
    assert len(sent) == 1
    assert "signed.example" not in str(refused.value)


@pytest.mark.parametrize("status", [401, 403])
def test_a_rotated_or_corrected_key_is_read_again(status: int) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        renewed = request.headers["authorization"] == "Bearer dtvi_renewed"
        return httpx.Response(200 if renewed else status, json={})

    assert client(answer, AKey("dtvi_renewed")).send("POST", SESSIONS, body={}) == {}


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504, 524])
def test_a_fault_is_asked_again_where_that_is_harmless_and_nowhere_else(status: int) -> None:
    answer, sent = counting(answering(status))
    with pytest.raises(ViUnavailable):
        client(answer).send("GET", DATASET)
    assert len(sent) == 3
    sent.clear()
    with pytest.raises(AnswerLost):
        client(answer).send("POST", SESSIONS, body={})
    assert len(sent) == 1


@pytest.mark.parametrize(
    ("fault", "of_get", "of_post"),
    [
        (httpx.ConnectError("refused"), ViUnreachable, ViUnreachable),
        (httpx.ReadTimeout("late"), ViUnreachable, AnswerLost),
        (httpx.RemoteProtocolError("cut short"), ViUnreachable, AnswerLost),
    ],
)
def test_a_possibly_executed_request_differs_from_an_unsent_one(
    fault: Exception, of_get: type[Exception], of_post: type[Exception]
) -> None:
    def fails(request: httpx.Request) -> httpx.Response:
        raise fault

    answer, sent = counting(fails)
    with pytest.raises(of_get):
        client(answer).send("GET", DATASET)
    sent.clear()
    with pytest.raises(of_post):
        client(answer).send("POST", SESSIONS, body={})
    assert len(sent) == 1


def test_a_429_has_the_requested_pause() -> None:
    with pytest.raises(RateLimited) as refused:
        client(answering(429, {}, **{"retry-after": "42"})).send("POST", SESSIONS, body={})
    assert refused.value.pause_seconds == 42


def test_a_200_that_is_no_json_is_a_fault() -> None:
    with pytest.raises(ViUnavailable):
        client(lambda _: httpx.Response(200, content=b"<html>")).send("GET", DATASET)


def test_redirects_are_not_followed() -> None:
    answer, sent = counting(lambda _: httpx.Response(302, headers={"location": "https://elsewhere.example/"}))
    with pytest.raises(ViRefused):
        client(answer).send("GET", DATASET)
    assert len(sent) == 1


def test_a_request_ahead_is_answered_like_any_other() -> None:
    answer, sent = counting(lambda request: httpx.Response(200, json=[request.url.path, *request.url.params.items()]))
    assert client(answer).ask(f"{DATASET}/assets", {"s": "5"})() == [f"{DATASET}/assets", ["s", "5"]]
    assert (sent[0].headers["authorization"], len(sent)) == (f"Bearer {SECRET}", 1)


def test_a_request_ahead_handles_keys_and_errors_like_any_other() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200 if request.headers["authorization"] == "Bearer new" else 401, json={})

    assert client(answer, AKey("new")).ask("/x", {})() == {}
    with pytest.raises(KeyRefused):
        client(answer).ask("/x", {})()
    with pytest.raises(RateLimited):
        client(answering(429)).ask("/x", {})()
    with pytest.raises(ViUnreachable):
        ViClient("http://127.0.0.1:9", AKey()).ask("/x", {})()


@pytest.mark.parametrize("coding", ["GZIP", "x-gzip"])
def test_an_answer_is_decompressed_by_the_standards(coding: str) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        members = httpx.ByteStream(gzip.compress(b'{"a"') + gzip.compress(b": 1}"))
        return httpx.Response(200, headers={"content-encoding": coding}, stream=members)

    assert client(answer).send("GET", DATASET) == {"a": 1}
    assert client(answer).ask(DATASET, {})() == {"a": 1}


def test_an_answer_of_too_many_bytes_is_refused_where_less_can_be_asked() -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        packed = httpx.ByteStream(gzip.compress(bytes(70 << 20)))
        return httpx.Response(200, headers={"content-encoding": "gzip"}, stream=packed)

    for ask in (client(answer).ask(DATASET, {}), lambda: client(answer).send("GET", DATASET)):
        with pytest.raises(ViRefused, match="40 MiB") as refusal:
            ask()
        assert refusal.value.smaller_may_help
    with pytest.raises(AnswerLost, match="40 MiB"):
        client(answer).send("POST", SESSIONS, body={})


class Drops(httpx.SyncByteStream):
    """A body with a byte now and then, by a clock that a test sets."""

    def __init__(self, now: list[float]) -> None:
        self._now = now

    def __iter__(self) -> Iterator[bytes]:
        for _ in range(10_000):
            self._now[0] += 5.0
            yield b" "


def test_an_answer_that_drips_ends_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(vi_client, "BodyPace", partial(BodyPace, clock=lambda: now[0]))
    dripping = client(lambda _: httpx.Response(200, stream=Drops(now)))
    with pytest.raises(ViUnreachable, match="stalled"):
        dripping.ask(DATASET, {})()
    with pytest.raises(AnswerLost, match="TooSlow"):
        dripping.send("POST", SESSIONS, body={})
    assert now[0] < 100


def test_a_missing_resource_is_named() -> None:
    missing = client(answering(404))
    with pytest.raises(DatasetUnknown, match="ds1"):
        datasets.get(missing, "ds1")
    with pytest.raises(DatasetUnknown):
        Sessions(missing, "ds1").create([], "FailAfterAll", "RemoveLinkedResource")
    with pytest.raises(SessionUnknown):
        Sessions(missing, "ds1").get("s1")
    Sessions(missing, "ds1").cancel("s1")
    assert [*Sessions(missing, "ds1").newest()] == []


@pytest.mark.parametrize("body", [{}, {"items": []}, [], "a session", None])
def test_a_new_session_that_vi_does_not_name_is_one_to_look_for(body: Any) -> None:
    with pytest.raises(AnswerLost, match="without an ingestion session"):
        Sessions(client(answering(200, body)), "ds1").create([], "FailAfterAll", "RemoveLinkedResource")


def test_no_error_holds_the_key() -> None:
    for status in (400, 401, 403, 500):
        with pytest.raises((Permanent, Retryable)) as raised:
            client(answering(status, {"message": "no"})).send("GET", DATASET)
        assert SECRET not in f"{raised.value!r}{raised.value.__cause__!r}"
    assert SECRET not in repr(ViCredentials(SECRET, ORGANIZATION))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
names = st.sampled_from(
    ["conditions", "events", "progressCount", "assets", "total", "kind", "files", "metadata", "upload", "url", "status"]
)
shapes = st.recursive(
    json_values, lambda inner: st.dictionaries(names, inner | st.lists(inner, max_size=3)), max_leaves=9
)


@given(status=shapes, spec=shapes, metadata=shapes)
def test_a_session_of_any_form_is_read(status: Any, spec: Any, metadata: Any) -> None:
    session = decoded({"assetIngestionSessionId": "s1", "status": status, "spec": spec, "metadata": metadata})
    assert session.session_id == "s1"
    assert session.progress in {"running", "finished", "failed", "cancelled"}


def test_unknown_codes_kinds_and_conditions_are_kept() -> None:
    session = decoded(
        {
            "assetIngestionSessionId": "s1",
            "status": {
                "conditions": [{"condition": "Teleported", "status": "Perhaps"}],
                "events": [{"kind": "Hint"}, {"kind": "Error", "files": {"a.png": "ENEW", "b.png": 7}}],
                "progressCount": {"total": 2.0, "succeeded": "many", "errored": 2},
            },
        }
    )
    assert session.progress == "running"
    assert session.file_errors == {"a.png": "ENEW", "b.png": "EUNKNOWN"}
    assert (session.total, session.succeeded, session.errored) == (2, 0, 2)


@pytest.mark.parametrize(
    ("conditions", "progress"),
    [
        ([{"condition": "Finished", "status": "Waiting"}], "running"),
        ([{"condition": "Started", "status": "Reached"}], "running"),
        ([{"condition": "Finished", "status": "Reached"}], "finished"),
        ([{"condition": "Started", "status": "FailedReach"}], "failed"),
        ([{"condition": "Finished", "status": "FailedReach", "reason": "Cancelled"}], "cancelled"),
    ],
)
def test_the_path_of_a_session(conditions: list[dict[str, str]], progress: str) -> None:
    assert decoded({"assetIngestionSessionId": "s1", "status": {"conditions": conditions}}).progress == progress


def test_five_thousand_assets_are_read_and_written_fast() -> None:
    assets = [AssetSpec(f"image_{number}.png", "image/png", number, number, "Image") for number in range(5000)]
    answer, sent = counting(answering(200, SESSION))
    Sessions(client(answer), "ds1").create(assets, "FailAfterAll", "RemoveLinkedResource")
    assert len(json.loads(sent[0].content)["spec"]["assets"]) == 5000
