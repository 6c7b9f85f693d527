"""Records into the lines of a CSV file: RFC 4180, UTF-8, every line the same number of cells."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

import orjson

EXTRA = "extra"  # the last column: what a record holds beyond the columns, as one JSON object


class CsvTable:
    """Renders records under *columns*, in that order, and `extra` after them."""

    def __init__(self, columns: Sequence[str]) -> None:
        self.header = (*columns, EXTRA)
        self._columns = tuple(columns)
        self._known = frozenset(columns)

    def render_header(self) -> bytes:
        """Return the first line of the file."""
        return _lines([self.header])

    def render(self, records: Iterable[dict[str, Any]]) -> bytes:
        """Return one line a record; nothing a record holds is left out."""
        return _lines(self._cells(record) for record in records)

    def _cells(self, record: dict[str, Any]) -> list[str | None]:
        cells = [
            value if type(value) is str or value is None else as_text(value) for value in map(record.get, self._columns)
        ]
        unforeseen = record.keys() - self._known
        # In the record's own order, so that the same record is the same bytes every time.
        extra = {key: value for key, value in record.items() if key in unforeseen} if unforeseen else None
        cells.append(None if extra is None else as_text(extra))
        return cells


def as_text(value: Any) -> str:
    """Return a JSON value as the text of a cell: strings as they are, null empty, the rest as JSON writes it."""
    if isinstance(value, str):
        return value
    return "" if value is None else orjson.dumps(value).decode()


def _lines(rows: Iterable[Sequence[str | None]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()
