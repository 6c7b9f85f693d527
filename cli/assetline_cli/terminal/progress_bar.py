"""Show progress: redrawn in place on a terminal, lines elsewhere."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

from rich.live import Live
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from assetline_cli.terminal.output import print_line, printable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from datetime import datetime
    from types import TracebackType

    from rich.console import Console, RenderableType

    from assetline_cli.clock import Clock

HEARTBEAT_SECONDS = 10.0  # ours: at most one line in this time, if anything changed
WIDEST = 100  # ours: a bar across a wide screen is hard to read
ROOM = 3  # columns left free: a terminal echoes ^C there, and a wrapped line would be drawn twice
NO_ANSWER = "no answer from AWS, retrying"

type Mark = tuple[str, str]


class ProgressDisplay[Seen](Protocol):
    """The two forms of a progress: a drawing, and the new lines."""

    def drawing(self, seen: Seen, spinner: Spinner, /) -> RenderableType:
        """Return the drawing; *spinner* turns until the end."""

    def new_lines(self, seen: Seen, /) -> Iterator[str]:
        """Yield the lines to print since the last call."""


class View[Seen]:
    """Shows nothing; the other views show each progress in place of the last."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the screen as it is."""

    def show(self, seen: Seen) -> None:
        """Show *seen*."""


class PlainView[Seen](View[Seen]):
    """Prints the new lines of a display."""

    def __init__(self, console: Console, display: ProgressDisplay[Seen]) -> None:
        self._console = console
        self._display = display

    def show(self, seen: Seen) -> None:
        """Print the new lines of *seen*."""
        for line in self._display.new_lines(seen):
            print_line(self._console, line)


class LiveView[Seen](View[Seen]):
    """Redraws a display in place, eight times a second."""

    def __init__(self, console: Console, display: ProgressDisplay[Seen]) -> None:
        self._display = display
        self._spinner = Spinner("dots", style="cyan")
        self._seen: Seen | None = None
        self._live = Live(console=console, get_renderable=self._draw, refresh_per_second=8)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def show(self, seen: Seen) -> None:
        """Draw *seen*."""
        self._seen = seen
        self._live.refresh()

    def _draw(self) -> RenderableType:
        return Text("") if self._seen is None else self._display.drawing(self._seen, self._spinner)


def view_on[Seen](console: Console, display: ProgressDisplay[Seen], *, enabled: bool = True) -> View[Seen]:
    """Return the view that suits the console, or one that shows nothing."""
    if not enabled:
        return View()
    redrawn = console.is_terminal and not console.is_dumb_terminal
    return LiveView(console, display) if redrawn else PlainView(console, display)


def heading(words: Text, mark: Mark | None, spinner: Spinner) -> RenderableType:
    """Return *words* behind *mark*, or behind the spinner while *mark* is None."""
    if mark is not None:
        return Text.assemble(mark, " ", words)
    spinner.update(text=words)
    return spinner


def bar(done: int, total: int | None) -> RenderableType:
    """Return a bar with its percentage; it pulses while *total* is unknown."""
    row = Table.grid(expand=True, padding=(0, 1, 0, 0))
    row.add_column(ratio=1)
    row.add_column(justify="right", width=4)
    # Rounded down: 100 % means complete.
    row.add_row(ProgressBar(total=total, completed=done), f"{min(100, 100 * done // total)}%" if total else "")
    return row


def sentence(words: str) -> str:
    """Return *words* with a capital letter in front."""
    return f"{words[0].upper()}{words[1:]}"


def waiting_on(console: Console, words: str = "Waiting for the partial files") -> AbstractContextManager[object]:
    """Return a context that shows a spinner with *words* on a terminal, and nothing elsewhere."""
    redrawn = console.is_terminal and not console.is_dumb_terminal
    return console.status(words) if redrawn else nullcontext()


def byte_progress(console: Console, title: str, *, enabled: bool = True) -> Progress:
    """Return a bar for bytes, which disappears at its end and is shown on terminals only."""
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    shown = enabled and console.is_terminal
    return Progress(
        SpinnerColumn(), TextColumn(title, markup=False), *columns, console=console, transient=True, disable=not shown
    )


@dataclass(frozen=True)
class ProgressFrame:
    """The content of a progress line: *done* of *total* in any unit, and the figures in words, the time last.

    `trouble` is the cause of a delay. An `ended` frame is the last, complete or not.
    """

    title: str
    done: int
    total: int
    figures: tuple[str, ...]
    trouble: str | None = None
    ended: bool = False

    @property
    def line(self) -> str:
        """The title and the figures on one line."""
        return f"{self.title}: {' | '.join(self.figures)}"


class FrameDisplay:
    """Shows frames; as lines: the first, the last, and between them one each `HEARTBEAT_SECONDS` if figures changed."""

    def __init__(self, console: Console, clock: Clock) -> None:
        self._console = console
        self._clock = clock
        self._printed: ProgressFrame | None = None
        self._printed_at = clock.now()
        self._trouble: str | None = None

    def new_lines(self, frame: ProgressFrame) -> Iterator[str]:
        """Yield a new trouble, and the line of the frame if it is due."""
        if frame.trouble and frame.trouble != self._trouble:
            yield sentence(frame.trouble)
        self._trouble = frame.trouble
        now = self._clock.now()
        if self._is_due(frame, now):
            self._printed, self._printed_at = frame, now
            yield frame.line

    def _is_due(self, frame: ProgressFrame, now: datetime) -> bool:
        last = self._printed
        if last is None or (frame.ended and not last.ended):
            return True
        late = (now - self._printed_at).total_seconds() >= HEARTBEAT_SECONDS
        return late and frame.figures[:-1] != last.figures[:-1]

    def drawing(self, frame: ProgressFrame, spinner: Spinner) -> RenderableType:
        """Return the title, the bar, the figures and the trouble, below each other."""
        drawing = Table.grid(expand=False)
        drawing.add_column(width=min(self._console.width - ROOM, WIDEST))
        title = Text(printable(frame.title), "bold", no_wrap=True, overflow="ellipsis")
        drawing.add_row(heading(title, _mark(frame), spinner))
        drawing.add_row(bar(frame.done, max(1, frame.total)))
        drawing.add_row(Text(printable(" | ".join(frame.figures))))
        if frame.trouble:
            drawing.add_row(Text(printable(frame.trouble), "yellow"))
        return drawing


def _mark(frame: ProgressFrame) -> Mark | None:
    if not frame.ended:
        return None
    return ("✓", "bold green") if frame.done >= frame.total else ("!", "bold yellow")


def frames_on(console: Console, clock: Clock, *, enabled: bool = True) -> View[ProgressFrame]:
    """Return the view of frames that suits the console, or one that shows nothing."""
    return view_on(console, FrameDisplay(console, clock), enabled=enabled)
