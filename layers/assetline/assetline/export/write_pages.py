"""Write Pages: one turn of the page loop, from a checkpoint to the next. Only this module moves the cursor."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from botocore.exceptions import ClientError

from assetline.budget import Budget
from assetline.errors import AwsUnavailable, Permanent, RepeatedCursor, Retryable
from assetline.export.checkpoint import Checkpoint, Export
from assetline.export.exports_table import ExportsTable
from assetline.export.file_formats import Rendering, rendering
from assetline.export.page_sources import PageSource
from assetline.export.part_writer import PartWriter
from assetline.export.progress_reporter import Report
from assetline.export.recent_keys import Sifted
from assetline.export.record_layout import shape_of
from assetline.export.sealed_parts import keep_part
from assetline.export.staging import ExportStaging
from assetline.export.turn_memory import Memory
from assetline.observability import count, logger
from assetline.paging.page import Page, Record
from assetline.paging.reader import PageReader, Start
from assetline.table.cells import as_json

KEEPING_SECONDS = 60.0  # ours: a stop loses the data since the last checkpoint, and a kill reads it again
MAX_STALE_PAGES = 1000  # ours: minutes of pages without a new record; moved rows fill only a few pages
CLOSING_SECONDS = 90.0  # ours: reserved in an invocation for the page in flight, the last part and the tail


@dataclass(frozen=True)
class WritePagesTurn:
    """The resources of a turn; tests replace the clocks."""

    source: PageSource
    staging: ExportStaging
    table: ExportsTable
    report: Report
    budget: Budget
    sleep: Callable[[float], None] = field(default=time.sleep)
    clock: Callable[[], float] = field(default=time.monotonic)


def turn_seconds(requested: float | None, remaining: float) -> float:
    """Return the seconds for reading pages: *requested*, or the limit from the invocation's *remaining* seconds."""
    longest = max(0.0, remaining - CLOSING_SECONDS)
    return longest if requested is None else min(requested, longest)


def write_pages(export: Export, checkpoint: Checkpoint, turn: WritePagesTurn) -> Checkpoint:
    """Read pages until the budget is spent, the feed ends or requests a pause; return the next checkpoint.

    All stored objects are a function of *checkpoint* and the pages, under names derived from the content. A repeat from
    the same checkpoint returns an equally valid one, and does not damage the result of another turn. After each sealed
    part, and once a minute, the turn stores a checkpoint with the same `turns` and more pages. A repeat, a resume or a
    salvage continues from it.

    Raises:
        RepeatedCursor: the last `MAX_STALE_PAGES` pages before *checkpoint* had no new record.
        Permanent, Retryable: as `ExportStaging.keep` and `ExportStaging.fetch`, and as `PageReader` for the first page.
            An error
            at a later page ends the turn, and the next turn raises it.
    """
    if checkpoint.cursor is None:
        return checkpoint
    _refuse_circle(checkpoint)
    memory = Memory.from_bytes(turn.staging.fetch(checkpoint.memory))
    reader = PageReader(turn.source.ask, _start(export, checkpoint, memory), turn.budget, turn.sleep)
    tail = turn.staging.fetch(checkpoint.tail)
    writer = PartWriter(checkpoint, tail, memory.parts, partial(keep_part, turn.staging))
    loop = _Loop(export, checkpoint, memory)
    keeping = _Keeping(export, checkpoint, turn)
    with turn.report, reader, writer:
        for page in _until_error(reader):
            writer.write(loop.rendered(page))
            turn.report.page_arrived(page, pages=loop.pages, rows=loop.rows, bytes_=writer.bytes)
            goes_nowhere = loop.stale_pages >= MAX_STALE_PAGES
            # The end of the turn stores its own checkpoint.
            ends = reader.cursor is None or turn.budget.spent() or goes_nowhere
            if not ends and keeping.is_due(writer.next_part):
                reached = _reached(export, checkpoint, reader, writer, loop)
                writer.when_stored(partial(keeping.keep, reached, writer.tail(), memory.to_bytes()))
            if goes_nowhere:
                break
        if reader.cursor is None:
            writer.write(loop.rendering.end())
            writer.end_feed()
            waits = None
        else:
            waits = turn.staging.keep("tail", writer.end_turn())
        remembered = turn.staging.keep("memory", memory.to_bytes())  # while the last part is uploaded
    places = {"tail": waits, "memory": remembered, "turns": checkpoint.turns + 1}
    after = _reached(export, checkpoint, reader, writer, loop).model_copy(update=places)
    turn.table.save(export, after, **turn.report.at_the_end(after))
    _emit_metrics(export, checkpoint, after, turn.report.pace.as_list())
    return after


def _refuse_circle(checkpoint: Checkpoint) -> None:
    if checkpoint.stale_pages >= MAX_STALE_PAGES:
        raise RepeatedCursor(
            f"The last {checkpoint.stale_pages:,} pages of the feed, up to page {checkpoint.pages:,}, had no "
            "new record: the feed leads in a circle, or never ends. Start the export again later. If the "
            "error persists, report the feed to the API's support."
        )


def _until_error(reader: PageReader) -> Iterator[Page]:
    """Yield the pages before one that fails; raise its error only if there are no earlier pages to store."""
    arrived = False
    try:
        for page in reader:
            yield page
            arrived = True
    except (Permanent, Retryable) as error:
        if not arrived:
            raise
        logger.warning("turn_cut_short", error=type(error).__name__)


