"""The progress of several exports, a line for each feed, as a drawing and as lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from assetline_cli.exports import table as states
from assetline_cli.exports.progress_view import MARKS, STYLES, waiting_words
from assetline_cli.exports.snapshot import Stage, stage_of
from assetline_cli.terminal.formatting import count, duration, rows_rate
from assetline_cli.terminal.output import printable
from assetline_cli.terminal.progress_bar import ROOM, heading, sentence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console, RenderableType
    from rich.spinner import Spinner

    from assetline_cli.clock import Clock
    from assetline_cli.exports.snapshot import FeedsSnapshot
    from assetline_cli.exports.table import ExportItem

HEARTBEAT_SECONDS = 60.0  # ours: how long a log may stay silent while pages arrive
FRAME = 3  # lines of the screen that are not a feed's: the heading, the rest, and the cursor's own

STAGES = {states.COMPLETE: Stage.COMPLETE, states.FAILED: Stage.FAILED, states.PARTIAL: Stage.STOPPED}
# When not all lines fit, these come first.
URGENCY = {Stage.FAILED: 0, Stage.STOPPED: 0, Stage.COMPLETE: 3, None: 2}


def feed_stage(item: ExportItem | None) -> Stage | None:
    """Return the stage of one feed, or None before it starts."""
    if item is None:
        return None
    return stage_of(item) if item.running else STAGES.get(item.state, Stage.INCOMPLETE)


def stage_line(item: ExportItem | None) -> str:
    """Return the stage of one feed in words; an unknown state is its own word."""
    stage = feed_stage(item)
    if item is None or stage is None:
        return "not started"
    if stage is Stage.WAITING:
        return waiting_words(item)
    if stage is Stage.INCOMPLETE:
        return item.state
    return f"{stage}: {item.error}" if stage is Stage.FAILED and item.error else str(stage)


def overall_line(snapshot: FeedsSnapshot) -> str:
    """Return how many feeds are done and how many rows have arrived."""
    feeds = snapshot.all_feeds()
    done = sum(item.state == states.COMPLETE for item in map(snapshot.item_of, feeds) if item)
    rows = sum(item.rows for item in map(snapshot.item_of, feeds) if item)
    return f"{count(done)} of {count(len(feeds))} feeds complete | Total: {count(rows)} rows"


class FeedsDisplay:
    """Shows a line for each feed, as many as the screen holds."""

    def __init__(self, console: Console, clock: Clock) -> None:
        self._console = console
        self._clock = clock
        self._states: dict[str, str] = {}
        self._printed_at = clock.now()
        self._answered = True

    def new_lines(self, snapshot: FeedsSnapshot) -> Iterator[str]:
        """Yield a line when a feed starts or ends, and each minute one for each running feed and one for all."""
        lines = [*self._changes(snapshot)]
        if self._answered and not snapshot.answered:
            lines.append(sentence(Stage.NO_ANSWER))
        self._answered = snapshot.answered
        now = self._clock.now()
        if not lines and (now - self._printed_at).total_seconds() >= HEARTBEAT_SECONDS:
            lines += [_running_line(item) for item in snapshot.items if item.running]
            lines.append(overall_line(snapshot))
        if lines:
            self._printed_at = now
        yield from lines

    def _changes(self, snapshot: FeedsSnapshot) -> Iterator[str]:
        for item in snapshot.items:
            if self._states.get(item.feed) != item.state:
                self._states[item.feed] = item.state
                yield _change(item)

    def drawing(self, snapshot: FeedsSnapshot, spinner: Spinner) -> RenderableType:
        """Return the heading and the lines of the feeds, below each other."""
        drawing = Table.grid(expand=False)
        drawing.add_column(width=self._console.width - ROOM, no_wrap=True, overflow="ellipsis")
        mark = MARKS[_ending(snapshot)] if snapshot.ended else None
        drawing.add_row(heading(self._words(snapshot), mark, spinner))
        feeds = snapshot.all_feeds()
        room = max(1, self._console.height - FRAME)
        shown = feeds if len(feeds) <= room else _most_urgent(snapshot, feeds, room)
        drawing.add_row(_lines(snapshot, shown))
        if len(shown) < len(feeds):
            drawing.add_row(Text(f"… and {count(len(feeds) - len(shown))} more", "dim"))
        return drawing

    def _words(self, snapshot: FeedsSnapshot) -> Text:
        words = Text(no_wrap=True, overflow="ellipsis")
        words.append(overall_line(snapshot) if snapshot.all_feeds() else "Feeds  opening", "bold")
        words.append(f"  {duration(snapshot.elapsed_seconds(self._clock.now()))}", "dim")
        if not snapshot.answered:
            words.append(f"  {Stage.NO_ANSWER}", "yellow")
        return words


def _lines(snapshot: FeedsSnapshot, feeds: list[str]) -> RenderableType:
    grid = Table.grid(padding=(0, 2, 0, 0))
    for justify in ("left", "left", "right", "right", "left"):
        grid.add_column(justify=justify, no_wrap=True, overflow="ellipsis")
    for feed in feeds:
        grid.add_row(*_cells(feed, snapshot.item_of(feed)))
    return grid


def _change(item: ExportItem) -> str:
    if item.running:
        return f"{item.feed}: started, {item.export_id}"
    return f"{item.feed}: {stage_line(item)} | Total: {count(item.rows)}"


def _running_line(item: ExportItem) -> str:
    rate = f" | Rate: {rows_rate(item.rows_per_second)} rows/s" if item.rows_per_second else ""
    return f"{item.feed}: {stage_line(item)} | Total: {count(item.rows)}{rate}"


def _ending(snapshot: FeedsSnapshot) -> Stage:
    if snapshot.status == "SUCCEEDED":
        return Stage.COMPLETE if snapshot.complete else Stage.INCOMPLETE
    return Stage.STOPPED if snapshot.status == "ABORTED" else Stage.FAILED


def _cells(feed: str, item: ExportItem | None) -> tuple[Text, ...]:
    stage = feed_stage(item)
    mark, style = MARKS.get(stage, ("·", "dim")) if stage else ("·", "dim")
    words = Text(printable(stage_line(item)), STYLES.get(stage, "cyan") if stage else "dim")
    if item is None:
        return Text(mark, style), Text(printable(feed), "dim"), Text(""), Text(""), words
    rate = f"{rows_rate(item.rows_per_second)} rows/s" if item.running and item.rows_per_second else ""
    return Text(mark, style), Text(printable(feed)), Text(f"{count(item.rows)} rows"), Text(rate, "dim"), words


def _most_urgent(snapshot: FeedsSnapshot, feeds: list[str], room: int) -> list[str]:
    """Return the feeds that fail, then those that arrive, then those to come, then the done, in their own order."""
    ranked = sorted(feeds, key=lambda feed: URGENCY.get(feed_stage(snapshot.item_of(feed)), 1))
    kept = set(ranked[: max(1, room - 1)])  # one line has the number of hidden feeds
    return [feed for feed in feeds if feed in kept]
