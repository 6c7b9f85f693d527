"""The manifest beside an exported file: what it is, what it holds, how it came about."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

from assetline.export.checkpoint import Checkpoint, Export
from assetline.feed.catalogue import feed_named
from assetline.table.rows import CsvTable


class Column(BaseModel, frozen=True):
    """A column of the file."""

    name: str


class Manifest(BaseModel, frozen=True):
    """`….manifest.json`; `crc32` is of the whole file in eight hexadecimal digits, `seconds` from start to finish."""

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
    columns: list[Column]
    started_at: datetime
    finished_at: datetime
    seconds: float
    pages_per_second: float
    rows_per_second: float
    input: dict[str, Any]


def manifest_of(export: Export, checkpoint: Checkpoint, finished_at: datetime) -> Manifest:
    """Return the manifest of an export that is complete."""
    seconds = max((finished_at - export.started_at).total_seconds(), 0.001)
    return Manifest(
        complete=True,
        export_id=export.export_id,
        execution_arn=export.execution_arn,
        feed=export.request.feed,
        format=export.request.format,
        bucket=export.bucket,
        key=export.key,
        rows=checkpoint.rows,
        pages=checkpoint.pages,
        bytes=checkpoint.bytes,
        crc32=f"{checkpoint.crc32:08x}",
        parts=checkpoint.next_part - 1,
        turns=checkpoint.turns,
        columns=[Column(name=name) for name in CsvTable(feed_named(export.request.feed).columns).header],
        started_at=export.started_at,
        finished_at=finished_at,
        seconds=round(seconds, 3),
        pages_per_second=round(checkpoint.pages / seconds, 3),
        rows_per_second=round(checkpoint.rows / seconds, 3),
        input=export.request.model_dump(mode="json"),
    )
