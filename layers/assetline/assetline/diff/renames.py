"""Detects custom fields renamed between two exports: the same columns under other headers."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from assetline.table.columns import FIELDS
from assetline.table.pipe_encoding import NotPipeEncoded, parse_pipes

ID_CHARACTERS = 8  # ours: characters of a field's id that distinguish a column from another of the same name


class FileColumn(BaseModel, frozen=True):
    """A column in a manifest; `field_id` is the id of a custom field."""

    header: str
    field_id: str | None = None


class ManifestColumns(BaseModel, frozen=True):
    """The columns in a manifest; null for a format without columns."""

    columns: tuple[FileColumn, ...] | None = None


def renamed_columns(old: Iterable[FileColumn], new: Iterable[FileColumn]) -> dict[str, str]:
    """Return the headers of the *old* file that differ in the *new* one, each with the new header.

    If an old header now belongs to another field, the old column gets its field's id.
    """
    old = [*old]
    now = {column.field_id: column.header for column in new if column.field_id is not None}
    renamed = {column.header: now.get(column.field_id or "", column.header) for column in old}
    renamed = {was: is_now for was, is_now in renamed.items() if was != is_now}
    taken = {*renamed.values()}
    for column in old:
        if column.header in taken and column.header not in renamed:
            renamed[column.header] = f"{column.header} [{(column.field_id or 'before')[:ID_CHARACTERS]}]"
    return renamed


def are_the_same_fields(column: str, old: str, new: str) -> bool:
    """Return whether two cells of *column* hold the same values by field id, with any field names."""
    if column != FIELDS:
        return False
    try:
        return _values(old) == _values(new)
    except NotPipeEncoded:
        return False


def _values(encoded: str) -> list[Mapping[str, Any]]:
    return [{name: value for name, value in item.items() if name != "name"} for item in parse_pipes(encoded)]
