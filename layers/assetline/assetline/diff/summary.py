"""The result of a comparison: its counts, and a few examples of each kind."""

import heapq
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel

type Kind = Literal["added", "changed", "removed"]
type Side = Literal["old", "new"]

EXAMPLES = 5  # ours: of each kind; the rest is in the file of changes


class Change(BaseModel, frozen=True):
    """A row of the changes, without its values."""

    change: Kind
    key: tuple[str, ...]
    changed_columns: tuple[str, ...] = ()


class Duplicate(BaseModel, frozen=True):
    """A row whose key an earlier row of the same file has; rows count from 1, without the header."""

    file: Side
    key: tuple[str, ...]
    row: int
    first_row: int


class Summary(BaseModel, frozen=True):
    """The comparison in figures; `duplicates_…` are rows whose key an earlier row of that file has.

    `first_changes` are the first few of each kind, `first_duplicates` the first few of each file.
    """

    keys: tuple[str, ...]
    rows_old: int
    rows_new: int
    added: int
    changed: int
    removed: int
    unchanged: int
    duplicates_old: int
    duplicates_new: int
    columns_added: tuple[str, ...]
    columns_removed: tuple[str, ...]
    columns_renamed: tuple[tuple[str, str], ...] = ()
    first_changes: tuple[Change, ...] = ()
    first_duplicates: tuple[Duplicate, ...] = ()

    @property
    def differs(self) -> bool:
        """Whether there is a change of rows or of columns."""
        columns = self.columns_added or self.columns_removed or self.columns_renamed
        return bool(self.added or self.changed or self.removed or columns)


@dataclass
class Duplicates:
    """The duplicates of one file: counted, the first few kept, in whatever order they are found."""

    count: int = 0
    _first: list[tuple[int, int, bytes]] = field(default_factory=list)  # a heap: the last of the first few on top

    def found(self, number: int, first: int, row: bytes) -> None:
        """Count the row of *number*, whose key the row of *first* has."""
        self.count += 1
        if len(self._first) < EXAMPLES:
            heapq.heappush(self._first, (-number, first, row))
        elif number < -self._first[0][0]:
            heapq.heapreplace(self._first, (-number, first, row))

    def first(self) -> list[tuple[int, int, bytes]]:
        """Return the first few as number, number of the first row of that key, and the row."""
        return sorted((-number, first, row) for number, first, row in self._first)
