"""How an export ended: the closing summary of one that made a file, the reason of one that failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from assetline_cli.figures import count, rows_of
from assetline_cli.screen import rule, say

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from assetline_cli.execution import ExportResult, Failure
    from assetline_cli.watch import Snapshot


@dataclass(frozen=True)
class Summary:
    """The figures of an export that made a file."""

    result: ExportResult
    seconds: float

    def lines(self) -> list[str]:
        """Return the figures, without those that nothing can be divided by."""
        rows, pages, noun = self.result.rows, self.result.pages, rows_of(self.result.feed)
        lines = [
            f"Total {noun.title()}: {count(rows)}",
            f"Total Pages: {count(pages)}",
            f"Total Time: {self.seconds:,.2f}s ({self.seconds / 60:.2f} minutes)",
        ]
        if pages:
            lines.append(f"Average Page Time: {self.seconds / pages:.3f}s")
        if self.seconds:
            per_second = f"{pages / self.seconds:.2f} pages/sec | {rows / self.seconds:,.1f} {noun}/sec"
            lines.append(f"Throughput: {per_second}")
        lines.append(f"Output saved to: s3://{self.result.bucket}/{self.result.key}")
        lines.append(f"Manifest: s3://{self.result.bucket}/{self.result.manifest_key}")
        return lines


def print_summary(console: Console, summary: Summary, downloaded: list[Path]) -> None:
    """Print the closing summary; *downloaded* is what --to brought here."""
    complete = summary.result.complete
    lines = summary.lines() + [f"Downloaded to: {path}" for path in downloaded]
    if not complete:
        lines.append("This file does not hold the whole feed.")
    _print(console, "EXPORT COMPLETE!" if complete else "EXPORT INCOMPLETE", "green" if complete else "yellow", lines)


def print_failure(console: Console, snapshot: Snapshot, failure: Failure) -> None:
    """Print why an export failed, how far it was, and where to look further."""
    lines = [f"{failure.error}: {failure.message}"]
    progress = snapshot.progress
    if progress and progress.pages:
        lines.append(f"Got as far as: page {count(progress.pages)}, {count(progress.rows)} {rows_of(progress.feed)}")
    lines.append(f"Look further: {snapshot.execution.arn}")
    headline = {"ABORTED": "EXPORT STOPPED", "TIMED_OUT": "EXPORT OUT OF TIME"}
    _print(console, headline.get(snapshot.execution.status, "EXPORT FAILED"), "red", lines)


def _print(console: Console, headline: str, colour: str, lines: list[str]) -> None:
    rule(console)
    say(console, headline, f"bold {colour}")
    rule(console)
    for line in lines:
        say(console, line)
    rule(console)
