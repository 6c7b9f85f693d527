"""Counts, in bounded space, values that the columns of a table do not cover."""

from typing import Self

from pydantic import BaseModel, Field

MOST_NAMES = 100  # ours: per kind; limits the size of a checkpoint
LONGEST_NAME = 100  # ours, in characters


class Sighting(BaseModel):
    """The number of sightings, and the row of the first; rows count from 1, without the header."""

    count: int
    first_row: int
    label: str | None = None


class Sightings(BaseModel):
    """Sightings by name: the first `MOST_NAMES` in order of appearance; `others` is the total of further names."""

    seen: dict[str, Sighting] = Field(default_factory=dict)
    others: int = 0

    @property
    def total(self) -> int:
        """The number of sightings of all names."""
        return self.others + sum(sighting.count for sighting in self.seen.values())

    def note(self, name: str, row: int, label: str | None = None, count: int = 1) -> None:
        """Count *name*, found in *row*; *label* is a readable name."""
        name = _short(name)
        known = self.seen.get(name)
        if known is not None:
            known.count += count
        elif len(self.seen) < MOST_NAMES:
            self.seen[name] = Sighting(count=count, first_row=row, label=None if label is None else _short(label))
        else:
            self.others += count

    def then(self, later: Self, rows: int) -> Self:
        """Return the sum of these and *later* sightings, which begin after *rows* rows."""
        both = self.model_copy(deep=True)
        for name, sighting in later.seen.items():
            both.note(name, sighting.first_row + rows, sighting.label, sighting.count)
        both.others += later.others
        return both


class Drift(BaseModel):
    """Deviations found while rendering: counted by a table, stored as JSON between turns, added up across turns.

    Sums keep every total. The counts per name are exact as long as `others` is empty. For the same result as without an
    interruption, pass the counts so far to the next table.
    """

    rows: int = 0
    unforeseen_keys: Sightings = Field(default_factory=Sightings)
    """Keys of records without a column; their values are in `extra`."""
    unseen_fields: Sightings = Field(default_factory=Sightings)
    """Custom fields without a column, by field id, labelled with their names; their values are in `extra`."""
    repeated_fields: Sightings = Field(default_factory=Sightings)
    """Repeated items of a field in one row, by field id; they are in `extra`."""
    renamed_fields: Sightings = Field(default_factory=Sightings)
    """Names that differ from the column's, as `field id: name`; their values are in the column."""
    unparsable: Sightings = Field(default_factory=Sightings)
    """Values that cannot be parsed, by the key of the record; they are kept raw."""
    outdated: Sightings = Field(default_factory=Sightings)
    """Newer versions of records that arrived after the older one was written, by key. The file holds the older one."""
    neutralised: int = 0
    """Cells, including those of the header, with a `'` in front so that no spreadsheet evaluates them."""

    def __add__(self, later: Self) -> Self:
        return type(self)(
            rows=self.rows + later.rows,
            unforeseen_keys=self.unforeseen_keys.then(later.unforeseen_keys, self.rows),
            unseen_fields=self.unseen_fields.then(later.unseen_fields, self.rows),
            repeated_fields=self.repeated_fields.then(later.repeated_fields, self.rows),
            renamed_fields=self.renamed_fields.then(later.renamed_fields, self.rows),
            unparsable=self.unparsable.then(later.unparsable, self.rows),
            outdated=self.outdated.then(later.outdated, self.rows),
            neutralised=self.neutralised + later.neutralised,
        )


def _short(name: str) -> str:
    # A lone surrogate is not valid Unicode text, and the counts must be.
    return name[:LONGEST_NAME].encode(errors="backslashreplace").decode()
