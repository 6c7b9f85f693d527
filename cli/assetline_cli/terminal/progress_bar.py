"""How far the dropping is: a bar redrawn in place on a terminal, a line now and then anywhere else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from assetline_cli.terminal.output import printable, say

if TYPE_CHECKING:
    from types import TracebackType

    from rich.console import Console, RenderableType

    from assetline_cli.clock import Clock

HEARTBEAT_SECONDS = 10.0  # ours: a log has a line in so many seconds, if anything is new
WIDEST = 100  # a bar across a whole wide screen is hard to read
ROOM = 3  # columns left free: a terminal echoes ^C there
UNHEARD = "no answer from AWS, trying again"


@dataclass(frozen=True)
class Picture:
    """What there is to show: *done* of *total*, in whatever unit, and the figures in words, the time last.

    `trouble` is what holds it up. Once it is `ended` nothing moves any more, be all done or not.
    """

    title: str
    done: int
    total: int
    figures: tuple[str, ...]
    trouble: str | None = None
    ended: bool = False

    @property
    def line(self) -> str:
        """All of it but the bar, on one line."""
        return f"{self.title}: {' | '.join(self.figures)}"


class View(Protocol):
    """Where pictures are shown."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    def show(self, picture: Picture, /) -> None:
        """Show *picture* in place of the last."""


def view_on(console: Console, clock: Clock, *, wanted: bool = True) -> View:
    """Return the view that suits where the output goes, or one that shows nothing."""
    if not wanted:
        return NoView()
    redrawn = console.is_terminal and not console.is_dumb_terminal
    return LiveView(console) if redrawn else PlainView(console, clock)


class NoView:
    """Shows nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is left open."""

    def show(self, picture: Picture) -> None:
        """Show nothing."""


class PlainView:
    """Prints the first and the last picture, and in between a line now and then if more is done."""

    def __init__(self, console: Console, clock: Clock) -> None:
        self._console = console
        self._clock = clock
        self._printed: Picture | None = None
        self._printed_at = clock.now()
        self._trouble: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is left open."""

    def show(self, picture: Picture) -> None:
        """Print what is new in *picture*, if it is time."""
        if picture.trouble and picture.trouble != self._trouble:
            say(self._console, f"{picture.trouble[0].upper()}{picture.trouble[1:]}")
        self._trouble = picture.trouble
        late = (self._clock.now() - self._printed_at).total_seconds() >= HEARTBEAT_SECONDS
        last = self._printed
        if last is None or (picture.ended and not last.ended) or (late and picture.figures[:-1] != last.figures[:-1]):
            self._printed, self._printed_at = picture, self._clock.now()
            say(self._console, picture.line)


class LiveView:
    """Redraws the picture in place."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._spinner = Spinner("dots", style="cyan")
        self._picture: Picture | None = None
        self._live = Live(console=console, get_renderable=self._draw, refresh_per_second=8)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def show(self, picture: Picture) -> None:
        """Draw *picture*."""
        self._picture = picture
        self._live.refresh()

    def _draw(self) -> RenderableType:
        picture = self._picture
        if picture is None:
            return Text("")
        drawing = Table.grid(expand=False)
        drawing.add_column(width=min(self._console.width - ROOM, WIDEST))
        drawing.add_row(self._heading(picture))
        drawing.add_row(_bar(picture))
        drawing.add_row(Text(printable(" | ".join(picture.figures))))
        if picture.trouble:
            drawing.add_row(Text(printable(picture.trouble), "yellow"))
        return drawing

    def _heading(self, picture: Picture) -> RenderableType:
        title = Text(printable(picture.title), "bold", no_wrap=True, overflow="ellipsis")
        if picture.ended:
            mark = ("✓", "bold green") if picture.done >= picture.total else ("!", "bold yellow")
            return Text.assemble(mark, " ", title)
        self._spinner.update(text=title)
        return self._spinner


def _bar(picture: Picture) -> RenderableType:
    row = Table.grid(expand=True, padding=(0, 1, 0, 0))
    row.add_column(ratio=1)
    row.add_column(justify="right", width=4)
    total = max(1, picture.total)
    # Rounded down: 100 % is said of what is whole.
    row.add_row(ProgressBar(total=total, completed=picture.done), f"{min(100, 100 * picture.done // total)}%")
    return row
