"""The real client and reader against the emulated API: the rows of its contract, and each fault.

The rows are those of docs/contracts/safetyculture-feeds.md, section 2.

Clocks are scaled: pauses are noted instead of slept, and what would be a minute's timeout is a fraction of a second.
"""

import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import httpx
import pytest

from assetline.budget import Budget
from assetline.credentials import Token
from assetline.errors import (
    FeedForbidden,
    FeedRefused,
    FeedUnavailable,
    FeedUnreachable,
    ForeignCursor,
    RepeatedCursor,
    TokenRefused,
)
from assetline.http.pooled_transport import KeptConnections
from assetline.paging import reader as feed_reader
from assetline.paging.cursor_trail import CursorTrail
from assetline.paging.reader import MAX_FAULTS, PageReader, Start
from assetline.safetyculture import client as feed_client
from assetline.safetyculture.catalogue import CATALOGUE, feed_named
from assetline.safetyculture.client import FeedClient
from assetline.safetyculture.definition import Feed
from local.emulators.safetyculture.assets import assets, field_definitions
from local.emulators.safetyculture.feeds import record
from local.emulators.safetyculture.scenario import (
    LOCAL_TOKEN,
    CycleCursor,
    Fault,
    FeedScenario,
    Forbidden,
    ForeignNextPage,
    InternalError,
    Maintenance,
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

ROWS = 95
BY_TENS = "/feed/assets?limit=10"
PAGES = 10


class GivenToken(Token):
    """The emulator's token, without a request; `read_again` counts the requests for a newer one."""

    def __init__(self) -> None:
        super().__init__("arn:secret")
        self.read_again = 0

    def value(self, *, fresh: bool = False) -> str:
        self.read_again += fresh
        return LOCAL_TOKEN


@pytest.fixture(scope="module")
def emulator() -> Iterator[FeedEmulator]:
    with running() as emulator:
        yield emulator


@pytest.fixture
def feed_api(emulator: FeedEmulator) -> FeedEmulator:
    emulator.has(FeedScenario(rows=ROWS))
    emulator.forget()
    return emulator


@pytest.fixture(scope="module")
def foreign() -> Iterator[FeedEmulator]:
    with running() as foreign:
        yield foreign


@dataclass
class Reading:
    """The result of reading a feed: its records, the pauses that were slept, and where the reader stands."""

    records: list[dict[str, Any]]
    slept: list[float]
    reader: PageReader


@dataclass
class Exporter:
    """Reads a feed of *api* as the export does; `records` has what came before an error, too."""

    api: FeedEmulator
    client: FeedClient
    token: GivenToken
    records: list[dict[str, Any]] = field(default_factory=list)

    def read(self, start: Start | None = None) -> Reading:
        slept: list[float] = []
        with PageReader(self.client.ask, start or Start(BY_TENS), Budget(600), slept.append) as reader:
            for page in reader:
                self.records.extend(page.records)
        return Reading(self.records, slept, reader)

    def requested(self) -> list[int | None]:
        """Return the page numbers that were asked for."""
        return [request.page for request in self.api.requests()]


@pytest.fixture
def exporter(feed_api: FeedEmulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Exporter]:
    monkeypatch.setattr(feed_reader, "backoff", lambda _: 0.0)
    monkeypatch.setattr(feed_client, "PAGE_TIMEOUT", httpx.Timeout(5, read=0.2))
    token = GivenToken()
    client = FeedClient(feed_api.url, token, sleep=lambda _: None)
    yield Exporter(feed_api, client, token)
    client.close()


def all_rows() -> list[dict[str, Any]]:
    return [*assets(ROWS)]


def having(feed_api: FeedEmulator, *faults: Fault, **settings: Any) -> None:
    feed_api.has(FeedScenario(rows=ROWS, faults=faults, **settings))


class TestThatPass:
    """Faults that an export rides out, with every record once and in order."""

    @pytest.mark.parametrize(
        "fault",
        [
            InternalError(page=3, times=2),
            Unavailable(page=3, times=2),
            OriginTimeout(page=3, times=2),
            Truncated(page=3, times=2),
            Maintenance(page=3, times=2),
            NoData(page=3, times=2),
            Reset(page=3, times=2),
            Slow(page=3, times=1, seconds=0.5),
            TooManyRequests(page=3, times=2),
            Unavailable(page=1, times=2),
            Truncated(page=PAGES, times=2),
        ],
        ids=lambda fault: f"{fault.kind}-{fault.page}",
    )
    def test_a_page_that_fails_is_asked_for_again(
        self, feed_api: FeedEmulator, exporter: Exporter, fault: Fault
    ) -> None:
        having(feed_api, fault)
        assert exporter.read().records == all_rows()
        assert len(exporter.requested()) == PAGES + (fault.times or 0)

    def test_faults_on_every_page_cost_no_record(self, feed_api: FeedEmulator, exporter: Exporter) -> None:
        kinds = (Truncated, Reset, Unavailable, NoData, Maintenance)
        having(feed_api, *(kinds[page % len(kinds)](page=page, times=1) for page in range(1, PAGES + 1)))
        assert exporter.read().records == all_rows()
        assert len(exporter.requested()) == 2 * PAGES

    @pytest.mark.parametrize(
        ("fault", "pause"),
        [
            (TooManyRequests(page=3, times=1, retry_after=2), 2.0),
            (TooManyRequests(page=3, times=1, reset_header=3), 3.0),
            (TooManyRequests(page=3, times=1, retry_after=1, reset_header=3), 1.0),
            (TooManyRequests(page=3, times=1), 0.0),
        ],
    )
    def test_a_429_is_waited_out_as_long_as_it_asks(
        self, feed_api: FeedEmulator, exporter: Exporter, fault: Fault, pause: float
    ) -> None:
        having(feed_api, fault)
        reading = exporter.read()
        assert (reading.records, reading.slept) == (all_rows(), [pause])

    def test_a_long_pause_ends_the_turn_at_that_page(self, feed_api: FeedEmulator, exporter: Exporter) -> None:
        having(feed_api, TooManyRequests(page=3, times=1, retry_after=7))
        reading = exporter.read()
        assert (len(reading.records), reading.slept, reading.reader.pause_seconds) == (20, [], 7)
        assert reading.reader.cursor
        assert exporter.read(Start(reading.reader.cursor, reading.reader.faults)).records == all_rows()

    @pytest.mark.parametrize("settings", [{"remaining_records": True}, {"end_of_feed": "empty"}, {}])
    def test_unsure_details_of_the_wire_change_nothing(
        self, feed_api: FeedEmulator, exporter: Exporter, settings: dict[str, Any]
    ) -> None:
        having(feed_api, **settings)
        reading = exporter.read()
        assert (reading.records, reading.reader.cursor) == (all_rows(), None)

    def test_a_next_page_that_is_absolute_on_the_same_origin_is_followed(
        self, feed_api: FeedEmulator, exporter: Exporter
    ) -> None:
        having(feed_api, absolute_next_page=True)
        assert exporter.read().records == all_rows()

    def test_a_key_that_is_new_on_a_later_page_arrives(self, feed_api: FeedEmulator, exporter: Exporter) -> None:
        having(feed_api, RowDrift(page=2, name="criticality", value="high"))
        assert exporter.read().records == [
            *islice(assets(ROWS), 10),
            *(row | {"criticality": "high"} for row in islice(assets(ROWS), 10, None)),
        ]


class TestThatFailByName:
    """Faults that no repeat helps, or has helped: the pages before it were yielded, each once."""

    @pytest.mark.parametrize(
        ("fault", "error"), [(Unauthorized(page=3), TokenRefused), (Forbidden(page=3), FeedForbidden)]
    )
    def test_a_token_without_permission_fails_at_once(
        self, feed_api: FeedEmulator, exporter: Exporter, fault: Fault, error: type[Exception]
    ) -> None:
        having(feed_api, fault)
        with pytest.raises(error):
            exporter.read()
        assert exporter.records == all_rows()[:20]
        assert exporter.requested() == [1, 2, 3]
        assert exporter.token.read_again == 1  # it may have been corrected; it was not

    @pytest.mark.parametrize(
        ("fault", "error"),
        [
            (Unavailable(page=3), FeedUnavailable),
            (Truncated(page=3), FeedUnavailable),
            (NoData(page=3), FeedUnavailable),
            (Maintenance(page=3), FeedUnavailable),
            (Reset(page=3), FeedUnreachable),
        ],
    )
    def test_a_page_that_never_arrives_completely_ends_the_export(
        self, feed_api: FeedEmulator, exporter: Exporter, fault: Fault, error: type[Exception]
    ) -> None:
        having(feed_api, fault)
        reader = exporter.read().reader
        assert reader.cursor is not None
        assert (exporter.requested().count(3), reader.faults) == (MAX_FAULTS - 1, MAX_FAULTS - 1)
        with pytest.raises(error):
            exporter.read(Start(reader.cursor, reader.faults))
        assert exporter.records == all_rows()[:20]
        assert exporter.requested().count(3) == MAX_FAULTS

    def test_a_connection_that_is_refused_is_unreachable(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        client = FeedClient(f"http://127.0.0.1:{port}", GivenToken())
        with pytest.raises(FeedUnreachable, match=str(port)) as fault:
            client.fetch(BY_TENS)
        assert not fault.value.smaller_may_help

    def test_an_answer_that_does_not_come_is_unreachable(self, feed_api: FeedEmulator, exporter: Exporter) -> None:
        having(feed_api, Slow(page=1, seconds=0.5))
        with pytest.raises(FeedUnreachable, match="ReadTimeout"):
            exporter.client.fetch(BY_TENS)

    @pytest.mark.parametrize(("fault", "back"), [(RepeatCursor(page=3), 3), (CycleCursor(page=3), 2)])
    def test_a_feed_that_leads_in_a_circle_is_left_after_one_round(
        self, feed_api: FeedEmulator, exporter: Exporter, fault: Fault, back: int
    ) -> None:
        having(feed_api, fault)
        with pytest.raises(RepeatedCursor, match=f"Page 3 of the feed leads back to page {back}"):
            exporter.read()
        assert (exporter.records, exporter.requested()) == (all_rows()[:30], [1, 2, 3])

    @pytest.mark.parametrize("fault", [RepeatCursor(page=1), CycleCursor(page=2)])
    def test_a_circle_over_the_first_page_is_refused(
        self, feed_api: FeedEmulator, exporter: Exporter, fault: Fault
    ) -> None:
        having(feed_api, fault)
        with pytest.raises(RepeatedCursor):
            exporter.read()
        assert len(exporter.requested()) <= 4

    def test_a_circle_over_two_turns_is_noticed(self, feed_api: FeedEmulator, exporter: Exporter) -> None:
        having(feed_api, CycleCursor(page=4), TooManyRequests(page=4, times=1, retry_after=60))
        trail = CursorTrail()
        reader = exporter.read(Start(BY_TENS, trail=trail)).reader
        assert reader.cursor
        later = Start(reader.cursor, reader.faults, CursorTrail.from_bytes(trail.to_bytes()))
        with pytest.raises(RepeatedCursor, match="Page 4 of the feed leads back to page 3"):
            exporter.read(later)
        assert exporter.requested() == [1, 2, 3, 4, 4]


class TestTokenStaysHome:
    def test_a_next_page_on_another_origin_is_refused_unasked(
        self, feed_api: FeedEmulator, foreign: FeedEmulator, exporter: Exporter
    ) -> None:
        having(feed_api, ForeignNextPage(page=2, origin=foreign.url))
        with pytest.raises(ForeignCursor, match="token was not sent"):
            exporter.read()
        assert exporter.records == all_rows()[:20]
        assert foreign.requests() == []

    def test_the_same_host_on_another_port_is_another_origin(
        self, feed_api: FeedEmulator, foreign: FeedEmulator
    ) -> None:
        assert foreign.url.rpartition(":")[0] == feed_api.url.rpartition(":")[0]

    def test_the_foreign_origin_would_have_noted_a_token(self, foreign: FeedEmulator) -> None:
        """The test above proves something: an origin that is asked does write it down."""
        client = FeedClient(foreign.url, GivenToken())
        client.fetch(BY_TENS)
        client.close()
        assert [request.authorization for request in foreign.requests()] == [True]
        foreign.forget()


class TestPageSize:
    def found(self, exporter: Exporter, feed: Feed | None = None) -> Reading:
        first = (feed or feed_named("assets")).first_cursor({}, None)
        return exporter.read(Start(first, finds_page_size=True))

    @pytest.mark.parametrize(
        ("most", "requested"), [(1000, [1000]), (100, [1000, 500, 250, 100]), (30, [1000, 500, 250, 100, 50, 25])]
    )
    def test_the_largest_that_the_feed_takes_is_found_on_the_first_page(
        self, feed_api: FeedEmulator, exporter: Exporter, most: int, requested: list[int]
    ) -> None:
        having(feed_api, max_page_size=most)
        reading = self.found(exporter)
        assert (reading.records, reading.reader.page_size) == (all_rows(), requested[-1])
        assert [int(request.query["limit"]) for request in feed_api.requests()][: len(requested)] == requested
        assert {request.query["limit"] for request in feed_api.requests()[len(requested) :]} <= {str(requested[-1])}

    @pytest.mark.parametrize(
        "fault", [OriginTimeout(page=1, times=2), Slow(page=1, times=2, seconds=0.5), Reset(page=1, times=2)]
    )
    def test_a_slow_first_page_is_repeated_and_then_smaller(
        self, feed_api: FeedEmulator, exporter: Exporter, fault: Fault
    ) -> None:
        having(feed_api, fault, max_page_size=1000)
        reading = self.found(exporter)
        assert (reading.records, reading.reader.page_size) == (all_rows(), 500)
        assert [request.query["limit"] for request in feed_api.requests()] == ["1000", "1000", "500"]

    def test_a_size_that_was_asked_for_is_refused_as_it_is(self, feed_api: FeedEmulator, exporter: Exporter) -> None:
        having(feed_api, max_page_size=100)
        with pytest.raises(FeedRefused, match="page_size"):
            exporter.read(Start(feed_named("assets").first_cursor({}, 500)))
        assert len(feed_api.requests()) == 1


class TestPace:
    def test_the_next_request_leaves_while_the_body_is_still_coming(
        self, feed_api: FeedEmulator, exporter: Exporter
    ) -> None:
        having(feed_api, body_seconds=0.5)
        with PageReader(exporter.client.ask, Start(BY_TENS), Budget(600)) as reader:
            first = next(iter(reader))
        began = [request.at for request in feed_api.requests()]
        assert first.seconds >= 0.5
        assert began[1] - began[0] < first.seconds

    def test_two_connections_are_enough_for_a_complete_feed(self, feed_api: FeedEmulator, exporter: Exporter) -> None:
        having(feed_api, body_seconds=0.02)
        exporter.read()
        assert isinstance(exporter.client._transport, KeptConnections)
        assert len(exporter.client._transport._idle) <= 2


@pytest.mark.parametrize("feed", CATALOGUE.values(), ids=list(CATALOGUE))
def test_every_feed_of_the_catalogue_can_be_read(feed_api: FeedEmulator, exporter: Exporter, feed: Feed) -> None:
    having(feed_api, max_page_size=1000)
    records = exporter.read(Start(feed.first_cursor({}, 50))).records
    if feed.name == "assets":
        assert records == all_rows()
    else:
        assert records == [record(feed.path, index) for index in range(ROWS)]
    assert len({tuple(entry[key] for key in feed.key) for entry in records}) == ROWS


class TestFieldDefinitions:
    def test_all_of_them_are_read(self, exporter: Exporter) -> None:
        assert exporter.client.field_definitions() == field_definitions()

    def test_a_token_that_may_not_read_them_costs_nothing(self, feed_api: FeedEmulator, exporter: Exporter) -> None:
        having(feed_api, field_definitions=False)
        assert exporter.client.field_definitions() is None
        assert [request.status for request in feed_api.requests()] == [403]
