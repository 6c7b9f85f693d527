"""The report of a deletion: a summary in JSON and, for a deletion by ids, a CSV of every id."""

import csv
import io
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

from assetline.deletion.request import DeletionRef
from assetline.deletion.staging import DeletionOutcome
from assetline.table.formulas import neutralised

FAILURES_SHOWN = 1000  # ours: the CSV has all failures
COLUMNS = ("asset_id", "state", "reason", "message")

type Ended = Literal["finished", "failed", "overdue", "unknown", "broken", "not_begun"]


class DeletionResult(BaseModel, frozen=True):
    """The output of an execution.

    For a deletion by ids, `deleted`, `gone`, `failed` and `left` count these ids, and `count_…` all assets of the
    dataset. For a deletion by filter, `count_…` is the number of assets that it finds, `left` the number afterwards,
    and `deleted` the difference. None means unknown. `ended` is the kind of end; `not_begun` means that Vi received no
    request.
    """

    complete: bool
    deletion_id: str
    dataset_id: str
    session_id: str | None
    ended: Ended
    deleted: int | None
    gone: int
    failed: int
    left: int | None
    expect_count: int | None
    count_before: int | None
    count_after: int | None
    bucket: str
    report_key: str
    csv_key: str | None


class DeletionReport(DeletionResult, frozen=True):
    """`….json`: the result, the input, and the first thousand assets that were not deleted, with reasons.

    `failure` is Vi's reason for a failed session, `error` the error that ended the deletion early.
    """

    report_version: Literal[1] = 1
    execution_arn: str
    started_at: datetime
    finished_at: datetime
    seconds: float
    ids: int | None
    reasons: dict[str, int]
    failed_assets: list[DeletionOutcome]
    failure: str
    error: str | None
    input: dict[str, Any] | None


class DeletionCounts:
    """Counts the outcomes of assets."""

    def __init__(self, outcomes: Iterable[DeletionOutcome] = ()) -> None:
        self.outcomes = [*outcomes]
        self.counts = Counter(outcome.state for outcome in self.outcomes)
        self.failed = [outcome for outcome in self.outcomes if outcome.state == "failed"]
        self.reasons = dict(Counter(outcome.reason or "" for outcome in self.failed))

    def csv(self) -> bytes:
        """Return every asset as CSV (RFC 4180, UTF-8) with neutralised formulas."""
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(COLUMNS)
        for outcome in self.outcomes:
            row = (outcome.asset_id, outcome.state, outcome.reason or "", outcome.message or "")
            writer.writerow(neutralised(row)[0])
        return text.getvalue().encode()


def report_key(deletion: DeletionRef) -> str:
    """Return the key of the report."""
    return f"reports/{deletion.dataset_id}/deletions/{deletion.deletion_id}.json"


def csv_key(deletion: DeletionRef) -> str:
    """Return the key of the CSV of every id."""
    return f"reports/{deletion.dataset_id}/deletions/{deletion.deletion_id}.csv"
