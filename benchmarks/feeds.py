"""The emulated feed of the benchmarks, and the bare loop that is their reference."""

import http.client
import re
import time

from local.emulators.safetyculture.scenario import LOCAL_TOKEN, FeedScenario

ROWS, ROWS_A_PAGE = 20_000, 100
SLOW_START = FeedScenario(rows=ROWS, max_page_size=1000, latency_seconds=0.05)
FEWER_ROWS = SLOW_START.model_copy(update={"rows": 10_000})
SLOW_BODY = FeedScenario(rows=ROWS, max_page_size=1000, latency_seconds=0.025, body_seconds=0.025)

_NEXT_PAGE = re.compile(rb'"next_page":"([^"]+)"')


def play(url: str, scenario: FeedScenario, rows_a_page: int = ROWS_A_PAGE) -> None:
    """Play *scenario* on the emulator at *url*; make each page of *rows_a_page* before the timing."""
    _put(url, scenario.model_copy(update={"latency_seconds": 0, "body_seconds": 0}))
    bare_loop(url, rows_a_page)
    _put(url, scenario)


def bare_loop(url: str, rows_a_page: int = ROWS_A_PAGE) -> float:
    """Return the seconds to fetch every page over one connection, one after another, and discard it.

    No client is faster: pages are not compressed, and only `next_page` is parsed.
    """
    connection = http.client.HTTPConnection(url.removeprefix("http://"))
    headers = {"authorization": f"Bearer {LOCAL_TOKEN}", "accept-encoding": "identity"}
    cursor, started = f"/feed/assets?limit={rows_a_page}", time.perf_counter()
    while cursor:
        connection.request("GET", cursor, headers=headers)
        following = _NEXT_PAGE.search(connection.getresponse().read())
        cursor = following[1].decode() if following else ""
    seconds = time.perf_counter() - started
    connection.close()
    return seconds


def _put(url: str, scenario: FeedScenario) -> None:
    connection = http.client.HTTPConnection(url.removeprefix("http://"))
    connection.request("PUT", "/_emulator/scenario", scenario.model_dump_json())
    if connection.getresponse().status != http.HTTPStatus.OK:
        raise RuntimeError("the emulated API does not play the scenario")
    connection.close()
