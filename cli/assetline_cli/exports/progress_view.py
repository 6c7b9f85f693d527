"""The progress on the screen: redrawn in place on a terminal, one line a change anywhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from assetline_cli.exports.snapshot import Stage
from assetline_cli.terminal.formatting import count, duration, page_time, pages_rate, rows_of, rows_rate
from assetline_cli.terminal.output import printable, say

if TYPE_CHECKING:
    from types import TracebackType

    from rich.console import Console, RenderableType

    from assetline_cli.clock import Clock
    from assetline_cli.exports.snapshot import Snapshot
    from assetline_cli.exports.table import ExportItem

UNKNOWN = "-"
WIDEST = 100  # a bar across a whole wide screen is hard to read
ROOM = 3  # columns left free: a terminal echoes ^C there, and were it to wrap, the drawing would be left twice
WIDE_FROM = 76  # columns that eight figures need in two rows

type Layout = tuple[tuple[str, ...], ...]
# The second figure of the rate stands under the first and needs no name.
WIDE: Layout = (("Page", "Total", "Rate", "Elapsed"), ("Page time", "Remaining", "", "ETA"))
NARROW: Layout = (("Page", "Total"), ("Page time", "Remaining"), ("Rate", "Elapsed"), ("", "ETA"))

MARKS = {
    Stage.COMPLETE: ("✓", "bold green"),
    Stage.INCOMPLETE: ("!", "bold yellow"),
    Stage.STOPPED: ("!", "bold yellow"),
    Stage.FAILED: ("✗", "bold red"),
}
STYLES = {Stage.WAITING: "yellow", Stage.UNHEARD: "yellow", Stage.COMPLETE: "green", Stage.FAILED: "red"}

type View = LiveView | PlainView


def view_on(console: Console, clock: Clock) -> View:
    """Return the view that suits where the output goes."""
    redrawn = console.is_terminal and not console.is_dumb_terminal
    return LiveView(console, clock) if redrawn else PlainView(console)


class PlainView:
    """Prints a line whenever more pages are in, and when the export comes to wait."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._pages = 0
        self._stage = Stage.OPENING

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is left open."""

    def show(self, snapshot: Snapshot) -> None:
        """Print what is new in *snapshot*."""
        progress, stage = snapshot.progress, snapshot.stage
        if progress and progress.pages != self._pages:
            self._pages = progress.pages
            say(self._console, page_line(progress))
        if stage != self._stage and stage in (Stage.WAITING, Stage.UNHEARD):
            words = stage_words(snapshot)
            say(self._console, f"{words[0].upper()}{words[1:]}")
        self._stage = stage


def stage_words(snapshot: Snapshot) -> str:
    """Return where the export is, and of a pause how long it is."""
    return waiting_words(snapshot.progress) if snapshot.stage is Stage.WAITING and snapshot.progress else snapshot.stage


def waiting_words(progress: ExportItem) -> str:
    """Return that the feed wants a pause, and how long a one."""
    return f"{Stage.WAITING}, which asked for {duration(progress.pause_seconds)}"


def page_line(progress: ExportItem) -> str:
    """Return the line of the last page, without what the export does not know."""
    noun = rows_of(progress.feed)
    parts = [f"Page {count(progress.pages)}: {count(progress.page_rows)} {noun}", f"Total: {count(progress.rows)}"]
    if progress.remaining is not None:
        parts.append(f"Remaining: {count(progress.remaining)}")
    if progress.pages_per_second:
        rates = f"{pages_rate(progress.pages_per_second)} pages/sec, {rows_rate(progress.rows_per_second)} rows/s"
        parts.append(f"Rate: {rates}")
    if progress.page_seconds:
        parts.append(f"Page time: {page_time(progress.page_seconds)}")
    if progress.eta_seconds is not None:
        parts.append(f"ETA: {duration(progress.eta_seconds)}")
    return " | ".join(parts)


class LiveView:
    """Redraws a bar and the figures in place; the time that has gone by runs on between two looks."""

    def __init__(self, console: Console, clock: Clock) -> None:
        self._console = console
        self._clock = clock
        self._spinner = Spinner("dots", style="cyan")
        self._snapshot: Snapshot | None = None
        self._live = Live(console=console, get_renderable=self._draw, refresh_per_second=8)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def show(self, snapshot: Snapshot) -> None:
        """Draw *snapshot*."""
        self._snapshot = snapshot
        self._live.refresh()

    def _draw(self) -> RenderableType:
        if self._snapshot is None:
            return Text("")
        width = min(self._console.width - ROOM, WIDEST)
        elapsed = self._snapshot.elapsed_seconds(self._clock.now())
        drawing = Table.grid(expand=False)
        drawing.add_column(width=width)
        drawing.add_row(self._heading(self._snapshot))
        drawing.add_row(_bar(self._snapshot))
        drawing.add_row(_figures(self._snapshot, elapsed, WIDE if width >= WIDE_FROM else NARROW))
        return drawing

    def _heading(self, snapshot: Snapshot) -> RenderableType:
        stage, progress = snapshot.stage, snapshot.progress
        words = Text(no_wrap=True, overflow="ellipsis")
        words.append(printable(rows_of(snapshot.execution.feed).capitalize()), "bold")
        words.append(f"  {printable(stage_words(snapshot))}", STYLES.get(stage, "cyan"))
        if progress and progress.turns:
            words.append(f"  turn {count(progress.turns)}", "dim")
        if stage in MARKS:
            return Text.assemble(MARKS[stage], " ", words)
        self._spinner.update(text=words)
        return self._spinner


def _bar(snapshot: Snapshot) -> RenderableType:
    done, total = _done_of_total(snapshot)
    row = Table.grid(expand=True, padding=(0, 1, 0, 0))
    row.add_column(ratio=1)
    row.add_column(justify="right", width=4)
    # Rounded down: 100 % is said of what is whole.
    row.add_row(ProgressBar(total=total, completed=done), f"{100 * done // total}%" if total else "")
    return row


def _done_of_total(snapshot: Snapshot) -> tuple[int, int | None]:
    if snapshot.execution.complete:
        return 1, 1
    progress = snapshot.progress
    if progress and progress.remaining is not None:
        return progress.rows, max(1, progress.rows + progress.remaining)
    # Nobody knows how much is left: the bar pulses, until nothing moves any more.
    return 0, 0 if snapshot.execution.ended else None


def _figures(snapshot: Snapshot, elapsed_seconds: float, layout: Layout) -> RenderableType:
    known = _known(snapshot.progress) if snapshot.progress else {}
    known["Elapsed"] = duration(elapsed_seconds)
    if snapshot.execution.ended:
        known.pop("ETA", None)
    grid = Table.grid(padding=(0, 1), expand=True)
    for _ in layout[0]:
        grid.add_column(style="dim", no_wrap=True)
        grid.add_column(no_wrap=True, ratio=1)
    for names in layout:
        grid.add_row(*(cell for name in names for cell in (name, known.get(name, UNKNOWN))))
    return grid


def _known(progress: ExportItem) -> dict[str, str]:
    known = {"Page": count(progress.pages), "Total": count(progress.rows)}
    if progress.page_seconds:
        known["Page time"] = page_time(progress.page_seconds)
    if progress.remaining is not None:
        known["Remaining"] = count(progress.remaining)
    if progress.pages_per_second:
        known["Rate"] = f"{pages_rate(progress.pages_per_second)} pages/s"
        known[""] = f"{rows_rate(progress.rows_per_second)} rows/s"
    if progress.eta_seconds is not None:
        known["ETA"] = duration(progress.eta_seconds)
    return known
