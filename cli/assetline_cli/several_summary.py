"""How an export of several feeds ended: a line each, and what to do about those that failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetline_cli.terminal.formatting import count, size

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from assetline_cli.several import FeedResult, SeveralSnapshot


def several_headline(snapshot: SeveralSnapshot) -> tuple[str, str]:
    """Return the headline of the closing summary, and its colour."""
    done, feeds = sum(result.complete for result in snapshot.results), len(snapshot.results)
    if snapshot.complete:
        return f"EXPORT COMPLETE! {count(done)} of {count(feeds)} feeds", "green"
    return f"EXPORT INCOMPLETE: {count(done)} of {count(feeds)} feeds", "yellow"


def several_lines(snapshot: SeveralSnapshot, seconds: float, downloaded: Sequence[Path]) -> list[str]:
    """Return the table of the feeds and the figures of all of them."""
    results = snapshot.results
    found = [result.result for result in results if result.result]
    lines = _table(results)
    lines.append(f"Total Rows: {count(sum(result.rows for result in found))}")
    lines.append(f"Total Size: {size(sum(result.bytes for result in found))}")
    lines.append(f"Total Time: {seconds:,.2f}s ({seconds / 60:.2f} minutes)")
    return lines + [f"Downloaded to: {path}" for path in downloaded]


def _table(results: Sequence[FeedResult]) -> list[str]:
    """Return a line a feed: its name, rows and size in columns, and after them its file or its error."""
    cells = [_cells(result) for result in results]
    name, rows, bytes_ = (max((len(row[column]) for row in cells), default=0) for column in range(3))
    return [f"{feed:<{name}}  {n:>{rows}}  {b:>{bytes_}}  {rest}" for feed, n, b, rest in cells]


def _cells(result: FeedResult) -> tuple[str, str, str, str]:
    if result.result:
        file = f"s3://{result.result.bucket}/{result.result.key}"
        whole = "" if result.complete else " (not the whole feed)"
        return result.feed, f"{count(result.result.rows)} rows", size(result.result.bytes), f"{file}{whole}"
    failure = result.failure
    return result.feed, "-", "-", f"{failure.error}: {failure.message}" if failure else "failed"
