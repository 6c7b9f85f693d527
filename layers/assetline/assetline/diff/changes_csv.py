"""The CSV of changes: the kind of change, the key, the changed columns, then the row."""

import csv
import io
import json
from collections.abc import Container, Mapping, Sequence

from assetline.diff.renames import are_the_same_fields
from assetline.diff.summary import Change, Kind

CHANGE = "change"
CHANGED_COLUMNS = "changed_columns"


class ChangesCsv:
    """Renders changes as CSV: `change`, the key, `changed_columns` as a JSON array, then all other columns.

    The other columns are those of the new file, in its order, then those only in the old one. An added or changed row
    has the values of the new file, a removed one those of the old file. If a file has a column of the same name as one
    of ours, ours gets a `_` at the end.
    """

    def __init__(self, keys: Sequence[str], old_columns: Sequence[str], new_columns: Sequence[str]) -> None:
        self.keys = tuple(keys)
        columns = dict.fromkeys((*new_columns, *old_columns))
        self.values = tuple(name for name in columns if name not in self.keys)
        taken = columns.keys()
        self.header = (_free(CHANGE, taken), *self.keys, _free(CHANGED_COLUMNS, taken), *self.values)

    def render_header(self) -> bytes:
        """Return the first line of the file."""
        return _line(self.header)

    def changed_columns(self, old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
        """Return the columns whose cells differ. An absent cell is empty; custom fields are compared by id."""
        pairs = ((name, old.get(name, ""), new.get(name, "")) for name in self.values)
        return [name for name, was, now in pairs if was != now and not are_the_same_fields(name, was, now)]

    def render(self, change: Kind, cells: Mapping[str, str], changed_columns: Sequence[str] = ()) -> bytes:
        """Return the line of one change."""
        key = [cells.get(name, "") for name in self.keys]
        changed = json.dumps(changed_columns, ensure_ascii=False) if changed_columns else ""
        return _line((change, *key, changed, *(cells.get(name, "") for name in self.values)))

    def parse(self, line: bytes) -> Change:
        """Parse a line of `render`, without its values."""
        change, *rest = next(csv.reader([line.decode()]))
        key, changed = rest[: len(self.keys)], rest[len(self.keys)]
        return Change.model_validate(
            {"change": change, "key": key, "changed_columns": json.loads(changed) if changed else ()}
        )


def _free(name: str, taken: Container[str]) -> str:
    while name in taken:
        name += "_"
    return name


def _line(cells: Sequence[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    # JSON can contain half of a surrogate pair, which UTF-8 cannot.
    return text.getvalue().encode(errors="backslashreplace")
