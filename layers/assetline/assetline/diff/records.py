"""Reads the rows of a published file as bytes with their keys; parses the cells on request.

Most rows of two exports are equal, byte for byte. So a row stays as it is in its file, and is parsed only if it
differs.
"""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO, Protocol

from assetline.diff.errors import KeyColumnMissing
from assetline.diff.formats import MAX_LINE_BYTES, Format, Lines
from assetline.exact_numbers import dumped, integer_of, number_of

MAX_COLUMNS = 16_384  # ours: the limit of spreadsheets; the names of all columns are held in memory


class Records(Protocol):
    """The rows of one file; `columns` is complete after the rows have been read."""

    @property
    def columns(self) -> Sequence[str]:
        """The names of the columns, in the file's order."""

    @property
    def layout(self) -> object:
        """The properties that two files must share for equal bytes to be equal cells."""

    def __iter__(self) -> Iterator[tuple[Sequence[str], bytes]]:
        """Yield the key of every row, and the bytes of the row."""

    def cells(self, row: bytes) -> Mapping[str, str]:
        """Return the cells of a *row* by column, as text; an absent column is an empty cell."""


def records_of(
    stream: BinaryIO, format_: Format, keys: Sequence[str], side: str, renamed: Mapping[str, str] | None = None
) -> Records:
    """Return the rows of *stream*; messages call the file *side*, and *renamed* maps headers of CSV columns.

    Raises:
        FileMalformed: the file does not match its format; raised now or while reading.
        KeyColumnMissing: a column of *keys* is missing; raised now or while reading.
    """
    lines = Lines(stream, format_, side)
    return (
        JsonlRecords(lines, keys, side) if format_.startswith("jsonl") else CsvRecords(lines, keys, side, renamed or {})
    )


class CsvRecords:
    """The rows of a CSV (RFC 4180, UTF-8) under its header line."""

    def __init__(self, lines: Lines, keys: Sequence[str], side: str, renamed: Mapping[str, str]) -> None:
        self._lines = lines
        self._of_row: list[bytes] = []  # the lines of the current row: a cell may contain line ends
        # A global setting of the module: cells of 128 KiB are valid, endless ones are not.
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
        """Yield the key of every row, and the bytes of the row; blank lines are not rows."""
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
                    f"The {side} file has no column {key!r} to identify rows; it has: {', '.join(self.columns)}."
                )


class JsonlRecords:
    """The rows of a file of JSON objects, one per line; absent, null and `""` are equal, as in a CSV."""

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
        """Yield the key of every row, and the bytes of the row; blank lines are not rows."""
        for line in self._lines:
            row = line.strip()
            if row:
                record = self._record(row)
                if not record.keys() <= self._columns.keys():
                    self._remember(record)
                yield self._key(record), row

    def cells(self, row: bytes) -> Mapping[str, str]:
        """Return the values of *row* by name, as the cells of a CSV."""
        return {name: _as_text(value) for name, value in self._decoder.decode(row.decode()).items()}

    def _record(self, row: bytes) -> dict[str, Any]:
        try:
            record = self._decoder.decode(row.decode())
        except UnicodeDecodeError as error:
            raise self._lines.malformed("it is not UTF-8") from error
        except (ValueError, RecursionError) as error:
            # The parser's message may quote the record.
            raise self._lines.malformed("it is not JSON") from error
        if not isinstance(record, dict):
            raise self._lines.malformed("it is not a JSON object")
        return record

    def _remember(self, record: Mapping[str, Any]) -> None:
        self._columns.update(dict.fromkeys(record))
        if len(self._columns) > MAX_COLUMNS:
            raise self._lines.malformed(f"there are more than {MAX_COLUMNS:,} column names up to here")

    def _key(self, record: Mapping[str, Any]) -> list[str]:
        try:
            return [_as_text(record[key]) for key in self._keys]
        except KeyError as error:
            raise KeyColumnMissing(
                f"The {self._side} file, line {self._lines.number}, has no {error.args[0]!r} to identify the row; "
                f"it has: {', '.join(record) or 'nothing'}."
            ) from None


def _as_text(value: Any) -> str:
    # The same text as a cell of `table`. `table` needs orjson, which the operator's command does not install.
    if isinstance(value, str):
        return value
    return "" if value is None else dumped(value)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
