"""Compares two published files and writes the file of changes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from assetline.diff.changes_csv import ChangesCsv
from assetline.diff.compare import Comparison, DiffCounts
from assetline.diff.errors import KeyColumnMissing
from assetline.diff.formats import Format
from assetline.diff.parts import LIMITS, Deal, DiffLimits
from assetline.diff.records import Records, records_of
from assetline.diff.summary import EXAMPLES, Change, Duplicate, Duplicates, Side, Summary


def write_changes(  # noqa: PLR0913 - two files, each with its format
    old: BinaryIO,
    new: BinaryIO,
    out: BinaryIO,
    *,
    keys: Sequence[str],
    format_old: Format,
    format_new: Format,
    scratch: Path,
    renamed: Mapping[str, str] | None = None,
    limits: DiffLimits = LIMITS,
) -> Summary:
    """Write the changes from *old* to *new* to *out*, as CSV; the columns *keys* identify a row.

    *renamed* maps headers of *old* to their headers in *new*.

    The function reads *old* completely before *new*. It writes the first byte to *out* after both were read and
    compared. Memory does not grow with the files; *scratch* holds both, compressed, during the comparison.

    Raises:
        FileMalformed: a file does not match its format.
        KeyColumnMissing: a file or a row lacks the columns *keys*.
    """
    keys = tuple(dict.fromkeys(keys))
    if not keys:
        raise KeyColumnMissing("Name at least one column that identifies a row.")
    deal, tally = Deal(scratch, limits), DiffCounts()
    try:
        old_records = records_of(old, format_old, keys, "old", renamed)
        tally.rows_old = deal.deal(old_records, new=False)
        new_records = records_of(new, format_new, keys, "new")
        tally.rows_new = deal.deal(new_records, new=True)
        changes = ChangesCsv(keys, old_records.columns, new_records.columns)
        comparison = Comparison(old_records, new_records, changes, tally, scratch, limits)
        first_changes = _write(changes, comparison.lines(deal), out)
    finally:
        deal.close()
    summary = _summary(tally, old_records, new_records, keys, first_changes)
    present = {*new_records.columns}
    pairs = tuple((was, now) for was, now in (renamed or {}).items() if now in present)
    return summary.model_copy(update={"columns_renamed": pairs})


def _write(changes: ChangesCsv, lines: Iterable[bytes], out: BinaryIO) -> list[Change]:
    first: dict[str, list[Change]] = {"added": [], "changed": [], "removed": []}
    lines = iter(lines)
    line = next(lines, b"")  # this runs the comparison; nothing is written if it fails
    out.write(changes.render_header())
    while line:
        out.write(line)
        kind = line[: line.index(b",")].decode()
        if len(first[kind]) < EXAMPLES:
            first[kind].append(changes.parse(line))
        line = next(lines, b"")
    return [change for changes_of_kind in first.values() for change in changes_of_kind]


def _summary(
    tally: DiffCounts, old: Records, new: Records, keys: tuple[str, ...], first_changes: Sequence[Change]
) -> Summary:
    return Summary(
        keys=keys,
        rows_old=tally.rows_old,
        rows_new=tally.rows_new,
        added=tally.added,
        changed=tally.changed,
        removed=tally.removed,
        unchanged=tally.unchanged,
        duplicates_old=tally.duplicates_old.count,
        duplicates_new=tally.duplicates_new.count,
        columns_added=_only_in(new, old),
        columns_removed=_only_in(old, new),
        first_changes=tuple(first_changes),
        first_duplicates=(
            *_first_duplicates(tally.duplicates_old, old, "old", keys),
            *_first_duplicates(tally.duplicates_new, new, "new", keys),
        ),
    )


def _only_in(records: Records, other: Records) -> tuple[str, ...]:
    present = set(other.columns)
    return tuple(name for name in records.columns if name not in present)


def _first_duplicates(
    duplicates: Duplicates, records: Records, side: Side, keys: tuple[str, ...]
) -> Iterator[Duplicate]:
    for number, first, row in duplicates.first():
        cells = records.cells(row)
        yield Duplicate(file=side, key=tuple(cells[key] for key in keys), row=number, first_row=first)
