"""The manifest beside an exported file: what it is, what it holds, how it came about."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

from assetline.export.checkpoint import Checkpoint, Export
from assetline.export.record_layout import shape_of
from assetline.export.turn_memory import Memory
from assetline.table.columns import Column
from assetline.table.drift import Drift


class Shrunk(BaseModel, frozen=True):
    """An export has far fewer rows than the last complete one of its feed: somebody should look why."""

    rows_before: int
    export_id_before: str


class Manifest(BaseModel, frozen=True):
    """`….manifest.json`.

    `crc32` is of the whole file in eight hexadecimal digits, `seconds` from start to finish. `columns` are null for a
    format that has none. `drift` is what the columns did not foresee, and how many cells were neutralised.
    `duplicates` are records left out because their `keys` had been written among the last 50,000; of them, `replaced`
    took the place of an older version, and `drift.outdated` counts those that came too late for that. `keyless` are
    records that lack a key: whether they are there twice is not known. `excluded` are those that did not meet the
    conditions of `where`. `modified_after` is the moment the feed was asked from; an export `since` this one asks from
    `watermark`, less its overlap. `unsure_end` is null, or says what the last page had against being the last:
    rows may be missing.
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


def manifest_of(  # noqa: PLR0913 - what only the caller knows, each by name
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