class _Loop:
    """The rows of a turn: each record once, in the export's format."""

    def __init__(self, export: Export, checkpoint: Checkpoint, memory: Memory) -> None:
        self.rendering: Rendering = rendering(export.request, memory)
        self.pages, self.rows = checkpoint.pages, checkpoint.rows
        self.duplicates, self.excluded = checkpoint.duplicates, checkpoint.excluded
        self.replaced, self.keyless = checkpoint.replaced, checkpoint.keyless
        self.stale_pages, self.unsure_end = checkpoint.stale_pages, checkpoint.unsure_end
        self._feed = export.request.feed
        self._window, self._tally = memory.window, memory.tally
        self._shape = shape_of(export.request)

    def rendered(self, page: Page) -> bytes:
        """Return the bytes of a page's records, without recent duplicates and excluded records."""
        sifted = self._window.sift(page.records, self._shape.key)
        unseen = sifted.unseen
        self._note_versions(sifted)
        selected = unseen if self._shape.kept is None else [*filter(self._shape.kept, unseen)]
        self.pages += 1
        self.rows += len(selected)
        self.excluded += len(unseen) - len(selected)
        self.duplicates += len(page.records) - len(unseen)
        self.stale_pages = 0 if unseen else self.stale_pages + 1
        self._note_end(page)
        return self.rendering.render(selected)

    def _note_versions(self, sifted: Sifted) -> None:
        """Replace older versions of records by newer ones; count those that arrived too late."""
        if sifted.keyless and not self.keyless:
            logger.warning("records_without_key", feed=self._feed, key=self._shape.key)
        self.keyless += sifted.keyless
        self.replaced += sifted.replaced
        for record in sifted.newer:
            if self._is_selected(record) and self.rendering.replace(record):
                self.replaced += 1
            else:
                self._tally.outdated.note(as_json([record.get(name) for name in self._shape.key]), self.rows + 1)

    def _is_selected(self, record: Record) -> bool:
        return self._shape.kept is None or self._shape.kept(record)

    def _note_end(self, page: Page) -> None:
        self.unsure_end = page.unsure_end
        if page.unsure_end:
            logger.warning("end_of_feed_unsure", reason=page.unsure_end)


class _Keeping:
    """Stores checkpoints during a turn; a failure is logged and does not affect the export."""

    def __init__(self, export: Export, checkpoint: Checkpoint, turn: WritePagesTurn) -> None:
        self._export = export
        self._turn = turn
        self._next_part = checkpoint.next_part
        self._kept_at = turn.clock()

    def is_due(self, next_part: int) -> bool:
        """Return whether a part was sealed, or a minute has passed, since the last due time."""
        now = self._turn.clock()
        if next_part == self._next_part and now - self._kept_at < KEEPING_SECONDS:
            return False
        self._next_part, self._kept_at = next_part, now
        return True

    def keep(self, reached: Checkpoint, tail: bytes, memory: bytes) -> None:
        """Store the tail and the memory, and then the checkpoint; all its parts are stored already."""
        staging = self._turn.staging
        try:
            places = {"tail": staging.keep("tail", tail), "memory": staging.keep("memory", memory)}
            self._turn.table.save(self._export, reached.model_copy(update=places))
        except (AwsUnavailable, ClientError) as error:
            logger.warning("checkpoint_not_kept", error=type(error).__name__)


def _reached(export: Export, checkpoint: Checkpoint, reader: PageReader, writer: PartWriter, loop: _Loop) -> Checkpoint:
    """Return the progress of a turn since *checkpoint*; its tail and memory still have the old addresses."""
    return checkpoint.model_copy(
        update={
            "cursor": reader.cursor,
            "next_part": writer.next_part,
            "rows": loop.rows,
            "pages": loop.pages,
            "bytes": writer.bytes,
            "crc32": writer.crc32,
            "duplicates": loop.duplicates,
            "replaced": loop.replaced,
            "keyless": loop.keyless,
            "excluded": loop.excluded,
            "stale_pages": loop.stale_pages,
            "unsure_end": loop.unsure_end,
            "page_size": _largest_size(export, checkpoint, reader),
            "full_size": reader.full_size,
            "faults": reader.faults,
            "pause_seconds": reader.pause_seconds,
        }
    )


def _start(export: Export, checkpoint: Checkpoint, memory: Memory) -> Start:
    cursor = checkpoint.cursor or ""
    finds_page_size = checkpoint.pages == 0 and export.request.page_size is None
    full_size = checkpoint.full_size
    return Start(cursor, checkpoint.faults, memory.trail, finds_page_size=finds_page_size, full_size=full_size)


def _largest_size(export: Export, checkpoint: Checkpoint, reader: PageReader) -> int | None:
    """Return the largest page size that the feed sent; None if the user chose the size."""
    if export.request.page_size is not None:
        return None
    return max(checkpoint.page_size or 0, reader.page_size or 0) or None


def _emit_metrics(export: Export, earlier: Checkpoint, after: Checkpoint, pace: list[list[float]]) -> None:
    count(
        export.request.feed,
        RowsExported=after.rows - earlier.rows,
        PartsWritten=after.next_part - earlier.next_part,
        DuplicatesLeftOut=after.duplicates - earlier.duplicates,
    )
    logger.info(
        "turn_ended",
        turn=after.turns,
        pages=after.pages,
        rows=after.rows,
        parts=after.next_part - 1,
        faults=after.faults,
        pause_seconds=after.pause_seconds,
        pace=pace,
    )
