"""Renders records as lines of a CSV file: RFC 4180, UTF-8, the same number of cells in every line."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any, cast

from assetline.table.cells import as_json, cell_text
from assetline.table.columns import EXTRA, Columns, items_of
from assetline.table.drift import Drift
from assetline.table.fields import FieldTable
from assetline.table.formulas import neutralised

__all__ = ["EXTRA", "CsvTable"]

_ONLY_TEXT = {str}

type Record = dict[str, Any]


class CsvTable:
    r"""Renders records under *columns*, `extra` last, and counts deviations from the columns in `tally`.

    A cell is a function of its record and the columns alone. UTF-8 has no bytes for lone surrogates, so they are
    written as JSON escapes (`\ud800`). NUL and all other characters are unchanged.
    """

    def __init__(
        self, columns: Columns | Sequence[str], tally: Drift | None = None, *, neutralise_formulas: bool = False
    ) -> None:
        self.columns = columns if isinstance(columns, Columns) else Columns.plain(columns)
        self.header = self.columns.header
        self.tally = Drift() if tally is None else tally
        self._neutralise_formulas = neutralise_formulas
        self._keys = tuple(dict.fromkeys(column.key for column in self.columns.columns if column.kind != "extra"))
        self._known = frozenset(self._keys)
        self._fields = None
        if self.columns.fields_key is not None:
            self._keys = tuple(dict.fromkeys((*self._keys, self.columns.fields_key)))
            self._known = frozenset(self._keys)
            fields = [column for column in self.columns.columns if column.kind == "field"]
            self._fields = FieldTable(
                self.columns.fields_key, fields, self.tally, neutralise_formulas=neutralise_formulas
            )

    def render_header(self) -> bytes:
        """Return the first line of the file."""
        return _lines([[cell] for cell in self._harmless(self.header)])

    def render(self, records: Iterable[Record]) -> bytes:
        """Return one line per record, with everything that the record holds."""
        page = list(records)
        if not page:
            return b""
        first_row = self.tally.rows + 1
        values, are_all = self._values(page)
        fields, extras = self._fields_of(values, first_row)
        if not are_all:
            self._add_unforeseen(page, first_row, extras)
        cells: list[Sequence[str]] = []
        for column in self.columns.columns:
            match column.kind:
                case "value":
                    cells.append(self._texts(values[column.key]))
                case "list":
                    cells.append(self._lists(column.key, values[column.key], first_row))
                case "field":
                    cells.append(next(fields))
                case "extra":
                    cells.append([as_json(extras[place]) if place in extras else "" for place in range(len(page))])
        self.tally.rows += len(page)
        return _lines(cells)

    def _values(self, page: list[Record]) -> tuple[dict[str, Sequence[Any]], bool]:
        """Return the values of every known key, and True if the records certainly hold no other key."""
        try:
            # Most records have all keys; then no Python loop is needed.
            taken = zip(*map(itemgetter(*self._keys), page), strict=True) if len(self._keys) > 1 else ()
            values: dict[str, Sequence[Any]] = dict(zip(self._keys, taken, strict=True))
        except (KeyError, ValueError):
            return {key: [record.get(key) for record in page] for key in self._keys}, False
        # Each record has the known keys: the number of keys shows whether it has others.
        return values, sum(map(len, page)) == len(page) * len(self._keys)

    def _fields_of(
        self, values: Mapping[str, Sequence[Any]], first_row: int
    ) -> tuple[Iterator[Sequence[str]], dict[int, Record]]:
        if self._fields is None:
            return iter(()), {}
        columns, leftovers = self._fields.render(values[self._fields.key], first_row)
        return iter(columns), {place: {self._fields.key: leftover} for place, leftover in leftovers.items()}

    def _add_unforeseen(self, page: list[Record], first_row: int, extras: dict[int, Record]) -> None:
        foreseen = self._known.issuperset
        for place, record in enumerate(page):
            if foreseen(record):
                continue
            # The record's own order keeps the bytes of a record the same.
            unforeseen = {key: value for key, value in record.items() if key not in self._known}
            extras.setdefault(place, {}).update(unforeseen)
            for key in unforeseen:
                self.tally.unforeseen_keys.note(key, first_row + place)

    def _texts(self, values: Sequence[Any]) -> Sequence[str]:
        if set(map(type, values)) == _ONLY_TEXT and not self._neutralise_formulas:
            return values
        return [
            value if type(value) is str else "" if value is None else cell_text(value)
            for value in self._harmless(values)
        ]

    def _lists(self, key: str, values: Sequence[Any], first_row: int) -> list[str]:
        lists = [_list_of_text(value) if type(value) is str else _list_text(value) for value in values]
        if None not in lists:
            return cast("list[str]", lists)
        raw = self._texts([value if text is None else None for text, value in zip(lists, values, strict=True)])
        for place, text in enumerate(lists):
            if text is None:
                self.tally.unparsable.note(key, first_row + place)
        return [kept if text is None else text for text, kept in zip(lists, raw, strict=True)]

    def _harmless(self, values: Sequence[Any]) -> Sequence[Any]:
        if not self._neutralise_formulas:
            return values
        harmless, changed = neutralised(values)
        self.tally.neutralised += changed
        return harmless


def _list_text(value: Any) -> str | None:
    items = items_of(value)
    return None if items is None else as_json(items) if items else ""


_list_of_text = lru_cache(maxsize=1024)(_list_text)  # an organisation has few lists of statuses and many assets


def _lines(columns: Sequence[Sequence[str]]) -> bytes:
    """Return the CSV of *columns*, lists of equal length; cells are quoted only if needed."""
    quoted = [_quoted(column) for column in columns]
    if len(quoted) == 1:
        quoted = [[cell or '""' for cell in quoted[0]]]  # a blank line is not a row
    text = "\r\n".join(map(",".join, zip(*quoted, strict=True))) + "\r\n"
    return text.encode(errors="backslashreplace")


def _quoted(column: Sequence[str]) -> Sequence[str]:
    together = "".join(column)  # four scans per column instead of per cell: most columns need no quotes
    if not ('"' in together or "," in together or "\n" in together or "\r" in together):
        return column
    return [
        '"' + cell.replace('"', '""') + '"'
        if cell and ('"' in cell or "," in cell or "\n" in cell or "\r" in cell)
        else cell
        for cell in column
    ]
