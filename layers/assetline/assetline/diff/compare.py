"""Compares two files in parts, one at a time, and restores the order of the files in the result.

A part within the memory budget is compared in memory. A larger one is dealt again by the next byte of the digests. If
it holds a single key, it is compared row by row in the given order.
"""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import zip_longest
from operator import itemgetter
from pathlib import Path

from assetline.diff.changes_csv import ChangesCsv
from assetline.diff.parts import DIGEST_BYTES, Deal, DiffLimits, DiffPart
from assetline.diff.records import Records
from assetline.diff.spill import Spill
from assetline.diff.summary import Duplicates

type Entry = tuple[int, bytes]  # the number of a row; the digest of its key, followed by the row

_NUMBER = itemgetter(0)


@dataclass
class DiffCounts:
    """The counts so far."""

    rows_old: int = 0
    rows_new: int = 0
    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    duplicates_old: Duplicates = field(default_factory=Duplicates)
    duplicates_new: Duplicates = field(default_factory=Duplicates)


@dataclass(frozen=True)
class Findings:
    """Lines of changes: `current` by the number of the new row, `removed` by that of the old row."""

    current: Spill
    removed: Spill


@dataclass(frozen=True)
class Comparison:
    """Finds the changes between rows that were dealt. Rows of equal keys within a file are compared in order."""

    old: Records
    new: Records
    changes: ChangesCsv
    tally: DiffCounts
    scratch: Path
    limits: DiffLimits

    @cached_property
    def _same_layout(self) -> bool:
        return self.old.layout == self.new.layout

    def lines(self, deal: Deal) -> Iterator[bytes]:
        """Yield the lines of changes: added and changed rows in the new order, then removed rows in the old order.

        The comparison is complete before the first line is yielded.
        """
        found = [self._find(part, deal.level) for part in deal.parts]
        yield from (line for _, line in _in_order(findings.current for findings in found))
        yield from (line for _, line in _in_order(findings.removed for findings in found))

    def _find(self, part: DiffPart, level: int) -> Findings:
        fits = part.cost <= self.limits.budget_bytes
        if not fits and part.one_key:
            return self._find_in_step(part)
        if not fits and level + 1 < DIGEST_BYTES:
            return self._find_in_smaller_parts(part, level + 1)
        return self._find_in_memory(part)

    def _find_in_smaller_parts(self, large: DiffPart, level: int) -> Findings:
        deal = Deal(self.scratch, self.limits, level)
        deal.deal_again(large)
        found = [self._find(part, level) for part in deal.parts]
        merged = self._nothing_yet()
        for number, line in _in_order(findings.current for findings in found):
            merged.current.add(number, line)
        for number, line in _in_order(findings.removed for findings in found):
            merged.removed.add(number, line)
        return merged

    def _find_in_step(self, part: DiffPart) -> Findings:
        findings = self._nothing_yet()
        first_old: int | None = None
        first_new: int | None = None
        for old, new in zip_longest(part.old.drain(), part.new.drain()):
            if old is not None:
                first_old = self._note(self.tally.duplicates_old, old, first_old)
            if new is not None:
                first_new = self._note(self.tally.duplicates_new, new, first_new)
                self._compare(old, new, findings)
            else:
                self._remove(old, findings)
        return findings

    def _find_in_memory(self, part: DiffPart) -> Findings:
        findings = self._nothing_yet()
        waiting = self._by_key(part.old.drain())
        firsts: dict[bytes, int] = {}
        for new in part.new.drain():
            digest = new[1][:DIGEST_BYTES]
            firsts[digest] = self._note(self.tally.duplicates_new, new, firsts.get(digest))
            olds = waiting.get(digest)
            self._compare(olds.pop() if olds else None, new, findings)
        for old in sorted(old for olds in waiting.values() for old in olds):
            self._remove(old, findings)
        return findings

    def _by_key(self, entries: Iterable[Entry]) -> dict[bytes, list[Entry]]:
        """Return the old rows by the digest of their key; the first of each is last, so that `pop` returns it."""
        waiting: dict[bytes, list[Entry]] = {}
        for old in entries:
            digest = old[1][:DIGEST_BYTES]
            same = waiting.get(digest)
            self._note(self.tally.duplicates_old, old, same[0][0] if same else None)
            if same:
                same.append(old)
            else:
                waiting[digest] = [old]
        for same in waiting.values():
            same.reverse()
        return waiting

    def _compare(self, old: Entry | None, new: Entry, findings: Findings) -> None:
        number, entry = new
        if old is None:
            self.tally.added += 1
            findings.current.add(number, self.changes.render("added", self.new.cells(entry[DIGEST_BYTES:])))
            return
        if self._same_layout and entry == old[1]:
            self.tally.unchanged += 1
            return
        cells = self.new.cells(entry[DIGEST_BYTES:])
        changed = self.changes.changed_columns(self.old.cells(old[1][DIGEST_BYTES:]), cells)
        if changed:
            self.tally.changed += 1
            findings.current.add(number, self.changes.render("changed", cells, changed))
        else:
            self.tally.unchanged += 1

    def _remove(self, old: Entry, findings: Findings) -> None:
        self.tally.removed += 1
        number, entry = old
        findings.removed.add(number, self.changes.render("removed", self.old.cells(entry[DIGEST_BYTES:])))

    def _note(self, duplicates: Duplicates, entry: Entry, first: int | None) -> int:
        """Count *entry* as a duplicate if its key occurred before; return the number of the first row of that key."""
        if first is None:
            return entry[0]
        duplicates.found(entry[0], first, entry[1][DIGEST_BYTES:])
        return first

    def _nothing_yet(self) -> Findings:
        return Findings(Spill(self.scratch, self.limits.block_bytes), Spill(self.scratch, self.limits.block_bytes))


def _in_order(spills: Iterable[Spill]) -> Iterator[Entry]:
    return heapq.merge(*(spill.drain() for spill in spills), key=_NUMBER)
