"""Reports the progress of a turn to the exports table about once a second, without delaying the pages."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

from botocore.exceptions import ClientError

from assetline.errors import AwsUnavailable
from assetline.export.checkpoint import Checkpoint, Export
from assetline.export.exports_table import ExportsTable
from assetline.export.pace_samples import PaceSamples
from assetline.observability import logger
from assetline.paging.page import Page

INTERVAL_SECONDS = 1.0  # ours: a trade-off between a live display and the cost of DynamoDB writes


class Report:
    """Measures the turn of one export; a failed report is logged and does not affect the export."""

    def __init__(
        self, table: ExportsTable, export: Export, earlier: Checkpoint, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._table = table
        self._export = export
        self._earlier = earlier
        self._clock = clock
        self._began = clock()
        self._sent_at = self._began - INTERVAL_SECONDS
        self._latest: dict[str, Any] = {}
        self.pace = PaceSamples()
        self._sending: Future[None] | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="report")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown()

    def page_arrived(self, page: Page, *, pages: int, rows: int, bytes_: int) -> None:
        """Count a rendered page, and update the table if the last update is a second ago."""
        now = self._clock()
        self.pace.note(time.time(), rows=rows, pages=pages, page_seconds=page.seconds)
        elapsed = max(now - self._began, 1e-6)
        rows_per_second = (rows - self._earlier.rows) / elapsed
        to_come = self._expected(rows) if page.remaining is None else page.remaining
        self._latest = {
            "pages": pages,
            "rows": rows,
            "bytes": bytes_,
            "turns": self._earlier.turns + 1,
            "page_rows": len(page.records),
            "page_seconds": page.seconds,
            "pages_per_second": (pages - self._earlier.pages) / elapsed,
            "rows_per_second": rows_per_second,
            "pause_seconds": 0,
            "remaining": page.remaining,
            "estimated_remaining": to_come if page.remaining is None else None,
            "eta_seconds": None if to_come is None or not rows_per_second else to_come / rows_per_second,
        }
        if now - self._sent_at >= INTERVAL_SECONDS and (self._sending is None or self._sending.done()):
            self._sent_at = now
            self._sending = self._thread.submit(self._send, self._latest)

    def at_the_end(self, after: Checkpoint) -> dict[str, Any]:
        """Return the measures at the end of the turn, for its checkpoint, after all earlier reports are written."""
        self._thread.shutdown()
        return self._latest | {"turns": after.turns, "bytes": after.bytes, "pause_seconds": after.pause_seconds}

    def _expected(self, rows: int) -> int | None:
        """Return the number of remaining rows if the feed is as long as in its last complete export."""
        previous = self._export.previous
        if previous is None or previous.rows is None or self._export.modified_after is not None:
            return None
        return max(0, previous.rows - rows) or None

    def _send(self, measures: dict[str, Any]) -> None:
        try:
            self._table.update(self._export, **measures)
        except (AwsUnavailable, ClientError) as error:
            logger.warning("progress_not_reported", error=type(error).__name__)
