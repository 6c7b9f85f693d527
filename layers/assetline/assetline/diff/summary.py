"""The result of a comparison: its counts, and a few examples of each kind."""

import heapq
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel

type Kind = Literal["added", "changed", "removed"]
type Side = Literal["old", "new"]

EXAMPLES = 5  # ours: of each kind; the file of changes has all


class Change(BaseModel, frozen=True):
    """A row of the changes, without its values."""

    change: Kind
    key: tuple[str, ...]
    changed_columns: tuple[str, ...] = ()


class Duplicate(BaseModel, frozen=True):
    """A row whose key occurs earlier in the same file; rows count from 1, without the header."""

    file: Side
    key: tuple[str, ...]
    row: int
    first_row: int


class Summary(BaseModel, frozen=True):
    """The counts of a comparison; `duplicates_…` counts rows whose key occurs earlier in that file.

    `first_changes` holds the first few of each kind, `first_duplicates` the first few of each file.
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
        """Whether a row or a column changed."""
        columns = self.columns_added or self.columns_removed or self.columns_renamed
        return bool(self.added or self.changed or self.removed or columns)


@dataclass
class Duplicates:
    """The duplicates of one file: counts all, and keeps the first few, in any order of discovery."""

    count: int = 0
    _first: list[tuple[int, int, bytes]] = field(default_factory=list)  # a heap: the last of the first few is on top

    def found(self, number: int, first: int, row: bytes) -> None:
        """Count the row *number*, whose key occurs first in the row *first*."""
        self.count += 1
        if len(self._first) < EXAMPLES:
            heapq.heappush(self._first, (-number, first, row))
        elif number < -self._first[0][0]:
            heapq.heapreplace(self._first, (-number, first, row))

    def first(self) -> list[tuple[int, int, bytes]]:
        """Return the first few as number, number of the first row of that key, and the row."""
        return sorted((-number, first, row) for number, first, row in self._first)
