"""Print a list: a table that fits the terminal, tab-separated lines in a pipe, or JSON lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from rich.table import Table
from rich.text import Text

from assetline_cli.terminal.output import print_cells, print_json, print_line, printable

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from rich.console import Console

MEASURING_WIDTH = 1000  # wider than any table of the command
FOLDED_WIDTH = 24  # ours: a narrower folded cell is hard to read

type Row = Sequence[str]


@dataclass(frozen=True)
class TableColumns:
    """The headings of a table, and how it fits a narrow terminal.

    Columns in *dispensable* are omitted, in that order, until the rest fits. Columns in *if_any* are omitted where all
    cells are empty. Long cells of the column *folded* continue in the next line. Other cells are never cut.
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


@dataclass(frozen=True)
class ListLayout[Record]:
    """The printed forms of a list's records: *cells* in a table, *plain_cells* in a pipe, *as_json* with --json.

    On a terminal a layout without *columns* prints a *line* for each record.
    """

    cells: Callable[[Record], Row]
    plain_cells: Callable[[Record], Row]
    as_json: Callable[[Record], Any]
    columns: TableColumns | None = None
    style: Callable[[Record], str] = lambda _: ""
    line: Callable[[Record], str] | None = None


def print_list[Record](
    console: Console, records: Iterable[Record], layout: ListLayout[Record], *, json: bool, table: bool = True
) -> None:
    """Print *records*: JSON lines, a table on a terminal, and lines of tab-separated columns in a pipe.

    JSON and plain lines are printed as the records arrive. Without *table* the lines are plain on a terminal, too.
    """
    if json:
        for record in records:
            print_json(console, layout.as_json(record))
    elif not table or not console.is_terminal:
        for record in records:
            print_cells(console, map(printable, layout.plain_cells(record)))
    elif layout.columns is None:
        for record in records:
            print_line(console, layout.line(record) if layout.line else "")
    elif shown := [*records]:
        rows = [layout.cells(record) for record in shown]
        console.print(layout.columns.fitting(console, rows, lambda number: layout.style(shown[number])))
