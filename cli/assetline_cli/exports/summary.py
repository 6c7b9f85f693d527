"""Print the result of exports: the summary of a file, or the reason of a failure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from assetline_cli.suggested_commands import diff_command
from assetline_cli.terminal.formatting import count, rows_of, size
from assetline_cli.terminal.output import print_line, rule

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from assetline_cli.executions import ExecutionFailure, ExportOutput
    from assetline_cli.exports.snapshot import FeedResult, FeedsSnapshot, Snapshot


# After these errors a resumed export would fail again.
NOT_RESUMABLE = frozenset(
    {
        "ExportLost",
        "InvalidInput",
        "NotResumable",
        "PartsExhausted",
        "PartsMismatch",
        "RepeatedCursor",
        "StagedGone",
    }
)


@dataclass(frozen=True)
class ExportSummary:
    """The figures of an export with a file; those of a *resumed* one count seconds since then."""

    result: ExportOutput
    seconds: float
    resumed: bool = False
    shrunk_from: tuple[int, str] | None = None  # the rows and the ID of the last complete export, if far more

    def lines(self) -> list[str]:
        """Return the figures, without the rates of an empty export."""
        rows, pages, noun = self.result.rows, self.result.pages, rows_of(self.result.feed)
        since = ", since it was resumed" if self.resumed else ""
        lines = [
            f"Total {noun.title()}: {count(rows)}",
            f"Total Pages: {count(pages)}",
            f"Total Time: {self.seconds:,.2f}s ({self.seconds / 60:.2f} minutes{since})",
        ]
        # The seconds do not cover pages that an earlier execution read.
        if pages and not self.resumed:
            lines.append(f"Average Page Time: {self.seconds / pages:.3f}s (opening and closing included)")
        if self.seconds and not self.resumed:
            per_second = f"{pages / self.seconds:.2f} pages/sec | {rows / self.seconds:,.1f} {noun}/sec"
            lines.append(f"Throughput: {per_second}")
        lines.append(f"Output saved to: s3://{self.result.bucket}/{self.result.key}")
        lines.append(f"Manifest: s3://{self.result.bucket}/{self.result.manifest_key}")
        if self.result.changes_key:
            counts = (("added", self.result.added), ("changed", self.result.changed), ("removed", self.result.removed))
            figures = ", ".join(f"{count(number)} {kind}" for kind, number in counts if number is not None)
            lines.append(f"Changes: {figures or 'see the file'}")
            lines.append(f"Changes saved to: s3://{self.result.bucket}/{self.result.changes_key}")
        if self.result.changes_error:
            lines.append(f"Changes: could not be written ({self.result.changes_error})")
        return lines


def print_summary(console: Console, summary: ExportSummary, downloaded: list[Path], stack: str) -> None:
    """Print the summary; *downloaded* are the files of --to."""
    complete = summary.result.complete
    lines = summary.lines() + [f"Downloaded to: {path}" for path in downloaded]
    if summary.shrunk_from is not None:
        rows, export_id = summary.shrunk_from
        lines.append(
            f"Warning: {count(summary.result.rows)} rows, far fewer than {count(rows)} in {export_id}. Compare them: "
            f"{diff_command(export_id, summary.result.export_id, stack)}"
        )
    if not complete:
        lines.append("This file does not have all rows of the feed.")
    if not complete:
        headline, colour = "EXPORT INCOMPLETE", "yellow"
    elif summary.shrunk_from is not None:
        headline, colour = "EXPORT COMPLETE, WITH FAR FEWER ROWS THAN THE LAST ONE", "yellow"
    else:
        headline, colour = "EXPORT COMPLETE!", "green"
    print_block(console, headline, colour, lines)


def print_failure(console: Console, snapshot: Snapshot, failure: ExecutionFailure, next_commands: list[str]) -> None:
    """Print the error of an export, its progress, its execution and the next command."""
    lines = [f"{failure.error}: {failure.message}"]
    progress = snapshot.progress
    if progress and progress.pages:
        lines.append(f"Reached: page {count(progress.pages)}, {count(progress.rows)} {rows_of(progress.feed)}")
    lines.append(f"Execution: {snapshot.execution.arn}")
    lines += next_commands
    headline = {"ABORTED": "EXPORT STOPPED", "TIMED_OUT": "EXPORT OUT OF TIME"}
    print_block(console, headline.get(snapshot.execution.status, "EXPORT FAILED"), "red", lines)


def print_block(console: Console, headline: str, colour: str, lines: list[str]) -> None:
    """Print *lines* under a headline, between rules."""
    rule(console)
    print_line(console, headline, f"bold {colour}")
    rule(console)
    for line in lines:
        print_line(console, line)
    rule(console)


def feeds_headline(snapshot: FeedsSnapshot) -> tuple[str, str]:
    """Return the headline of the closing summary, and its colour."""
    done, feeds = sum(result.complete for result in snapshot.results), len(snapshot.results)
    if snapshot.complete:
        return f"EXPORT COMPLETE! {count(done)} of {count(feeds)} feeds", "green"
    return f"EXPORT INCOMPLETE: {count(done)} of {count(feeds)} feeds", "yellow"


def feeds_lines(snapshot: FeedsSnapshot, seconds: float, downloaded: Sequence[Path]) -> list[str]:
    """Return the table of the feeds and the figures of all of them."""
    results = snapshot.results
    found = [result.result for result in results if result.result]
    lines = _table(results)
    lines.append(f"Total Rows: {count(sum(result.rows for result in found))}")
    lines.append(f"Total Size: {size(sum(result.bytes for result in found))}")
    lines.append(f"Total Time: {seconds:,.2f}s ({seconds / 60:.2f} minutes)")
    return lines + [f"Downloaded to: {path}" for path in downloaded]


def _table(results: Sequence[FeedResult]) -> list[str]:
    """Return a line for each feed: its name, rows and size in columns, and after them its file or its error."""
    cells = [_cells(result) for result in results]
    name, rows, bytes_ = (max((len(row[column]) for row in cells), default=0) for column in range(3))
    return [f"{feed:<{name}}  {n:>{rows}}  {b:>{bytes_}}  {rest}" for feed, n, b, rest in cells]


def _cells(result: FeedResult) -> tuple[str, str, str, str]:
    if result.result:
        file = f"s3://{result.result.bucket}/{result.result.key}"
        note = "" if result.complete else " (not all rows of the feed)"
        return result.feed, f"{count(result.result.rows)} rows", size(result.result.bytes), f"{file}{note}"
    failure = result.failure
    return result.feed, "-", "-", f"{failure.error}: {failure.message}" if failure else "failed"
