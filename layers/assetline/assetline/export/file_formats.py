"""Renders records in the format of the file; the header is fixed once the columns are known."""

import gzip
from collections.abc import Iterable, Sequence
from typing import Protocol

from assetline.export.record_layout import Shape, shape_of
from assetline.export.request import AnyRequest
from assetline.export.turn_memory import Memory
from assetline.paging.page import Record
from assetline.table.cells import as_json
from assetline.table.columns import EXTRA, FIELDS, Columns, can_be_header, discovered_fields, remembered_fields
from assetline.table.rows import CsvTable

GATHERED_BYTES = 8 * 1024**2  # ours: the size of the first part; columns found later go to `extra`
GZIP_LEVEL = 6
BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # Excel detects UTF-8 by it

CONTENT_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "csv.gz": "application/gzip",
    "jsonl": "application/jsonl; charset=utf-8",
    "jsonl.gz": "application/gzip",
}


class Rendering(Protocol):
    """Renders records as bytes; it may hold records back until more arrive."""

    def render(self, records: Sequence[Record]) -> bytes:
        """Return the bytes of *records*, or b"" while it gathers them."""

    def replace(self, record: Record) -> bool:
        """Replace an older version of *record* with the same key; return False if that is rendered already."""

    def end(self) -> bytes:
        """Return the remaining bytes at the end of the feed."""


def rendering(request: AnyRequest, memory: Memory) -> Rendering:
    """Return the rendering of an export's format; it continues from *memory* and updates it."""
    plain: Rendering = CsvRendering(request, memory) if request.format.startswith("csv") else JsonLines(memory)
    return Gzipped(plain, memory) if request.format.endswith(".gz") else plain


class CsvRendering:
    """CSV with a header that is fixed before the first line is written."""

    def __init__(self, request: AnyRequest, memory: Memory) -> None:
        self._neutralise_formulas = request.neutralise_formulas
        self._mark = BYTE_ORDER_MARK if request.excel else b""
        self._shape = shape_of(request)
        self._memory = memory
        self._table = None if memory.columns is None else self._table_of(memory.columns)
        self._gathered_bytes = sum(map(_size, memory.gathered))

    def render(self, records: Sequence[Record]) -> bytes:
        """Return the lines of *records*; the first lines follow the header and the gathered records."""
        if self._shape.flat is not None:
            records = [*map(self._shape.flat, records)]
        if self._table is not None and self._memory.headed:
            return self._table.render(records)
        self._memory.gathered += records
        self._gathered_bytes += sum(map(_size, records))
        if self._table is None and self._gathered_bytes < GATHERED_BYTES:
            return b""
        return self._begin()

    def replace(self, record: Record) -> bool:
        """Replace an older version of *record*, while records are gathered."""
        newer = record if self._shape.flat is None else self._shape.flat(record)
        key = [newer.get(name) for name in self._shape.key_columns]
        for place, older in enumerate(self._memory.gathered):
            if [older.get(name) for name in self._shape.key_columns] == key:
                self._memory.gathered[place] = newer
                self._gathered_bytes += _size(newer) - _size(older)
                return True
        return False

    def end(self) -> bytes:
        """Return the header and the gathered records, if they are not written yet."""
        return b"" if self._memory.headed else self._begin()

    def _begin(self) -> bytes:
        columns = self._memory.columns or columns_of(self._shape, self._memory.gathered, self._memory.remembered)
        self._table = self._table_of(columns)
        gathered, self._memory.gathered = self._memory.gathered, []
        self._memory.columns, self._memory.headed = columns, True
        return self._mark + self._table.render_header() + self._table.render(gathered)

    def _table_of(self, columns: Columns) -> CsvTable:
        return CsvTable(columns, self._memory.tally, neutralise_formulas=self._neutralise_formulas)


class JsonLines:
    """One JSON object per line, as the feed sent it."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def render(self, records: Sequence[Record]) -> bytes:
        """Return one line per record."""
        self._memory.tally.rows += len(records)
        return "".join(f"{as_json(record)}\n" for record in records).encode(errors="backslashreplace")

    def replace(self, record: Record) -> bool:
        """Return False: lines are written at once."""
        del record
        return False

    def end(self) -> bytes:
        """Return nothing: lines are written at once."""
        return b""


class Gzipped:
    """The bytes of another rendering, gzipped: one member per piece, so that turns do not change the file."""

    def __init__(self, plain: Rendering, memory: Memory) -> None:
        self._plain = plain
        self._memory = memory

    def render(self, records: Sequence[Record]) -> bytes:
        """Return the bytes of the plain rendering as a member."""
        return _member(self._plain.render(records))

    def replace(self, record: Record) -> bool:
        """Replace an older version of *record*, if the plain rendering can."""
        return self._plain.replace(record)

    def end(self) -> bytes:
        """Return the remaining bytes as a member; an empty file is one empty member."""
        rest = self._plain.end()
        return _member(rest) if rest or self._memory.tally.rows else gzip.compress(b"", mtime=0)


def columns_of(shape: Shape, records: Iterable[Record], remembered: Columns | None = None) -> Columns:
    """Return the columns of *records*: the declared ones, else the keys in order of appearance.

    Keys that users define, recognised by their prefix, follow the declared ones. The columns of the last export,
    *remembered*, come before new ones: a day without rows or values moves no column.
    """
    records = list(records)
    declared = shape.columns
    previous = () if remembered is None else remembered.columns
    kept = [column.key for column in previous if column.kind == "value"]
    seen = [key for key in dict.fromkeys(key for record in records for key in record) if can_be_header(key)]
    # A key with the name of the last column gets no column of its own: it is in that one.
    keys = declared or tuple(key for key in dict.fromkeys((*kept, *seen)) if key != EXTRA)
    if FIELDS in declared:
        return Columns.flattened(keys, [*remembered_fields(previous), *discovered_fields(records)])
    if shape.open_columns:
        more = dict.fromkeys((*kept, *seen))
        keys = (*keys, *(key for key in more if key.startswith(shape.open_columns) and key not in keys))
    return Columns.plain(keys, shape.key_columns)


def _member(content: bytes) -> bytes:
    return gzip.compress(content, GZIP_LEVEL, mtime=0) if content else b""


def _size(record: Record) -> int:
    return len(as_json(record))
