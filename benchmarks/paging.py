"""The speed of reading pages: beside a bare loop over one kept connection, and at the page size that it finds.

    .venv/bin/python -m benchmarks.paging

The emulated API runs in a process of its own. It makes every page before the timing, and then only waits. The product
reads the pages with its client and reader, and renders each to CSV. The bare loop fetches the same pages, searches them
for `next_page`, and discards them.
"""

import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from assetline.budget import Budget
from assetline.credentials import Token
from assetline.paging.reader import PageReader, Start
from assetline.safetyculture.catalogue import feed_named
from assetline.safetyculture.client import FeedClient
from assetline.table.columns import Columns, defined_fields
from assetline.table.rows import CsvTable
from benchmarks.feeds import ROWS, ROWS_A_PAGE, SLOW_BODY, SLOW_START, bare_loop, play
from local.emulators.safetyculture.assets import field_definitions
from local.emulators.safetyculture.scenario import LOCAL_TOKEN, FeedScenario

ASSETS = feed_named("assets")
BY_HUNDREDS = ASSETS.first_cursor({}, ROWS_A_PAGE)
AS_FOUND = ASSETS.first_cursor({}, None)

_ROOT = Path(__file__).parents[1]


class _LocalToken(Token):
    """The token of the emulator; it is not checked."""

    def __init__(self) -> None:
        super().__init__("none")

    def value(self, *, fresh: bool = False) -> str:
        del fresh  # it never changes
        return LOCAL_TOKEN


def measure() -> dict[str, float]:
    """Return walls over walls: `reader_vs_floor`, `overlap_gain`, `page_size_gain`."""
    with _emulator(SLOW_START) as url:
        floor = bare_loop(url)
        by_hundreds = _product_seconds(url, Start(BY_HUNDREDS))
        _product_seconds(url, Start(AS_FOUND, finds_page_size=True))  # the emulator makes these pages, too
        as_found = _product_seconds(url, Start(AS_FOUND, finds_page_size=True))
    with _emulator(SLOW_BODY) as url:
        slow_body_floor = bare_loop(url)
        slow_body = _product_seconds(url, Start(BY_HUNDREDS))
    return {
        "reader_vs_floor": round(by_hundreds / floor, 3),
        "overlap_gain": round(slow_body / slow_body_floor, 3),
        "page_size_gain": round(as_found / by_hundreds, 3),
        "reader_page_milliseconds": round(by_hundreds / ROWS * ROWS_A_PAGE * 1000, 1),
        "floor_page_milliseconds": round(floor / ROWS * ROWS_A_PAGE * 1000, 1),
    }


@contextmanager
def _emulator(scenario: FeedScenario) -> Iterator[str]:
    """Run the emulated API as a program of its own; every page of a hundred rows is made first."""
    program = [sys.executable, "-m", "local.emulators.safetyculture", "--scenario"]
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write(scenario.model_copy(update={"latency_seconds": 0, "body_seconds": 0}).model_dump_json())
        file.flush()
        server = subprocess.Popen([*program, file.name], cwd=_ROOT, stdout=subprocess.PIPE, text=True)
        try:
            ready = re.search(r"http://\S+", server.stdout.readline() if server.stdout else "")
            if ready is None:
                raise RuntimeError("the emulated API did not start")
            play(ready[0], scenario)
            yield ready[0]
        finally:
            server.terminate()
            server.communicate()


def _product_seconds(url: str, start: Start) -> float:
    """Return the seconds to read every page and render it."""
    client = FeedClient(url, _LocalToken())
    table = CsvTable(Columns.flattened(ASSETS.columns, defined_fields(field_definitions())))
    rows, started = 0, time.perf_counter()
    with PageReader(client.ask, start, Budget(600)) as reader:
        for page in reader:
            table.render(page.records)
            rows += len(page.records)
    seconds = time.perf_counter() - started
    client.close()
    if rows != ROWS:
        raise AssertionError(f"{rows} rows of {ROWS}")
    return seconds


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))  # noqa: T201 - the figures are the output
