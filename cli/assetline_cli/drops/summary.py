"""The summary of an upload, as Datature's SDK prints it, and the next command for files that failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from assetline_cli.drops.retry import can_be_retried
from assetline_cli.suggested_commands import drops_command, retry_command
from assetline_cli.terminal.formatting import count, duration, size
from assetline_cli.terminal.output import print_line, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.console import Console

    from assetline.ingest.drop import Drop
    from assetline.ingest.sessions_table import Session
    from assetline_cli.drops.local_files import UndroppedFile
    from assetline_cli.drops.upload import DroppedFile

HEADLINE = "Asset Upload Summary"
FILES_SHOWN = 50  # ours: more are listed by another command
IDS_NAMED = 3  # ours: more drops than this are retried by dataset


@dataclass(frozen=True)
class DropSummary:
    """The results of the files: *over* has the drops that ended, by ID."""

    dataset_id: str
    dropped: Sequence[DroppedFile]
    not_dropped: Sequence[UndroppedFile]
    over: Mapping[str, Drop]
    seconds: float = 0.0
    sessions: Sequence[Session] = ()
    bucket: str = ""

    @property
    def total(self) -> int:
        """The number of files to upload."""
        return len(self.dropped) + len(self.not_dropped)

    @property
    def succeeded(self) -> int:
        """The number of files that are assets."""
        return sum(drop.state == "ingested" for drop in self.over.values())

    @property
    def rejected(self) -> list[tuple[str, Drop]]:
        """The rejected files, with their drops."""
        ended = ((dropped.file.shown, self.over.get(dropped.drop_id)) for dropped in self.dropped)
        return [(shown, drop) for shown, drop in ended if drop and drop.state == "rejected"]

    @property
    def waiting(self) -> int:
        """The number of drops that have not ended."""
        return len(self.dropped) - len(self.over)

    @property
    def complete(self) -> bool:
        """Whether every file is an asset."""
        return self.succeeded == self.total

    def figures(self) -> Iterator[str]:
        """Yield the lines of the summary."""
        failed = self.total - self.succeeded - self.waiting
        rows = {"Total Files": count(self.total), "Succeeded": count(self.succeeded), "Failed": count(failed)}
        if self.waiting:
            rows["Waiting"] = count(self.waiting)
        # Rounded down: 100 % means complete.
        rows["Success Rate"] = f"{1000 * self.succeeded // self.total / 10 if self.total else 0:.1f}%"
        rows["Total Size"] = size(sum(dropped.file.size for dropped in self.dropped))
        rows["Total Time"] = duration(self.seconds)
        if self.seconds >= 1 and self.succeeded:
            rows["Throughput"] = f"{self.succeeded / self.seconds:,.1f} files/s"
        if self.sessions:
            rows["Sessions"] = ", ".join(session.session_key for session in self.sessions)
        yield from (f"{name + ':':<17}{figure}" for name, figure in rows.items())
        reports = (session.report_key for session in self.sessions if session.report_key)
        yield from (f"{'Report:':<17}s3://{self.bucket}/{key}" for key in reports)

    def failed_lines(self) -> Iterator[str]:
        """Yield a line for each of the first files that failed."""
        failed = [(file.shown, file.reason, file.message) for file in self.not_dropped]
        failed += [(shown, drop.reason or "", drop.message or "") for shown, drop in self.rejected]
        for shown, reason, message in failed[:FILES_SHOWN]:
            yield printable(f"  {shown}: {reason}{': ' if message else ''}{message}")
        if len(failed) > FILES_SHOWN:
            yield f"  … and {count(len(failed) - FILES_SHOWN)} more"

    def advice(self, stack: str) -> Iterator[str]:
        """Yield the next commands for the files that failed."""
        retriable = [drop.drop_id for _, drop in self.rejected if can_be_retried(drop)]
        if retriable:
            ids = retriable if len(retriable) <= IDS_NAMED else []
            yield f"Retry the drops that Vi may accept now: {retry_command(stack, self.dataset_id, ids)}"
        if len(retriable) < len(self.rejected) or self.not_dropped:
            others = "The others" if retriable else "They"
            yield f"{others} stay rejected until you fix the files and upload them again."
        if len(self.rejected) > FILES_SHOWN:
            yield f"List them all: {drops_command(stack, self.dataset_id, 'rejected')} --limit {len(self.rejected)}"


def print_drop_summary(console: Console, summary: DropSummary, stack: str) -> None:
    """Print the summary, and below it the failed files."""
    print_line(console, HEADLINE, "bold")
    print_line(console, "━" * len(HEADLINE), "dim")
    for line in summary.figures():
        print_line(console, line)
    failed = list(summary.failed_lines())
    if failed:
        print_line(console, "")
        print_line(console, "Failed files:", "bold red")
        for line in failed:
            print_line(console, line)
        for line in summary.advice(stack):
            print_line(console, line)
