"""The manifest next to an exported file: its identity, its content, and its history."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

from assetline.export.checkpoint import Checkpoint, Export
from assetline.export.record_layout import shape_of
from assetline.export.turn_memory import Memory
from assetline.table.columns import Column
from assetline.table.drift import Drift


class Shrunk(BaseModel, frozen=True):
    """An export has far fewer rows than the last complete one of its feed; a person should check why."""

    rows_before: int
    export_id_before: str


class Manifest(BaseModel, frozen=True):
    """`….manifest.json`.

    - `crc32`: of the complete file, in eight hexadecimal digits
    - `seconds`: from start to end
    - `columns`: null for a format without columns
    - `drift`: deviations from the columns, and the number of neutralised cells
    - `duplicates`: records left out because their `keys` were among the last 50,000 written
    - `replaced`: duplicates that replaced an older version; `drift.outdated` counts those that arrived too late for
      that
    - `keyless`: records that lack a key; duplicates among them are not detected
    - `excluded`: records that do not meet the conditions of `where`
    - `modified_after`: the moment that the feed was filtered by; an export `since` this one starts from `watermark`,
      less its overlap
    - `unsure_end`: null, or the contradiction in the last page: rows may be missing
    """

    manifest_version: Literal[1] = 1
    complete: bool
    export_id: str
    execution_arn: str
    feed: str
    format: str
    bucket: str
    key: str
    rows: int
    pages: int
    bytes: int
    crc32: str
    parts: int
    turns: int
    keys: list[str]
    duplicates: int
    replaced: int
    keyless: int
    excluded: int
    unsure_end: str | None
    columns: list[Column] | None
    drift: Drift
    formulas_neutralised: bool
    modified_after: str | None
    watermark: datetime
    shrunk: Shrunk | None
    started_at: datetime
    finished_at: datetime
    seconds: float
    pages_per_second: float
    rows_per_second: float
    input: dict[str, Any]


def manifest_of(  # noqa: PLR0913 - values of the caller, passed by name
    export: Export,
    checkpoint: Checkpoint,
    memory: Memory,
    *,
    key: str,
    complete: bool,
    finished_at: datetime,
    shrunk: Shrunk | None = None,
) -> Manifest:
    """Return the manifest of the object *key*, which holds the bytes of *checkpoint*."""
    shape = shape_of(export.request)
    seconds = max((finished_at - export.started_at).total_seconds(), 0.001)
    return Manifest(
        complete=complete,
        export_id=export.export_id,
        execution_arn=export.execution_arn,
        feed=export.request.feed,
        format=export.request.format,
        bucket=export.bucket,
        key=key,
        rows=checkpoint.rows,
        pages=checkpoint.pages,
        bytes=checkpoint.bytes,
        crc32=f"{checkpoint.crc32:08x}",
        parts=checkpoint.next_part - 1,
        turns=checkpoint.turns,
        keys=list(shape.key_columns if export.request.format.startswith("csv") else shape.key),
        duplicates=checkpoint.duplicates,
        replaced=checkpoint.replaced,
        keyless=checkpoint.keyless,
        excluded=checkpoint.excluded,
        unsure_end=checkpoint.unsure_end,
        columns=None if memory.columns is None else list(memory.columns.columns),
        drift=memory.tally,
        formulas_neutralised=export.request.neutralise_formulas,
        modified_after=export.modified_after,
        watermark=export.started_at,
        shrunk=shrunk,
        started_at=export.started_at,
        finished_at=finished_at,
        seconds=round(seconds, 3),
        pages_per_second=round(checkpoint.pages / seconds, 3),
        rows_per_second=round(checkpoint.rows / seconds, 3),
        input=export.request.model_dump(mode="json"),
    )
