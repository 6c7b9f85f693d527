"""What the machine carries from turn to turn: which export this is, and how far its page loop has come."""

from datetime import datetime

from pydantic import BaseModel, Field

from assetline.export.request import ExportRequest

MAX_PARTS = 10_000  # S3: parts of one upload


class Export(BaseModel, frozen=True):
    """One run of the export machine: who it is and where its bytes go. Nothing in it changes."""

    export_id: str
    execution_arn: str
    request: ExportRequest
    bucket: str
    key: str
    manifest_key: str
    upload_id: str
    started_at: datetime


class Tail(BaseModel, frozen=True):
    """Rendered bytes that are not yet a part; they wait in S3 under *key* until the next turn."""

    key: str
    size: int
    crc32: int


class Checkpoint(BaseModel, frozen=True):
    """Where a page loop goes on: everything up to `cursor` is in the parts below `next_part` and in `tail`.

    `cursor` None means that the feed has ended. `rows`, `pages`, `bytes` and `crc32` are of all that this loop has
    rendered, the tail included. `faults` attempts in a row have failed at `cursor`; the machine waits `pause_seconds`
    before the next. A loop writes parts up to `last_part` and no further, so that another could own the numbers above.
    """

    cursor: str | None
    next_part: int = Field(default=1, ge=1)
    last_part: int = MAX_PARTS
    tail: Tail | None = None
    rows: int = 0
    pages: int = 0
    bytes: int = 0
    crc32: int = 0
    turns: int = 0
    faults: int = 0
    pause_seconds: int = 0


class Opened(BaseModel, frozen=True):
    """What the machine carries through the states."""

    export: Export
    checkpoint: Checkpoint
