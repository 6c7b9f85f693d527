"""The columns of a table: the sources of their cells and their names in the header."""

import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Literal, Self

from pydantic import BaseModel

from assetline.table.pipe_encoding import NotPipeEncoded, parse_pipes

EXTRA = "extra"  # the last column: the keys of a record without a column, as one JSON object
# The asset key with the custom fields, pipe-encoded (docs/contracts/safetyculture-feeds.md, section 1.4).
FIELDS = "fields"
LISTS = frozenset({"status_options"})  # pipe-encoded too, but one cell: an asset has any number of statuses

_ID_CHARACTERS = 8  # ours: characters of an id that are added first to distinguish equal names
_MORE_CHARACTERS = 4

type Kind = Literal["value", "list", "field", "extra"]


class CustomField(BaseModel, frozen=True):
    """A field that users defined. Its id is the key; names may repeat. Only definitions have a `value_type`."""

    id: str
    name: str
    value_type: str | None = None


class Column(BaseModel, frozen=True):
    """A column, called *header*, of the values under *key*.

    The kinds are:

    - `value`: the value itself
    - `list`: a pipe-encoded list, as JSON
    - `field`: the value of the custom field *field_id* inside the pipe-encoded *key*
    - `extra`: the keys without a column
    """

    header: str
    kind: Kind
    key: str
    field_id: str | None = None
    field_name: str | None = None
    value_type: str | None = None


class Columns(BaseModel, frozen=True):
    """The columns of one file, in order, `extra` last; fixed when the header is written.

    `fields_key` is the key of the encoded custom fields, None if they are not split into columns.
    """

    columns: tuple[Column, ...]
    fields_key: str | None = None

    @property
    def header(self) -> tuple[str, ...]:
        """The names of the columns, all different."""
        return tuple(column.header for column in self.columns)

    @classmethod
    def plain(cls, keys: Sequence[str], certain: Collection[str] = ()) -> Self:
        """Return one column for each of *keys*, with unchanged values, and `extra`.

        Keys that differ in case only get a number: `name` and `Name` become `name` and `Name #2`, in the order given.
        Keys in *certain* keep their name.
        """
        first = [key for key in keys if key in certain]
        ordered = [*first, *(key for key in keys if key not in certain)]
        headers = dict(zip(ordered, _numbered(ordered, {EXTRA}), strict=True))
        values = [Column(header=headers[key], kind="value", key=key) for key in keys]
        return cls(columns=(*values, _EXTRA_COLUMN))

    @classmethod
    def flattened(cls, keys: Sequence[str], fields: Iterable[CustomField]) -> Self:
        """Return the columns of *keys*, with `fields` replaced in place by one column for each of *fields*.

        Equal names, and names equal to another column, get a part of the field's id, as long as needed: `Location
        [38f70da8]`. The comparison ignores case and surrounding blanks.
        """
        by_id: dict[str, CustomField] = {}
        for field in fields:
            by_id.setdefault(field.id, field)
        customs = _field_columns([*by_id.values()], keys)
        columns: list[Column] = []
        for key in keys:
            if key == FIELDS:
                columns += customs
            else:
                columns.append(Column(header=key, kind="list" if key in LISTS else "value", key=key))
        return cls(columns=(*columns, _EXTRA_COLUMN), fields_key=FIELDS if FIELDS in keys else None)


_EXTRA_COLUMN = Column(header=EXTRA, kind="extra", key=EXTRA)


def defined_fields(definitions: Iterable[Mapping[str, Any]]) -> list[CustomField]:
    """Return the fields of *definitions*, the `result` of `POST /assets/v1/fields/list`.

    Source: docs/contracts/safetyculture-feeds.md, section 5.
    """
    found: dict[str, CustomField] = {}
    for definition in definitions:
        field_id: Any = definition.get("id")
        name, value_type = definition.get("name"), definition.get("value_type")
        if _can_be_column(field_id, name):
            short = value_type.removeprefix("FIELD_VALUE_TYPE_") if isinstance(value_type, str) else None
            found.setdefault(field_id, CustomField(id=field_id, name=name, value_type=short))
    return list(found.values())


def remembered_fields(columns: Iterable[Column]) -> list[CustomField]:
    """Return the custom fields of *columns*."""
    return [
        CustomField(id=column.field_id, name=column.field_name, value_type=column.value_type)
        for column in columns
        if column.field_id is not None and column.field_name is not None
    ]


def discovered_fields(records: Iterable[Mapping[str, Any]]) -> list[CustomField]:
    """Return the custom fields in *records*, in order of first appearance; unparsable values are skipped."""
    found: dict[str, CustomField] = {}
    for record in records:
        for item in items_of(record.get(FIELDS)) or ():
            field_id, name = item.get("field_id"), item.get("name")
            if _can_be_column(field_id, name):
                found.setdefault(field_id, CustomField(id=field_id, name=name))
    return list(found.values())


def items_of(value: Any) -> list[Any] | None:
    """Return the items of an encoded *value*, or of a real list unchanged; None if it does not parse."""
    if isinstance(value, str):
        try:
            return parse_pipes(value)
        except NotPipeEncoded:
            return None
    if value is None:
        return []
    return value if isinstance(value, list) and all(isinstance(item, dict) for item in value) else None


def can_be_header(text: str) -> bool:
    """Return whether *text* is valid as a column name; a key without a column goes to `extra`.

    A lone surrogate is not valid in a header, nor in the JSON that stores the columns.
    """
    return text.encode(errors="ignore").decode() == text


def _can_be_column(field_id: object, name: object) -> bool:
    return field_id != "" and all(isinstance(text, str) and can_be_header(text) for text in (field_id, name))


def _field_columns(fields: Sequence[CustomField], keys: Iterable[str]) -> list[Column]:
    headers = _distinct_headers(fields, {_folded(name) for name in (*keys, EXTRA) if name != FIELDS})
    return [
        Column(
            header=header,
            kind="field",
            key=FIELDS,
            field_id=field.id,
            field_name=field.name,
            value_type=field.value_type,
        )
        for header, field in zip(headers, fields, strict=True)
    ]


def _distinct_headers(fields: Sequence[CustomField], reserved: Collection[str]) -> list[str]:
    """Return a header for each of *fields*, all different and different from *reserved* (case-folded)."""
    shown = [0 if field.name.strip() else _ID_CHARACTERS for field in fields]  # id characters in each header
    while True:
        headers = [_header(field, characters) for field, characters in zip(fields, shown, strict=True)]
        takers = Counter([*map(_folded, headers), *reserved])
        crowded = [
            place
            for place, field in enumerate(fields)
            if takers[_folded(headers[place])] > 1 and shown[place] < len(field.id)
        ]
        if not crowded:
            return _numbered(headers, reserved)
        for place in crowded:
            shown[place] += _MORE_CHARACTERS if shown[place] else _ID_CHARACTERS


def _numbered(headers: Iterable[str], reserved: Collection[str]) -> list[str]:
    # Complete ids may not suffice: ids can differ in case only, or a name can look like one with an id.
    taken, unique = set(reserved), []
    for header in headers:
        candidate, number = header, 1
        while _folded(candidate) in taken:
            number += 1
            candidate = f"{header} #{number}"
        taken.add(_folded(candidate))
        unique.append(candidate)
    return unique


def _header(field: CustomField, characters: int) -> str:
    name = field.name.strip() or "Field"
    return f"{name} [{field.id[:characters]}]" if characters else name


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name.casefold())
