"""A plain program that exports a feed: 25 records a page, one request after another, each row flattened.

It keeps its connection and writes rows as they arrive. The columns are those of the first page.
"""

import csv
import http.client
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from local.emulators.safetyculture.scenario import LOCAL_TOKEN

ROWS_A_PAGE = 25


def export(url: str, to: Path) -> tuple[int, float]:
    """Export the feed of assets at *url* to the CSV file *to*; return the rows, and the seconds."""
    started, rows = time.perf_counter(), 0
    pages = _pages(url)
    first = [flattened(record) for record in next(pages)]
    with to.open("w", newline="") as file:
        writer = csv.DictWriter(file, sorted({name for row in first for name in row}), extrasaction="ignore")
        writer.writeheader()
        writer.writerows(first)
        rows += len(first)
        for page in pages:
            writer.writerows(flattened(record) for record in page)
            rows += len(page)
    return rows, time.perf_counter() - started


def flattened(record: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return a record with the keys of its objects joined by points, and its lists as JSON."""
    row: dict[str, Any] = {}
    for name, value in record.items():
        if isinstance(value, dict):
            row |= flattened(value, f"{prefix}{name}.")
        else:
            row[prefix + name] = json.dumps(value) if isinstance(value, list) else value
    return row


def _pages(url: str) -> Iterator[list[dict[str, Any]]]:
    connection = http.client.HTTPConnection(url.removeprefix("http://"))
    headers = {"authorization": f"Bearer {LOCAL_TOKEN}", "accept-encoding": "identity"}
    cursor = f"/feed/assets?limit={ROWS_A_PAGE}"
    while cursor:
        connection.request("GET", cursor, headers=headers)
        page = json.loads(connection.getresponse().read())
        yield page["data"]
        cursor = page["metadata"]["next_page"]
    connection.close()
