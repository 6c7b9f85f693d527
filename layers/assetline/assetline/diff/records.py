"""The rows of a published file: each as the bytes it is written in, with its key; its cells only when asked for.

Most rows of two exports are the same, byte for byte. So a row is carried as it stands in its file, and taken apart
again only when it differs.
"""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO, Protocol

from assetline.diff.errors import KeyColumnMissing
from assetline.diff.formats import MAX_LINE_BYTES, Format, Lines
from assetline.exact_numbers import dumped, integer_of, number_of

MAX_COLUMNS = 16_384  # ours: what a spreadsheet takes; the names of all columns are held in memory


class Records(Protocol):
    """The rows of one file; `columns` are all there are once the rows have been read."""

    @property
    def columns(self) -> Sequence[str]:
        """The names of the columns, in the file's order."""

    @property
    def layout(self) -> object:
        """The properties that rows of two files must share for equal bytes to mean equal cells."""

    def __iter__(self) -> Iterator[tuple[Sequence[str], bytes]]:
        """Yield the key of every row and the row as it is written."""

    def cells(self, row: bytes) -> Mapping[str, str]:
        """Return the cells of a *row* by column, as text; a column that is absent is an empty cell."""


def records_of(
    stream: BinaryIO, format_: Format, keys: Sequence[str], side: str, renamed: Mapping[str, str] | None = None
) -> Records:
    """Return the rows of *stream*; *side* is what messages call the file, *renamed* has other names of CSV columns.

    Raises:
        FileMalformed: now or while it is read, the file is not what its format says.
        KeyMissing: now or while it is read, a column of *keys* is not there.
    """
    lines = Lines(stream, format_, side)
    return (
        JsonlRecords(lines, keys, side) if format_.startswith("jsonl") else CsvRecords(lines, keys, side, renamed or {})
    )


class CsvRecords:
    """The rows of a CSV (RFC 4180, UTF-8) under its header line."""

    def __init__(self, lines: Lines, keys: Sequence[str], side: str, renamed: Mapping[str, str]) -> None:
        self._lines = lines
        self._of_row: list[bytes] = []  # the lines of the row being read: a cell may hold line ends
        # The module's own, and for all of Python: cells of 128 KiB are no error, cells without an end are.
        csv.field_size_limit(MAX_LINE_BYTES)
        self._rows = csv.reader(self._texts(), strict=True)
        self.columns = tuple(renamed.get(name, name) for name in next(self._parsed(), ()))
        self._check_header(keys, side)
        self._key_at = [self.columns.index(key) for key in keys]

    @property
    def layout(self) -> object:
        """The header."""
        return self.columns

    def __iter__(self) -> Iterator[tuple[Sequence[str], bytes]]:
        """Yield the key of every row and the row as it is written; blank lines hold no row."""
        width, key_at, of_row = len(self.columns), self._key_at, self._of_row
        for cells in self._parsed():
            if len(cells) == width:
                row = of_row[0] if len(of_row) == 1 else b"".join(of_row)
                yield [cells[at] for at in key_at], row
            elif cells:
                raise self._lines.malformed(f"it has {len(cells)} cells, the header {width}", self._first_line())
            of_row.clear()

    def cells(self, row: bytes) -> Mapping[str, str]:
        """Return the cells of *row* by column."""
        return dict(zip(self.columns, next(csv.reader([row.decode()])), strict=True))

    def _texts(self) -> Iterator[str]:
        of_row = self._of_row
        for line in self._lines:
            of_row.append(line)
            try:
                text = line.decode()
            except UnicodeDecodeError as error:
                raise self._lines.malformed("it is not UTF-8") from error
            yield text

    def _parsed(self) -> Iterator[list[str]]:
        try:
            yield from self._rows
        except csv.Error as error:
            raise self._lines.malformed(f"the row is not CSV ({error})", self._first_line()) from error

    def _first_line(self) -> int:
        return self._lines.number - max(len(self._of_row) - 1, 0)

    def _check_header(self, keys: Sequence[str], side: str) -> None:
        self._of_row.clear()
        if not self.columns:
            raise self._lines.malformed("there is no header")
        if len(set(self.columns)) < len(self.columns):
            twice = next(name for name in self.columns if self.columns.count(name) > 1)
            raise self._lines.malformed(f"two columns are called {twice!r}")
        for key in keys:
            if key not in self.columns:
                raise KeyColumnMissing(
                    f"The {side} file has no column {key!r} to tell rows apart by; it has: {', '.join(self.columns)}."
                )


class JsonlRecords:
    """The rows of a file of JSON objects, one a line; absent, null and `""` are the same, as they are in a CSV."""

    layout: object = "jsonl"

    def __init__(self, lines: Lines, keys: Sequence[str], side: str) -> None:
        self._lines = lines
        self._keys = keys
        self._side = side
        self._columns: dict[str, None] = {}
        self._decoder = json.JSONDecoder(parse_float=number_of, parse_int=integer_of, parse_constant=_refuse_constant)

    @property
    def columns(self) -> Sequence[str]:
        """The names found so far, in order of appearance."""
        return tuple(self._columns)

    def __iter__(self) -> Iterator[tuple[Sequence[str], bytes]]:
        """Yield the key of every row and the row as it is written; blank lines hold no row."""
        for line in self._lines:
            row = line.strip()
            if row:
                record = self._record(row)
                if not record.keys() <= self._columns.keys():
                    self._remember(record)
                yield self._key(record), row

    def cells(self, row: bytes) -> Mapping[str, str]:
        """Return the values of *row* by name, as a CSV would hold them."""
        return {name: _as_text(value) for name, value in self._decoder.decode(row.decode()).items()}

    def _record(self, row: bytes) -> dict[str, Any]:
        try:
            record = self._decoder.decode(row.decode())
        except UnicodeDecodeError as error:
            raise self._lines.malformed("it is not UTF-8") from error
        except (ValueError, RecursionError) as error:
            # Not the error's own words: they may quote the record.
            raise self._lines.malformed("it is not JSON") from error
        if not isinstance(record, dict):
            raise self._lines.malformed("it is not a JSON object")
        return record

    def _remember(self, record: Mapping[str, Any]) -> None:
        self._columns.update(dict.fromkeys(record))
        if len(self._columns) > MAX_COLUMNS:
            raise self._lines.malformed(f"by now there are more than {MAX_COLUMNS:,} names of columns")

    def _key(self, record: Mapping[str, Any]) -> list[str]:
        try:
            return [_as_text(record[key]) for key in self._keys]
        except KeyError as error:
            raise KeyColumnMissing(
                f"The {self._side} file, line {self._lines.number}, has no {error.args[0]!r} to tell rows apart by; "
                f"there is: {', '.join(record) or 'nothing'}."
            ) from None


def _as_text(value: Any) -> str:
    # As `table` writes a cell. Not by its code: the operator's command compares too, and comes without orjson.
    if isinstance(value, str):
        return value
    return "" if value is None else dumped(value)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
