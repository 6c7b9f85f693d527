"""The emulator keeps docs/contracts/safetyculture-feeds.md, and each of its faults acts on the wire as named."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from subprocess import PIPE
from typing import Any

import httpx
import pytest
import typer
from pydantic import ValidationError

from local.emulators.safetyculture.__main__ import scenario_of
from local.emulators.safetyculture.assets import assets
from local.emulators.safetyculture.scenario import (
    LOCAL_TOKEN,
    CycleCursor,
    Fault,
    FeedScenario,
    Forbidden,
    ForeignNextPage,
    InternalError,
    Maintenance,
    MoveRows,
    NoData,
    OriginTimeout,
    RepeatCursor,
    Reset,
    RowDrift,
    Slow,
    TooManyRequests,
    Truncated,
    Unauthorized,
    Unavailable,
)
from local.emulators.safetyculture.server import FeedEmulator, running
from local.emulators.safetyculture.stage import JOURNAL_LENGTH, Journal
from tests.support.waiting import until

FEED = "/feed/assets"
WHO_AM_I = "/accounts/user/v1/user:WhoAmI"
AUTHORIZED = {"authorization": f"Bearer {LOCAL_TOKEN}"}
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def emulator() -> Iterator[FeedEmulator]:
    with running() as emulator:
        yield emulator


@pytest.fixture(autouse=True)
def feed_api(emulator: FeedEmulator) -> FeedEmulator:
    emulator.has(FeedScenario(rows=100))
    emulator.forget()
    return emulator


@pytest.fixture(scope="module")
def stranger(emulator: FeedEmulator) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=emulator.url, trust_env=False, timeout=5) as stranger:
        yield stranger


@pytest.fixture(scope="module")
def client(emulator: FeedEmulator) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=emulator.url, headers=AUTHORIZED, trust_env=False, timeout=5) as client:
        yield client


def pages_of(client: httpx.Client, first: str = FEED) -> Iterator[dict[str, Any]]:
    following: str | None = first
    while following:
        page: dict[str, Any] = client.get(following).raise_for_status().json()
        yield page
        following = page["metadata"]["next_page"]


def rows_of(client: httpx.Client, first: str = FEED) -> list[dict[str, Any]]:
    return [row for page in pages_of(client, first) for row in page["data"]]


def with_faults(*faults: Fault, rows: int = 100) -> FeedScenario:
    return FeedScenario(rows=rows, faults=faults)


def assert_is_rpc_status(answer: httpx.Response, code: int) -> None:
    body = answer.json()
    assert list(body) == ["code", "message", "details"]
    assert body["code"] == code
    assert body["message"]
    assert body["details"] == []


class TestFeed:
    @pytest.mark.parametrize("rows", [0, 1, 24, 25, 26, 230])
    def test_walking_it_yields_exactly_the_generators_rows(
        self, feed_api: FeedEmulator, client: httpx.Client, rows: int
    ) -> None:
        feed_api.has(FeedScenario(rows=rows, seed=4))
        assert rows_of(client) == list(assets(rows, seed=4))

    def test_limit_sets_the_page_size_for_the_pages_that_follow(self, client: httpx.Client) -> None:
        assert [len(page["data"]) for page in pages_of(client, f"{FEED}?limit=40")] == [40, 40, 20]

    def test_a_page_without_limit_has_the_default_size(self, client: httpx.Client) -> None:
        assert [len(page["data"]) for page in pages_of(client)] == [25, 25, 25, 25]

    @pytest.mark.parametrize("limit", ["101", "0", "-1", "many", ""])
    def test_a_limit_it_does_not_take_is_refused(self, client: httpx.Client, limit: str) -> None:
        answer = client.get(FEED, params={"limit": limit})
        assert answer.status_code == 400
        assert_is_rpc_status(answer, code=3)

    @pytest.mark.parametrize("cursor", ["forged", "AAAA", "é", "AAAAAAAAAAIAAAACoYe9IFYq"])
    def test_a_cursor_it_never_gave_out_is_refused(self, client: httpx.Client, cursor: str) -> None:
        answer = client.get(FEED, params={"next_page_token": cursor})
        assert answer.status_code == 400
        assert_is_rpc_status(answer, code=3)

    def test_metadata_comes_before_data_and_next_page_is_a_relative_path(self, client: httpx.Client) -> None:
        body = client.get(f"{FEED}?limit=10").text
        page = json.loads(body)
        assert body.startswith('{"metadata":{"next_page":"/feed/assets?limit=10&next_page_token=')
        assert list(page) == ["metadata", "data"]
        assert list(page["metadata"]) == ["next_page", "next_page_token"]
        assert page["metadata"]["next_page"].endswith(page["metadata"]["next_page_token"])

    @pytest.mark.parametrize(("spelling", "end"), [("null", None), ("empty", "")])
    def test_the_end_is_spelt_as_in_the_scenario(
        self, feed_api: FeedEmulator, client: httpx.Client, spelling: str, end: str | None
    ) -> None:
        feed_api.has(FeedScenario.model_validate({"rows": 10, "end_of_feed": spelling}))
        assert client.get(FEED).json()["metadata"] == {"next_page": end, "next_page_token": end}

    def test_remaining_records_count_down_where_the_scenario_has_them(
        self, feed_api: FeedEmulator, client: httpx.Client
    ) -> None:
        feed_api.has(FeedScenario(rows=60, remaining_records=True))
        assert [page["metadata"]["remaining_records"] for page in pages_of(client)] == [35, 10, 0]

    def test_next_page_is_absolute_if_the_scenario_sets_it(self, feed_api: FeedEmulator, client: httpx.Client) -> None:
        feed_api.has(FeedScenario(rows=60, absolute_next_page=True))
        assert client.get(FEED).json()["metadata"]["next_page"].startswith(f"{feed_api.url}{FEED}?")
        assert len(rows_of(client)) == 60

    def test_a_cursor_outlives_the_emulator_that_gave_it_out(self, client: httpx.Client) -> None:
        following = client.get(FEED).json()["metadata"]["next_page"]
        with running(FeedScenario(rows=100)) as another:
            resumed = client.get(another.url + following)
        assert resumed.json()["data"] == list(islice(assets(100), 25, 50))

    def test_a_page_is_compressed_only_for_who_accepts_it(self, client: httpx.Client) -> None:
        compressed = client.get(FEED, headers={"accept-encoding": "br, gzip;q=0.8"})
        plain = client.get(FEED, headers={"accept-encoding": "identity, gzip;q=0"})
        assert compressed.headers["content-encoding"] == "gzip"
        assert "content-encoding" not in plain.headers
        assert compressed.content == plain.content
        assert int(compressed.headers["content-length"]) * 3 < int(plain.headers["content-length"])


class TestToken:
    @pytest.mark.parametrize("path", [FEED, WHO_AM_I])
    @pytest.mark.parametrize("authorization", [None, "Bearer wrong", f"Basic {LOCAL_TOKEN}", LOCAL_TOKEN])
    def test_any_but_the_right_one_is_refused(
        self, stranger: httpx.Client, path: str, authorization: str | None
    ) -> None:
        headers = {"authorization": authorization} if authorization else {}
        answer = stranger.get(path, headers=headers)
        assert answer.status_code == 401
        assert_is_rpc_status(answer, code=16)

    def test_the_owner_of_a_token_is_returned(self, client: httpx.Client) -> None:
        assert list(client.get(WHO_AM_I).json()) == ["user_id", "organisation_id", "firstname", "lastname"]

    def test_the_scenario_selects_the_end_marker(self, feed_api: FeedEmulator, client: httpx.Client) -> None:
        feed_api.has(FeedScenario(rows=1, token="scapi_another"))
        assert client.get(FEED).status_code == 401
        assert client.get(FEED, headers={"authorization": "Bearer scapi_another"}).status_code == 200


class TestUnknownPath:
    def test_is_not_found(self, client: httpx.Client) -> None:
        answer = client.get("/feed/unicorns")
        assert answer.status_code == 404
        assert_is_rpc_status(answer, code=5)

    def test_a_method_that_a_path_does_not_have_is_refused(self, client: httpx.Client) -> None:
        answer = client.post(FEED)
        assert answer.status_code == 405
        assert_is_rpc_status(answer, code=12)


class TestPace:
    def test_the_first_byte_takes_the_latency(self, feed_api: FeedEmulator, client: httpx.Client) -> None:
        feed_api.has(FeedScenario(rows=100, latency_seconds=0.1))
        began = time.perf_counter()
        with client.stream("GET", FEED):
            assert time.perf_counter() - began >= 0.1

    def test_requests_at_the_same_time_wait_side_by_side(self, client: httpx.Client) -> None:
        with ThreadPoolExecutor(8) as callers, running(FeedScenario(latency_seconds=3600)) as slow:
            for _ in range(8):
                callers.submit(client.get, slow.url + FEED, timeout=3600)
            assert until(lambda: len(slow.requests()) == 8, "the last of the requests, none of them answered")

    def test_the_body_takes_its_time_and_begins_with_next_page(
        self, feed_api: FeedEmulator, client: httpx.Client
    ) -> None:
        feed_api.has(FeedScenario(rows=100, body_seconds=0.3))
        began = time.perf_counter()
        with client.stream("GET", FEED, headers={"accept-encoding": "identity"}) as answer:
            pieces = answer.iter_raw()
            first = next(pieces)
            assert b"next_page_token" in first
            rest = b"".join(pieces)
            assert time.perf_counter() - began >= 0.3
        assert json.loads(first + rest)["data"] == list(assets(25))

    def test_a_body_begins_before_it_has_taken_its_time(self, client: httpx.Client) -> None:
        with (
            running(FeedScenario(rows=100, body_seconds=3600)) as slow,
            client.stream("GET", slow.url + FEED, headers={"accept-encoding": "identity"}) as answer,
        ):
            begun = b""
            for piece in answer.iter_raw():
                begun += piece
                if b"next_page_token" in begun:
                    break
            assert b"next_page_token" in begun

    def test_a_slow_body_can_be_compressed(self, feed_api: FeedEmulator, client: httpx.Client) -> None:
        feed_api.has(FeedScenario(rows=100, body_seconds=0.05))
        answer = client.get(FEED)
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.json()["data"] == list(assets(25))


class TestFaultyAnswer:
    """Each is met once, on the second page; the feed is complete for a client that repeats requests."""

    def second_page(self, feed_api: FeedEmulator, client: httpx.Client, fault: Fault) -> str:
        feed_api.has(with_faults(fault))
        page: dict[str, Any] = client.get(FEED).json()
        assert page["data"] == list(assets(25))
        following: str = page["metadata"]["next_page"]
        return following

    def assert_recovered(self, feed_api: FeedEmulator, client: httpx.Client, second: str) -> None:
        assert feed_api.fired() == [1]
        assert rows_of(client, second) == list(islice(assets(100), 25, 100))
        assert feed_api.fired() == [1]

    def test_429_carries_the_headers_it_was_given(self, feed_api: FeedEmulator, client: httpx.Client) -> None:
        second = self.second_page(feed_api, client, TooManyRequests(page=2, times=1, retry_after=7, reset_header=1.5))
        answer = client.get(second)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
        assert answer.headers["x-ratelimit-reset"] == "1.5"
        assert_is_rpc_status(answer, code=8)
        self.assert_recovered(feed_api, client, second)

    def test_429_has_no_pause_by_default(self, feed_api: FeedEmulator, client: httpx.Client) -> None:
        answer = client.get(self.second_page(feed_api, client, TooManyRequests(page=2)))
        assert answer.status_code == 429
        assert not {"retry-after", "x-ratelimit-reset"} & set(answer.headers)

    @pytest.mark.parametrize(
        ("fault", "status", "code"),
        [
            (InternalError(page=2, times=1), 500, 13),
            (Unauthorized(page=2, times=1), 401, 16),
            (Forbidden(page=2, times=1), 403, 7),
        ],
    )
    def test_a_refusal_has_the_default_error_body(
        self, feed_api: FeedEmulator, client: httpx.Client, fault: Fault, status: int, code: int
    ) -> None:
        second = self.second_page(feed_api, client, fault)
        answer = client.get(second)
        assert answer.status_code == status
        assert_is_rpc_status(answer, code)
        self.assert_recovered(feed_api, client, second)

    def test_503_is_empty(self, feed_api: FeedEmulator, client: httpx.Client) -> None:
        second = self.second_page(feed_api, client, Unavailable(page=2, times=1))
        answer = client.get(second)
        assert (answer.status_code, answer.content) == (503, b"")
        self.assert_recovered(feed_api, client, second)

    def test_524_is_plain_text(self, feed_api: FeedEmulator, client: httpx.Client) -> None:
        second = self.second_page(feed_api, client, OriginTimeout(page=2, times=1))
        answer = client.get(second)
        assert (answer.status_code, answer.text) == (524, "error code: 524")
        assert answer.headers["content-type"].startswith("text/plain")
        self.assert_recovered(feed_api, client, second)

    @pytest.mark.parametrize("body_seconds", [0.0, 0.05])
    def test_reset_breaks_the_connection_in_the_middle_of_the_body(
        self, feed_api: FeedEmulator, client: httpx.Client, body_seconds: float
    ) -> None:
        feed_api.has(FeedScenario(rows=100, body_seconds=body_seconds, faults=(Reset(page=1, times=1),)))
        came: list[bytes] = []
        with client.stream("GET", FEED, headers={"accept-encoding": "identity"}) as answer:
            promised = int(answer.headers["content-length"])
            # A ReadError is the RST; a connection merely closed early would be a RemoteProtocolError.
            with pytest.raises(httpx.ReadError):
                came.extend(answer.iter_raw())
        assert answer.status_code == 200
        assert sum(map(len, came)) == promised // 2
        assert rows_of(client) == list(assets(100))

    @pytest.mark.parametrize("coding", ["gzip", "identity"])
    def test_truncated_json_is_complete_for_http(
        self, feed_api: FeedEmulator, client: httpx.Client, coding: str
    ) -> None:
        second = self.second_page(feed_api, client, Truncated(page=2, times=1))
        answer = client.get(second, headers={"accept-encoding": coding})
        assert answer.status_code == 200
        assert answer.text.startswith('{"metadata":{"next_page":"/feed/assets?')
        with pytest.raises(json.JSONDecodeError):
            answer.json()
        self.assert_recovered(feed_api, client, second)

    def test_html_is_a_200(self, feed_api: FeedEmulator, client: httpx.Client) -> None:
        second = self.second_page(feed_api, client, Maintenance(page=2, times=1))
        answer = client.get(second)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/html")
        assert answer.text.startswith("<!doctype html>")
        self.assert_recovered(feed_api, client, second)

    def test_no_data_is_json_with_metadata_alone(self, feed_api: FeedEmulator, client: httpx.Client) -> None:
        second = self.second_page(feed_api, client, NoData(page=2, times=1))
        answer = client.get(second)
        assert answer.status_code == 200
        assert list(answer.json()) == ["metadata"]
        self.assert_recovered(feed_api, client, second)

    def test_slow_delays_the_first_byte(self, feed_api: FeedEmulator, client: httpx.Client) -> None:
        second = self.second_page(feed_api, client, Slow(page=2, times=1, seconds=0.1))
        began = time.perf_counter()
        client.get(second)
        assert time.perf_counter() - began >= 0.1
        self.assert_recovered(feed_api, client, second)


class TestFaultyPages:
    def test_repeat_cursor_leads_back_to_the_same_page(self, feed_api: FeedEmulator, client: httpx.Client) -> None:
        feed_api.has(with_faults(RepeatCursor(page=2)))
        first, *repeated = islice(pages_of(client), 5)
        cursors = [page["metadata"]["next_page"] for page in (first, *repeated)]
        assert len(set(cursors)) == 1
        assert all(page["data"] == list(islice(assets(100), 25, 50)) for page in repeated)

    def test_cycle_cursor_leads_to_and_fro(self, feed_api: FeedEmulator, client: httpx.Client) -> None:
        feed_api.has(with_faults(CycleCursor(page=3)))
        first, *cycle = [page["metadata"]["next_page"] for page in islice(pages_of(client), 7)]
        assert cycle == [cycle[0], first] * 3
        assert cycle[0] != first

    def test_a_cursor_that_repeated_once_goes_on(self, feed_api: FeedEmulator, client: httpx.Client) -> None:
        feed_api.has(with_faults(RepeatCursor(page=2, times=1)))
        assert [row["code"] for row in rows_of(client)].count(next(islice(assets(100), 25, 26))["code"]) == 2

    def test_foreign_next_page_points_to_the_other_origin(self, feed_api: FeedEmulator, client: httpx.Client) -> None:
        with running(FeedScenario(rows=100)) as foreign:
            feed_api.has(with_faults(ForeignNextPage(page=2, origin=foreign.url)))
            first, second = islice(pages_of(client), 2)
            assert first["metadata"]["next_page"].startswith("/")
            assert second["metadata"]["next_page"].startswith(f"{foreign.url}{FEED}?")
            assert foreign.requests() == []

    def test_drift_adds_a_key_from_its_page_on(self, feed_api: FeedEmulator, client: httpx.Client) -> None:
        feed_api.has(with_faults(RowDrift(page=3, name="criticality", value="high")))
        rows = rows_of(client)
        assert rows[:50] == list(assets(50))
        assert rows[50:] == [row | {"criticality": "high"} for row in islice(assets(100), 50, 100)]

    def test_drift_can_be_inside_fields(self, feed_api: FeedEmulator, client: httpx.Client) -> None:
        feed_api.has(with_faults(RowDrift(page=2, name="Asset class", value=None, inside="fields")))
        rows = rows_of(client)
        added = '{"name":"Asset class"|"value":null|"field_id":"drift-Asset class"}'
        assert rows[:25] == list(assets(25))
        assert all(row["fields"].endswith(added) for row in rows[25:])
        assert [row["fields"].removesuffix(added).removesuffix("|") for row in rows[25:]] == [
            row["fields"] for row in islice(assets(100), 25, 100)
        ]

    def test_move_rows_shows_the_end_of_a_page_again(self, feed_api: FeedEmulator, client: httpx.Client) -> None:
        feed_api.has(with_faults(MoveRows(page=2, rows=3)))
        expected = list(assets(100))
        first, second, *_ = list(pages_of(client))
        assert first["data"][-3:] == second["data"][:3]
        assert len(second["data"]) == 25
        feed_api.has(feed_api.scenario)
        assert rows_of(client) == expected[:25] + expected[22:]


class TestEnd:
    def test_it_does_not_wait_for_slow_answers(self, client: httpx.Client) -> None:
        with ThreadPoolExecutor(1) as callers, running(FeedScenario(latency_seconds=3600)) as slow:
            answer = callers.submit(client.get, slow.url + FEED, timeout=3600)
            until(slow.requests, "the request")
        assert answer.done()


class TestFaultsTogether:
    def test_a_fault_without_a_page_strikes_every_request(self, feed_api: FeedEmulator, client: httpx.Client) -> None:
        feed_api.has(with_faults(InternalError(times=3)))
        assert [client.get(FEED).status_code for _ in range(5)] == [500, 500, 500, 200, 200]

    def test_a_fault_without_times_strikes_for_ever(self, feed_api: FeedEmulator, client: httpx.Client) -> None:
        feed_api.has(with_faults(Unavailable(page=1)))
        assert {client.get(FEED).status_code for _ in range(10)} == {503}
        assert feed_api.fired() == [10]

    def test_faulty_answers_take_their_turns_in_the_scenarios_order(
        self, feed_api: FeedEmulator, client: httpx.Client
    ) -> None:
        feed_api.has(with_faults(InternalError(page=1, times=2), TooManyRequests(page=1, times=1)))
        assert [client.get(FEED).status_code for _ in range(4)] == [500, 500, 429, 200]

    def test_a_fault_of_the_page_waits_until_the_page_is_served(
        self, feed_api: FeedEmulator, client: httpx.Client
    ) -> None:
        feed_api.has(with_faults(RepeatCursor(page=1, times=1), InternalError(page=1, times=1)))
        assert client.get(FEED).status_code == 500
        assert feed_api.fired() == [0, 1]
        assert client.get(FEED).json()["metadata"]["next_page"]
        assert feed_api.fired() == [1, 1]

    def test_a_request_refused_for_its_own_sake_uses_up_no_fault(
        self, feed_api: FeedEmulator, client: httpx.Client
    ) -> None:
        feed_api.has(with_faults(InternalError(times=1)))
        assert client.get(FEED, params={"limit": 500}).status_code == 400
        assert client.get(FEED, headers={"authorization": "Bearer wrong"}).status_code == 401
        assert feed_api.fired() == [0]

    def test_playing_a_scenario_again_counts_from_nought(self, feed_api: FeedEmulator, client: httpx.Client) -> None:
        feed_api.has(with_faults(InternalError(times=1)))
        statuses = [client.get(FEED).status_code, client.get(FEED).status_code]
        feed_api.has(feed_api.scenario)
        assert [*statuses, client.get(FEED).status_code] == [500, 200, 500]


class TestJournal:
    def test_every_request_to_the_api_is_in_it(
        self, feed_api: FeedEmulator, client: httpx.Client, stranger: httpx.Client
    ) -> None:
        feed_api.has(with_faults(InternalError(page=2, times=1), Slow(page=2, seconds=0)))
        second = client.get(f"{FEED}?limit=10").json()["metadata"]["next_page"]
        client.get(second)
        client.get("/feed/unicorns")
        stranger.get(WHO_AM_I)
        assert [
            (seen.method, seen.path, seen.status, seen.page, seen.authorization) for seen in feed_api.requests()
        ] == [
            ("GET", FEED, 200, 1, True),
            ("GET", FEED, 500, 2, True),
            ("GET", "/feed/unicorns", 404, None, True),
            ("GET", WHO_AM_I, 401, None, False),
        ]
        first, broken, *_ = feed_api.requests()
        assert first.query == {"limit": "10"}
        assert list(broken.query) == ["limit", "next_page_token"]
        assert broken.faults == ["500", "slow"]
        assert 0 <= first.at < broken.at

    def test_it_never_holds_the_token(self, client: httpx.Client) -> None:
        client.get(FEED)
        assert LOCAL_TOKEN not in client.get("/_emulator/requests").text

    def test_it_keeps_the_newest_requests_and_counts_them_all(self) -> None:
        journal = Journal()
        for number in range(JOURNAL_LENGTH + 5):
            journal.add("GET", f"/{number}", {}, authorization=True)
        assert [journal.entries()[0].path, len(journal.entries()), journal.total] == ["/5", JOURNAL_LENGTH, 10_005]

    def test_it_is_served_and_cleared_over_http(self, client: httpx.Client) -> None:
        client.get(FEED)
        served = client.get("/_emulator/requests").json()
        assert served["total"] == 1
        assert list(served["requests"][0]) == [
            "method", "path", "query", "at", "authorization", "page", "status", "faults",
        ]  # fmt: skip
        assert client.delete("/_emulator/requests").status_code == 204
        assert client.get("/_emulator/requests").json() == {"total": 0, "requests": []}


class TestScenario:
    def test_it_is_replaced_and_read_over_http(self, client: httpx.Client) -> None:
        required = with_faults(TooManyRequests(page=2, times=1, retry_after=7), RowDrift(page=3, value=4), rows=50)
        put = client.put("/_emulator/scenario", content=required.model_dump_json())
        assert put.status_code == 200
        assert FeedScenario.model_validate_json(client.get("/_emulator/scenario").content) == required
        assert client.get(FEED).json()["data"] == list(assets(25))
        assert [fault["fired"] for fault in client.get("/_emulator/faults").json()] == [0, 0]

    @pytest.mark.parametrize(
        ("body", "complaint"),
        [
            ('{"rows":-1}', "rows: Input should be greater than or equal to 0"),
            ('{"row":1}', "row: Extra inputs are not permitted"),
            ('{"faults":[{"kind":"429","time":1}]}', "faults.0.429.time: Extra inputs are not permitted"),
            ('{"faults":[{"kind":"418"}]}', "faults.0: Input tag '418'"),
            ('{"faults":[{"kind":"cycle_cursor","page":1}]}', "faults.0.cycle_cursor.page: "),
            ('{"default_page_size":500}', "default_page_size (500) is above max_page_size (100)"),
            ("{", "scenario: Invalid JSON"),
        ],
    )
    def test_a_bad_one_is_refused_in_words_and_changes_nothing(
        self, feed_api: FeedEmulator, client: httpx.Client, body: str, complaint: str
    ) -> None:
        earlier = feed_api.scenario
        answer = client.put("/_emulator/scenario", content=body)
        assert answer.status_code == 422
        assert complaint in answer.json()["message"]
        assert feed_api.scenario is earlier

    def test_it_is_a_value(self) -> None:
        scenario = with_faults(Reset(page=1))
        assert scenario == with_faults(Reset(page=1))
        with pytest.raises(ValidationError):
            scenario.rows = 5  # type: ignore[misc] # that it is refused is the point


class TestProgram:
    """`python -m local.emulators.safetyculture`."""

    def test_it_prints_one_line_serves_its_scenario_and_ends_cleanly(self, tmp_path: Path) -> None:
        file = tmp_path / "scenario.json"
        file.write_text('{"rows": 5, "remaining_records": true}')
        options = ["--scenario", str(file), "--rows", "300", "--page-size", "150", "--token", "t"]
        command = [sys.executable, "-m", "local.emulators.safetyculture", *options]
        with subprocess.Popen(command, cwd=ROOT, stdout=PIPE, stderr=PIPE, text=True) as program:
            assert program.stdout
            line = program.stdout.readline()
            ready = re.fullmatch(r"safetyculture emulator ready on (http://127\.0\.0\.1:\d+)\n", line)
            assert ready
            with httpx.Client(headers={"authorization": "Bearer t"}, trust_env=False) as client:
                page = client.get(ready[1] + FEED).json()
                program.send_signal(signal.SIGTERM)
                rest = program.communicate()
        assert page["metadata"]["remaining_records"] == 150
        assert page["data"] == list(assets(150))
        assert (program.returncode, rest) == (0, ("", ""))

    @pytest.mark.parametrize(
        ("content", "complaint"),
        [('{"latency": 1}', "latency: Extra inputs are not permitted"), ("{", "is not JSON"), ("[]", "a JSON object")],
    )
    def test_a_bad_scenario_is_refused_in_words(self, tmp_path: Path, content: str, complaint: str) -> None:
        file = tmp_path / "scenario.json"
        file.write_text(content)
        with pytest.raises(typer.BadParameter, match=complaint):
            scenario_of(file, {})
