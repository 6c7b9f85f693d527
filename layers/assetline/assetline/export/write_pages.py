"""Write Pages: one turn of the page loop, from a checkpoint to the next. The cursor moves here and nowhere else."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from assetline.budget import Budget
from assetline.export.checkpoint import Checkpoint, Export
from assetline.export.parts import PartWriter
from assetline.export.report import Report
from assetline.export.staging import Staging
from assetline.export.upload import MultipartUpload
from assetline.feed.catalogue import feed_named
from assetline.feed.client import FeedClient
from assetline.feed.reader import PageReader
from assetline.observability import count, logger
from assetline.table.rows import CsvTable

CLOSING_SECONDS = 90.0  # ours: kept back in an invocation for the page under way, the last part and the tail


@dataclass(frozen=True)
class Turn:
    """What a turn works with; the clocks can be others in tests."""

    client: FeedClient
    upload: MultipartUpload
    staging: Staging
    report: Report
    budget: Budget
    sleep: Callable[[float], None] = field(default=time.sleep)


def turn_seconds(asked: float | None, remaining: float) -> float:
    """Return how long a turn may pull pages: as long as *asked*, or as the invocation's *remaining* seconds allow."""
    longest = max(0.0, remaining - CLOSING_SECONDS)
    return longest if asked is None else min(asked, longest)


def write_pages(export: Export, checkpoint: Checkpoint, turn: Turn) -> Checkpoint:
    """Pull pages until the budget is spent, the feed ends or wants a pause; return the checkpoint after them.

    All it has uploaded is a function of *checkpoint* and of the pages: called again with the same one, it puts the
    same part numbers over and returns a checkpoint as good.

    Raises:
        Permanent, Retryable: as `PageReader`, `MultipartUpload.put` and `Staging.fetch`.
    """
    if checkpoint.cursor is None:
        return checkpoint
    table = CsvTable(feed_named(export.request.feed).columns)
    pages, rows = checkpoint.pages, checkpoint.rows
    reader = PageReader(turn.client.fetch, checkpoint.cursor, turn.budget, checkpoint.faults, turn.sleep)
    writer = PartWriter(checkpoint, turn.staging.fetch(checkpoint.tail), turn.upload.put)
    with turn.report, reader, writer:
        if writer.bytes == 0:
            writer.write(table.render_header())
        for page in reader:
            writer.write(table.render(page.records))
            pages, rows = pages + 1, rows + len(page.records)
            turn.report.page_arrived(page, pages=pages, rows=rows, bytes_=writer.bytes)
        if reader.cursor is None:
            writer.end_feed()
            tail = None
        else:
            tail = turn.staging.keep(writer.end_turn(), writer.next_part)
    after = checkpoint.model_copy(
        update={
            "cursor": reader.cursor,
            "next_part": writer.next_part,
            "tail": tail,
            "rows": rows,
            "pages": pages,
            "bytes": writer.bytes,
            "crc32": writer.crc32,
            "turns": checkpoint.turns + 1,
            "faults": reader.faults,
            "pause_seconds": reader.pause_seconds,
        }
    )
    turn.report.turn_ended(after)
    count(export.request.feed, RowsExported=rows - checkpoint.rows, PartsWritten=after.next_part - checkpoint.next_part)
    logger.info("turn_ended", turn=after.turns, pages=pages, rows=rows, parts=after.next_part - 1, faults=after.faults)
    return after
