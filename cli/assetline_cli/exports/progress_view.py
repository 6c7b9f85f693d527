"""The progress of one export, as a drawing and as lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from assetline_cli.exports.snapshot import Stage
from assetline_cli.terminal.formatting import count, duration, page_time, pages_rate, rows_of, rows_rate
from assetline_cli.terminal.output import printable
from assetline_cli.terminal.progress_bar import ROOM, WIDEST, bar, heading, sentence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console, RenderableType
    from rich.spinner import Spinner

    from assetline_cli.clock import Clock
    from assetline_cli.exports.snapshot import Snapshot
    from assetline_cli.exports.table import ExportItem

UNKNOWN = "-"
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
STYLES = {Stage.WAITING: "yellow", Stage.NO_ANSWER: "yellow", Stage.COMPLETE: "green", Stage.FAILED: "red"}


class ExportDisplay:
    """Shows one export; the elapsed time advances between two observations."""

    def __init__(self, console: Console, clock: Clock) -> None:
        self._console = console
        self._clock = clock
        self._pages = 0
        self._stage = Stage.OPENING

    def new_lines(self, snapshot: Snapshot) -> Iterator[str]:
        """Yield a line for more pages, and one when the export begins to wait."""
        progress, stage = snapshot.progress, snapshot.stage
        if progress and progress.pages != self._pages:
            self._pages = progress.pages
            yield page_line(progress)
        if stage != self._stage and stage in (Stage.WAITING, Stage.NO_ANSWER):
            yield sentence(stage_words(snapshot))
        self._stage = stage

    def drawing(self, snapshot: Snapshot, spinner: Spinner) -> RenderableType:
        """Return the stage, the bar and the figures, below each other."""
        width = min(self._console.width - ROOM, WIDEST)
        elapsed = snapshot.elapsed_seconds(self._clock.now())
        drawing = Table.grid(expand=False)
        drawing.add_column(width=width)
        drawing.add_row(heading(_words(snapshot), MARKS.get(snapshot.stage), spinner))
        drawing.add_row(bar(*_done_of_total(snapshot)))
        drawing.add_row(_figures(snapshot, elapsed, WIDE if width >= WIDE_FROM else NARROW))
        return drawing


def _words(snapshot: Snapshot) -> Text:
    words = Text(no_wrap=True, overflow="ellipsis")
    words.append(printable(rows_of(snapshot.execution.feed).capitalize()), "bold")
    words.append(f"  {printable(stage_words(snapshot))}", STYLES.get(snapshot.stage, "cyan"))
    if snapshot.progress and snapshot.progress.turns:
        words.append(f"  turn {count(snapshot.progress.turns)}", "dim")
    return words


def stage_words(snapshot: Snapshot) -> str:
    """Return the stage of an export in words, with the duration of a pause."""
    return waiting_words(snapshot.progress) if snapshot.stage is Stage.WAITING and snapshot.progress else snapshot.stage


def waiting_words(progress: ExportItem) -> str:
    """Return the stage of an export whose feed requested a pause, with its duration."""
    return f"{Stage.WAITING}, which requested a pause of {duration(progress.pause_seconds)}"


def page_line(progress: ExportItem) -> str:
    """Return the line of the last page, without unknown figures."""
    noun = rows_of(progress.feed)
    parts = [f"Page {count(progress.pages)}: {count(progress.page_rows)} {noun}", f"Total: {count(progress.rows)}"]
    if progress.remaining is not None:
        parts.append(f"Remaining: {count(progress.remaining)}")
    elif progress.estimated_remaining is not None:
        parts.append(f"~Remaining: {count(progress.estimated_remaining)}, as in the last export")
    if progress.pages_per_second:
        rates = f"{pages_rate(progress.pages_per_second)} pages/sec, {rows_rate(progress.rows_per_second)} rows/s"
        parts.append(f"Rate: {rates}")
    if progress.page_seconds:
        parts.append(f"Page time: {page_time(progress.page_seconds)}")
    if progress.eta_seconds is not None:
        parts.append(f"ETA: {duration(progress.eta_seconds)}")
    return " | ".join(parts)


def _done_of_total(snapshot: Snapshot) -> tuple[int, int | None]:
    if snapshot.execution.complete:
        return 1, 1
    progress = snapshot.progress
    if progress and progress.remaining is not None:
        return progress.rows, max(1, progress.rows + progress.remaining)
    if progress and progress.estimated_remaining and not snapshot.execution.ended:
        return progress.rows, progress.rows + progress.estimated_remaining
    # The rest is unknown: the bar pulses until the end.
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
    elif progress.estimated_remaining is not None:
        known["Remaining"] = f"~{count(progress.estimated_remaining)} as in the last export"
    if progress.pages_per_second:
        known["Rate"] = f"{pages_rate(progress.pages_per_second)} pages/s"
        known[""] = f"{rows_rate(progress.rows_per_second)} rows/s"
    if progress.eta_seconds is not None:
        known["ETA"] = duration(progress.eta_seconds)
    return known
