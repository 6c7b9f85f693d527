"""A table whose columns fit the screen: a narrow one shows fewer of them, and what it shows is whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from rich.table import Table
from rich.text import Text

from assetline_cli.terminal.output import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from collections.abc import Set as AbstractSet

    from rich.console import Console

MEASURING_WIDTH = 1000  # wider than any table of ours
FOLDED_WIDTH = 24  # ours: below this a folded cell is no longer read at a glance

type Row = Sequence[str]


@dataclass(frozen=True)
class Columns:
    """The headings of a table, and what may become of its columns.

    The *dispensable* are left out, the first first, until the rest fits; those in *if_any* are left out where they
    have nothing to show. A cell of the column *folded* goes on in the next line where it is too long: any other is
    never cut, for a figure cut short is a wrong one.
    """

    headings: tuple[str, ...]
    dispensable: tuple[str, ...]
    right: frozenset[str]
    if_any: tuple[str, ...] = ()
    folded: str | None = None

    def fitting(self, console: Console, rows: Sequence[Row], style_of: Callable[[int], str]) -> Table:
        """Return the table of *rows* as wide as *console* at most, as far as leaving out columns makes it so."""
        endless = console.options.update(max_width=MEASURING_WIDTH)
        left_out = {name for name in self.if_any if not any(row[self.headings.index(name)] for row in rows)}
        for heading in self.dispensable:
            measured = self._table([self._folded(row) for row in rows], style_of, left_out)
            if console.measure(measured, options=endless).minimum <= console.width:
                break
            left_out.add(heading)
        return self._table(rows, style_of, left_out, folding=True)

    def _table(
        self, rows: Sequence[Row], style_of: Callable[[int], str], left_out: AbstractSet[str], *, folding: bool = False
    ) -> Table:
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        for heading in self.headings:
            if heading not in left_out:
                justify: Literal["left", "right"] = "right" if heading in self.right else "left"
                folds = folding and heading == self.folded
                table.add_column(heading, justify=justify, no_wrap=not folds, overflow="fold" if folds else "ellipsis")
        for number, row in enumerate(rows):
            cells = ((name, cell) for name, cell in zip(self.headings, row, strict=True) if name not in left_out)
            style = style_of(number)
            table.add_row(*(Text(printable(cell), style if name == "State" else "") for name, cell in cells))
        return table

    def _folded(self, row: Row) -> Row:
        cells = zip(self.headings, row, strict=True)
        return [printable(cell)[:FOLDED_WIDTH] if heading == self.folded else cell for heading, cell in cells]
