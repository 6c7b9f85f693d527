"""Splits the encoded custom fields of records into one column per field; the rest is left over."""

from collections.abc import Callable, Sequence
from typing import Any

import orjson

from assetline.table.cells import cell_text
from assetline.table.columns import Column, items_of
from assetline.table.drift import Drift
from assetline.table.formulas import runs
from assetline.table.literals import literal_text
from assetline.table.pipe_encoding import Item, NotPipeEncoded

_ITEM_KEYS = frozenset({"name", "value", "field_id"})  # docs/contracts/safetyculture-feeds.md, section 1.4

# The exact encoding of an item: `{"name":"…"|"value":…|"field_id":"…"}`.
_FIRST, _VALUE, _ID, _LAST = '{"name":"', '"|"value":', '|"field_id":"', '"}'
_INSIDE = slice(len(_FIRST), -len(_LAST))
_BETWEEN = f"{_LAST}|{_FIRST}"

_ODDITIES = (ValueError, LookupError, AttributeError)

type Leftovers = dict[int, Any]  # values without a column, by position of the record on the page


class FieldTable:
    """The columns of kind `field`: renders the encoded values of a page, and counts deviations in *tally*."""

    def __init__(self, key: str, columns: Sequence[Column], tally: Drift, *, neutralise_formulas: bool) -> None:
        self.key = key
        self._tally = tally
        self._neutralise_formulas = neutralise_formulas
        self._names = [column.field_name for column in columns]
        self._places = {column.field_id: place for place, column in enumerate(columns)}
        # By the encoded id: the column, and the beginning of its items. A changed name is therefore detected.
        self._spelled = {
            _spelling(column.field_id): (place, _spelling(column.field_name) + _VALUE)
            for place, column in enumerate(columns)
        }
        self._parse_string: Callable[[str], str] = self._parse_harmless if neutralise_formulas else orjson.loads

    def render(self, values: Sequence[Any], first_row: int) -> tuple[list[Sequence[str]], Leftovers]:
        """Return the cells of every column, and the leftovers of *values*; the first value is of row *first_row*."""
        leftovers: Leftovers = {}
        rows = []
        for place, value in enumerate(values):
            neutralised = self._tally.neutralised
            try:
                cells = self._read_quickly(value)
            except _ODDITIES:
                self._tally.neutralised = neutralised  # remove the counts of the quick reader
                cells, leftover = self._read_carefully(value, first_row + place)
                if leftover is not None:
                    leftovers[place] = leftover
            rows.append(cells)
        return list(zip(*rows, strict=True)), leftovers

    def _read_quickly(self, text: Any) -> list[str]:
        """Return the cells of *text*, or raise one of `_ODDITIES`.

        The method accepts only items in the exact encoding of the feed. Each has a known id and name and one JSON
        value, and occurs once. Such a text has only one reading.
        """
        cells = [""] * len(self._names)
        if text is None or text == "":
            return cells
        if not (text.startswith(_FIRST) and text.endswith(_LAST)):
            raise NotPipeEncoded("not spelled as usual")
        parse_string, spelled = self._parse_string, self._spelled
        for item in text[_INSIDE].split(_BETWEEN):
            head, _, field_id = item.rpartition(_ID)
            place, opening = spelled[field_id]
            literal = head.removeprefix(opening)
            if literal is head or cells[place]:
                raise NotPipeEncoded("not spelled as usual")
            cells[place] = parse_string(literal) if literal[0] == '"' else literal_text(literal)
        return cells

    def _read_carefully(self, value: Any, row: int) -> tuple[list[str], Any]:
        """Return the cells of *value*, and the rest without a column, or None."""
        cells = [""] * len(self._names)
        items = items_of(value)
        if items is None:
            self._tally.unparsable.note(self.key, row)
            return cells, value
        leftover = []
        for item in items:
            field_id = item.get("field_id")
            place = self._places.get(field_id) if isinstance(field_id, str) else None
            if place is None:
                self._tally.unseen_fields.note(cell_text(field_id), row, cell_text(item.get("name")))
                leftover.append(item)
            elif cells[place]:
                self._tally.repeated_fields.note(cell_text(field_id), row, self._names[place])
                leftover.append(item)
            else:
                cells[place] = self._text(item.get("value"))
                leftover += self._remainder(item, self._names[place], row)
        return cells, leftover or None

    def _remainder(self, item: Item, known_name: str | None, row: int) -> list[Item]:
        """Return the part of *item* besides the value in its column."""
        name = item.get("name", known_name)
        if isinstance(name, str) and name != known_name:
            self._tally.renamed_fields.note(f"{item['field_id']}: {name}", row, known_name)
        foreseen = _ITEM_KEYS if isinstance(name, str) else _ITEM_KEYS - {"name"}
        rest = {key: value for key, value in item.items() if key not in foreseen}
        return [{"field_id": item["field_id"], **rest}] if rest else []

    def _text(self, value: Any) -> str:
        if self._neutralise_formulas and isinstance(value, str) and runs(value):
            self._tally.neutralised += 1
            return f"'{value}"
        return cell_text(value)

    def _parse_harmless(self, literal: str) -> str:
        return self._text(orjson.loads(literal))


def _spelling(text: str | None) -> str:
    return orjson.dumps(text or "").decode()[1:-1]
