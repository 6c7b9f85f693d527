"""The state of an export between turns: its identity, and the checkpoint of its page loop."""

from datetime import datetime

from pydantic import BaseModel, Field

from assetline.export.previous_export import Latest
from assetline.export.request import AssetsRequest, ExportRequest

MAX_PARTS = 10_000  # S3: parts of one object
SALVAGE_PARTS = 10  # ours: numbers that no turn uses, so that a full export can still be salvaged


class Export(BaseModel, frozen=True):
    """One run of the export machine: who it is and where its bytes go. Nothing in it changes but by a resume.

    The file is published under `key`; until then its parts are below `staging/`. `previous` is the last complete export
    of the same feed and `params`, when this one began.
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
    """Bytes that wait in S3 between turns, under *key*."""

    key: str
    size: int
    crc32: int


class Checkpoint(BaseModel, frozen=True):
    """The point where a page loop resumes: the parts below `next_part`, `tail` and `memory` hold all up to `cursor`.

    It speaks of objects that are named by their content, and so holds whatever is written after it, and by whomever.

    `cursor` None means that the feed has ended. `tail` is what was rendered and is not yet a part; `memory` is what
    the loop remembers (see `Memory`). `rows`, `pages`, `bytes` and `crc32` are of all that this loop has written, the
    tail included; `duplicates` are records it left out, `replaced` those that took the place of an older
    version, `keyless` those without a key, `excluded` those that were not asked for. `page_size` is the
    largest the feed was found to give, when that was to be found; `full_size` the size to return to, while `cursor`
    asks for a smaller one. `faults` attempts in a row have failed at `cursor`; the machine waits `pause_seconds` before
    the next. `stale_pages` in a row, the last ones, held no record that was new. `unsure_end` says why the end of the
    feed may not be its end. A loop writes parts up to `last_part` and no further, so that another could own the numbers
    above.
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
    """The state that the machine carries from function to function."""

    export: Export
    checkpoint: Checkpoint
