"""The state of an export between turns: its identity, and the checkpoint of its page loop."""

from datetime import datetime

from pydantic import BaseModel, Field

from assetline.export.previous_export import Latest
from assetline.export.request import AssetsRequest, ExportRequest

MAX_PARTS = 10_000  # S3: parts of one object
SALVAGE_PARTS = 10  # ours: part numbers that no turn uses, so that a full export can still be salvaged


class Export(BaseModel, frozen=True):
    """One run of the export machine: its identity and its target. Only a resume changes it.

    The file is published under `key`; until then, its parts are below `staging/`. `previous` is the last complete
    export of the same feed and `params` at the start of this one.
    """

    export_id: str
    execution_arn: str
    request: ExportRequest | AssetsRequest
    bucket: str
    key: str
    manifest_key: str
    started_at: datetime
    modified_after: str | None = None
    previous: Latest | None = None


class Staged(BaseModel, frozen=True):
    """Bytes staged in S3 between turns, under *key*."""

    key: str
    size: int
    crc32: int


class Checkpoint(BaseModel, frozen=True):
    """The place where a page loop resumes.

    The parts below `next_part`, `tail` and `memory` hold all data up to `cursor`.

    The objects it refers to are named by their content. So it stays valid whatever is written later, by any process.

    - `cursor`: None if the feed has ended
    - `tail`: rendered bytes that are not a part yet
    - `memory`: the state of the loop (see `Memory`)
    - `rows`, `pages`, `bytes`, `crc32`: all that this loop has written, including the tail
    - `duplicates`: records left out; `replaced`: records that replaced an older version
    - `keyless`: records without a key; `excluded`: records outside the request
    - `page_size`: the largest size that the feed sent, if the loop searched for it
    - `full_size`: the size to return to while `cursor` requests a smaller one
    - `faults`: failed attempts in a row at `cursor`; the machine waits `pause_seconds` before the next
    - `stale_pages`: the last pages in a row without a new record
    - `unsure_end`: the contradiction in the last page, if it may not be the end of the feed
    - `last_part`: the last part number of this loop, so that another loop could use the numbers above
    """

    cursor: str | None
    next_part: int = Field(default=1, ge=1)
    last_part: int = MAX_PARTS - SALVAGE_PARTS
    tail: Staged | None = None
    memory: Staged | None = None
    rows: int = 0
    pages: int = 0
    bytes: int = 0
    crc32: int = 0
    duplicates: int = 0
    replaced: int = 0
    keyless: int = 0
    excluded: int = 0
    page_size: int | None = None
    full_size: int | None = None
    stale_pages: int = 0
    unsure_end: str | None = None
    turns: int = 0
    faults: int = 0
    pause_seconds: int = 0


class OpenedExport(BaseModel, frozen=True):
    """The state that the machine passes from function to function."""

    export: Export
    checkpoint: Checkpoint
