"""Counts, in bounded space, of values that the columns of a table did not foresee."""

from typing import Self

from pydantic import BaseModel, Field

MOST_NAMES = 100  # ours: of each kind; a checkpoint must stay small whatever the feed sends
LONGEST_NAME = 100  # ours, in characters


class Sighting(BaseModel):
    """The number of sightings, and the row of the first; rows count from 1, without the header."""

    count: int
    first_row: int
    label: str | None = None


class Sightings(BaseModel):
    """Sightings by name, the first `MOST_NAMES` in order of appearance; `others` is the total of all further names."""

    seen: dict[str, Sighting] = Field(default_factory=dict)
    others: int = 0

    @property
    def total(self) -> int:
        """The number of sightings, of all names."""
        return self.others + sum(sighting.count for sighting in self.seen.values())

    def note(self, name: str, row: int, label: str | None = None, count: int = 1) -> None:
        """Count *name*, seen in *row*; *label* is for readers."""
        name = _short(name)
        known = self.seen.get(name)
        if known is not None:
            known.count += count
        elif len(self.seen) < MOST_NAMES:
            self.seen[name] = Sighting(count=count, first_row=row, label=None if label is None else _short(label))
        else:
            self.others += count

    def then(self, later: Self, rows: int) -> Self:
        """Return the sum of these and *later* ones, which begin after *rows* more rows."""
        both = self.model_copy(deep=True)
        for name, sighting in later.seen.items():
            both.note(name, sighting.first_row + rows, sighting.label, sighting.count)
        both.others += later.others
        return both


class Drift(BaseModel):
    """Deviations that rendering met: filled by a table, kept as JSON between turns, added across them.

    Added tallies keep every total; which names have their own count is exact as long as none went to `others`. To
    carry on exactly as if nothing had been interrupted, give a table the tally so far.
    """

    rows: int = 0
    unforeseen_keys: Sightings = Field(default_factory=Sightings)
    """Keys of records that have no column; their values are in `extra`."""
    unseen_fields: Sightings = Field(default_factory=Sightings)
    """Custom fields without a column, by field id, labelled with their names; in `extra`."""
    repeated_fields: Sightings = Field(default_factory=Sightings)
    """Second items of a field in one row, by field id; in `extra`."""
    renamed_fields: Sightings = Field(default_factory=Sightings)
    """Names that differ from the column's, as `field id: name`; the value is in the column all the same."""
    unparsable: Sightings = Field(default_factory=Sightings)
    """Values that could not be parsed, by the key of the record; kept raw."""
    outdated: Sightings = Field(default_factory=Sightings)
    """Newer versions of records that came when the older one was written, by key; it is the older one that stayed."""
    neutralised: int = 0
    """Cells, those of the header among them, that got a `'` so that no spreadsheet runs them."""

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
    # A lone surrogate is no Unicode text, and JSON of the tally must be.
    return name[:LONGEST_NAME].encode(errors="backslashreplace").decode()
