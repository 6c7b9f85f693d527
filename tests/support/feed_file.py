"""A file and its manifest against the generator that fed it: nothing lost, nothing made up."""

import csv
import io
import json
from collections.abc import Iterable
from typing import Any

from assetline.table.cells import cell_text
from local.emulators.safetyculture.assets import asset, fields, statuses

ENCODED = {"fields", "status_options"}


def rows_of(text: str) -> list[dict[str, str]]:
    """Read a CSV as any reader of the standard would."""
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def holds_the_feed(text: str, manifest: dict[str, Any], indexes: Iterable[int]) -> bool:
    """Return whether a CSV has the assets of *indexes*, in their order, row for row and value for value."""
    rows, indexes = rows_of(text), list(indexes)
    headers = {column["field_id"]: column["header"] for column in manifest["columns"] if column["kind"] == "field"}
    return len(rows) == len(indexes) and all(
        _matches(row, index, headers) for row, index in zip(rows, indexes, strict=True)
    )


def _matches(row: dict[str, str], index: int, headers: dict[str, str]) -> bool:
    plain = {name: value or "" for name, value in asset(index).items() if name not in ENCODED}
    extra = json.loads(row["extra"] or "{}")
    actual = {field_id: row[header] for field_id, header in headers.items() if row[header]}
    expected = {
        item["field_id"]: cell_text(item["value"])
        for item in fields(index)
        if item not in extra.get("fields", []) and cell_text(item["value"])
    }
    return (
        {name: row[name] for name in plain} == plain
        and actual == expected
        and json.loads(row["status_options"] or "[]") == statuses(index)
    )
