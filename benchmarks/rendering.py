"""The speed from a page to lines of CSV, beside a simple program with the standard library, in one process.

    .venv/bin/python -m benchmarks.rendering

Both read the same bodies of pages and write the same table: declared columns, one column a custom field, money and time
as text. Before anything is timed, their cells are compared wherever both can express the value.
"""

import csv
import io
import json
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson

from assetline.safetyculture.catalogue import feed_named
from assetline.safetyculture.page_parser import parse_page
from assetline.table.columns import EXTRA, FIELDS, Columns, defined_fields
from assetline.table.rows import CsvTable
from local.emulators.safetyculture.assets import asset, field_definitions

PAGES, ROWS_A_PAGE, ROUNDS = 20, 100, 25

_STRING_OR_PIPE = re.compile(r'"(?:[^"\\]|\\.)*"|\|', re.DOTALL)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

type Row = dict[str, str]


def measure() -> dict[str, float]:
    """Return `render_vs_stdlib`, rows a second over rows a second, and the two rates; one core, best of each."""
    pages, columns = _pages(), Columns.flattened(feed_named("assets").columns, defined_fields(field_definitions()))
    _compare(pages, columns)
    rendered, expected = [], []
    for _ in range(ROUNDS):  # alternating, so that a busy machine slows both
        rendered.append(_seconds(_render, pages, columns))
        expected.append(_seconds(_render_with_stdlib, pages, columns))
    rows = PAGES * ROWS_A_PAGE
    return {
        "render_vs_stdlib": round(min(expected) / min(rendered), 2),
        "render_rows_per_second": round(rows / min(rendered)),
        "stdlib_rows_per_second": round(rows / min(expected)),
    }


def _pages() -> list[bytes]:
    metadata = {"next_page": "/feed/assets?limit=100&next_page_token=opaque", "next_page_token": "opaque"}
    starts = range(0, PAGES * ROWS_A_PAGE, ROWS_A_PAGE)
    return [
        orjson.dumps({"metadata": metadata, "data": [asset(index) for index in range(start, start + ROWS_A_PAGE)]})
        for start in starts
    ]


def _seconds(render: Callable[[list[bytes], Columns], bytes], pages: list[bytes], columns: Columns) -> float:
    started = time.perf_counter()
    render(pages, columns)
    return time.perf_counter() - started


def _render(pages: list[bytes], columns: Columns) -> bytes:
    table = CsvTable(columns)
    return table.render_header() + b"".join([table.render(parse_page(body).records) for body in pages])


def _render_with_stdlib(pages: list[bytes], columns: Columns) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns.header)
    writer.writeheader()
    header_of = {column.field_id: column.header for column in columns.columns if column.kind == "field"}
    for body in pages:
        for record in json.loads(body)["data"]:
            row = {key: value for key, value in record.items() if key != FIELDS}
            row["status_options"] = json.dumps(_items(record["status_options"])) if record["status_options"] else ""
            for item in _items(record[FIELDS]):
                row[header_of[item["field_id"]]] = _text(item["value"])
            writer.writerow(row)
    return text.getvalue().encode()


def _items(encoded: str) -> Any:
    plain = _STRING_OR_PIPE.sub(lambda token: "," if token[0] == "|" else token[0], encoded)
    return json.loads(f"[{plain}]")


def _text(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if "seconds" in value:
        moment = _EPOCH + timedelta(seconds=value["seconds"], microseconds=value["nanos"] // 1000)
        return moment.isoformat().replace("+00:00", "Z")
    return f"{Decimal(value['units']) + Decimal(value['nanos']) / 10**9} {value['currencyCode']}"


def _compare(pages: list[bytes], columns: Columns) -> None:
    rendered, expected = _render(pages, columns), _render_with_stdlib(pages, columns)
    rows = 0
    for row, other in zip(_read(rendered), _read(expected), strict=True):
        rows += 1
        if row.pop(EXTRA) or other.pop(EXTRA):
            raise AssertionError("every field has a column, but `extra` is not empty")
        for header, cell in row.items():
            if not _same(header, cell, other[header]):
                raise AssertionError(f"row {rows}, {header}: {cell!r} is not {other[header]!r}")
    if rows != PAGES * ROWS_A_PAGE:
        raise AssertionError(f"{rows} rows of {PAGES * ROWS_A_PAGE}")


def _same(header: str, rendered: str, expected: str) -> bool:
    if header == "status_options" and rendered:
        return bool(json.loads(rendered) == json.loads(expected))
    # `datetime` holds microseconds, `Decimal` writes few nanos with an exponent.
    finer = re.fullmatch(r"(.*\.\d{6})\d{1,3}Z", rendered)
    return rendered == expected or "E-" in expected or (finer is not None and f"{finer[1]}Z" == expected)


def _read(content: bytes) -> Iterator[Row]:
    return csv.DictReader(io.StringIO(content.decode(), newline=""))


if __name__ == "__main__":
    for key, figure in measure().items():
        print(f"{key:<24} {figure:>12,}")  # noqa: T201 - the figures are the output
