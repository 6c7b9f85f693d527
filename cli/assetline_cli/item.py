"""An item of the exports table, as the command reads it."""

from datetime import datetime, timedelta
from typing import Any, Self

from pydantic import AwareDatetime, BaseModel, ValidationError

from assetline.export.export_names import feed_of

# States the command tells apart. The stack may know more of them: any other is shown as it is.
RUNNING, COMPLETE, PARTIAL, FAILED = "running", "complete", "partial", "failed"

SILENT_AFTER = timedelta(minutes=20)  # a turn, of which the longest takes 15 minutes, tells something every second


def is_export_id(text: str) -> bool:
    """Tell whether *text* looks like the id of an export."""
    return feed_of(text) is not None


class ExportItem(BaseModel, frozen=True):
    """One export as its item tells it; `assetline.export.export_item` says what the figures mean.

    It reads what another version of the stack may have written: attributes it does not know are passed over, a
    state it does not know is kept as text, and what only some exports have may be absent.
    """

    export_id: str
    feed: str
    state: str
    format: str = "csv"
    execution_arn: str
    started_at: AwareDatetime
    updated_at: AwareDatetime
    finished_at: AwareDatetime | None = None
    parent_execution_arn: str | None = None
    bucket: str = ""
    key: str = ""
    manifest_key: str = ""
    partial_key: str | None = None
    pages: int = 0
    rows: int = 0
    bytes: int = 0
    turns: int = 0
    page_rows: int = 0
    page_seconds: float = 0.0
    pages_per_second: float = 0.0
    rows_per_second: float = 0.0
    pause_seconds: int = 0
    remaining: int | None = None
    eta_seconds: float | None = None
    error: str | None = None
    message: str | None = None
    export: str | None = None

    @classmethod
    def listed(cls, item: dict[str, Any]) -> Self | None:
        """Read *item*, or return None if it is not an export: the table may hold other things too."""
        if not is_export_id(str(item.get("export_id"))):
            return None
        try:
            return cls.model_validate(item)
        except ValidationError:
            return None

    @property
    def opened(self) -> bool:
        """Whether there is an upload to go on with: until then the name is claimed, and no more."""
        return self.export is not None

    @property
    def running(self) -> bool:
        """Whether more is to be told of it."""
        return self.state == RUNNING

    def silent(self, now: datetime) -> bool:
        """Tell whether an export that is said to run has told nothing for longer than one that runs ever does."""
        due = self.updated_at + timedelta(seconds=self.pause_seconds)
        return self.running and now - due > SILENT_AFTER

    def seconds(self, now: datetime) -> float:
        """Return how long it has run, or ran as far as it told."""
        until = now if self.running else self.finished_at or self.updated_at
        return max(0.0, (until - self.started_at).total_seconds())
