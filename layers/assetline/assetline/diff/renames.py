"""Custom fields that were renamed between two exports: their columns are the same ones, under other headers."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from assetline.table.columns import FIELDS
from assetline.table.pipe_encoding import NotPipeEncoded, parse_pipes

ID_CHARACTERS = 8  # ours: of a field's id, to tell a column from one that is called as it was


class FileColumn(BaseModel, frozen=True):
    """A column as a manifest describes it; `field_id` is that of a custom field."""

    header: str
    field_id: str | None = None


class ManifestColumns(BaseModel, frozen=True):
    """The columns as a manifest lists them; null for a format that has none."""

    columns: tuple[FileColumn, ...] | None = None


def renamed_columns(old: Iterable[FileColumn], new: Iterable[FileColumn]) -> dict[str, str]:
    """Return the headers of the *old* file that are others in the *new* one, each with the new one.

    An old column that is called as another one is now, and that is of another field, is called by its field's id.
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
    """Say whether two cells of *column* hold the same values of the same custom fields, whatever the fields' names."""
    if column != FIELDS:
        return False
    try:
        return _values(old) == _values(new)
    except NotPipeEncoded:
        return False


def _values(encoded: str) -> list[Mapping[str, Any]]:
    return [{name: value for name, value in item.items() if name != "name"} for item in parse_pipes(encoded)]
