"""The report of one export: its item, its manifest, and the pace, faults and pauses in its log lines."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from assetline_cli.aws_errors import code_of
from assetline_cli.operations.charts import Band, Chart, Mark, Point
from assetline_cli.operations.report_page import PageTable, ReportPage
from assetline_cli.suggested_commands import resume_command
from assetline_cli.terminal.formatting import count, duration, rows_of, size

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from mypy_boto3_s3 import S3Client

    from assetline_cli.exports.table import ExportItem
    from assetline_cli.operations.log_lines import LogLine

NO_LINES = (
    "No charts: the log has no lines of this export. The stack deletes lines after LogRetentionDays, and versions "
    "before this one did not write the pace."
)
DRIFT = {
    "unforeseen_keys": "Key without a column",
    "unseen_fields": "Custom field without a column",
    "repeated_fields": "Field repeated in a row",
    "renamed_fields": "Field renamed during the export",
    "unparsable": "Value that cannot be parsed",
    "outdated": "Older version kept",
}
EVENTS_SHOWN = 200  # ours: of a long export
EVENTS = {
    "export_opened": "The export opened",
    "page_failed": "A request failed",
    "page_size_changed": "The page size changed",
    "turn_ended": "A turn ended",
    "turn_cut_short": "A turn ended early",
    "checkpoint_not_kept": "A checkpoint was not stored",
    "records_without_key": "Records without a key arrived",
    "end_of_feed_unsure": "The end of the feed is uncertain",
    "export_complete": "The export completed",
    "export_salvaged": "The partial file was published",
    "export_shrunk": "The export has far fewer rows than the last one",
}


@dataclass(frozen=True)
class ExportFacts:
    """All that a report needs; `manifest` is None before the file is published."""

    item: ExportItem
    manifest: Mapping[str, Any] | None
    lines: Sequence[LogLine]
    stack: str
    now: datetime

    @property
    def start(self) -> float:
        """The start of the export, in seconds since 1970."""
        return self.item.started_at.timestamp()


def read_manifest(s3: S3Client, item: ExportItem) -> Mapping[str, Any] | None:
    """Return the manifest of an export, None if there is none yet; raises ClientError otherwise."""
    try:
        body = s3.get_object(Bucket=item.bucket, Key=item.manifest_key)["Body"].read()
    except ClientError as error:
        if code_of(error) in {"NoSuchKey", "404"}:
            return None
        raise
    manifest = json.loads(body)
    return manifest if isinstance(manifest, dict) else None


def export_page(facts: ExportFacts) -> ReportPage:
    """Return the page of an export."""
    item = facts.item
    charts = _charts(facts)
    resume = resume_command(item.export_id, facts.stack) if item.state == "failed" else ""
    return ReportPage(
        title=item.export_id,
        subtitle=f"Export of {rows_of(item.feed)}, stack {facts.stack}, from {item.started_at:%Y-%m-%d %H:%M:%S} UTC",
        state=item.state,
        tiles=[*_tiles(facts)],
        problem=f"{item.error}: {item.message or ''}" if item.error and item.state != "complete" else "",
        next_step=resume,
        charts=charts,
        no_charts="" if charts else NO_LINES,
        tables=[*_tables(facts)],
        footer=f"Written by assetline report on {facts.now:%Y-%m-%d %H:%M} UTC. Execution: {item.execution_arn}",
    )


def _tiles(facts: ExportFacts) -> Iterator[tuple[str, str]]:
    item = facts.item
    seconds = item.seconds(facts.now)
    yield "Rows", count(item.rows)
    yield "Pages", count(item.pages)
    if item.rendered_bytes is not None:
        yield "Size", size(item.rendered_bytes)
    yield "Time", duration(seconds)
    yield "Turns", count(item.turns)
    if seconds and item.rows:
        yield "Rows per second", f"{item.rows / seconds:,.1f}"
    faults = sum(line.event == "page_failed" for line in facts.lines)
    yield "Failed requests", count(faults)
    yield "Pauses", duration(sum(band.end - band.start for band in _pauses(facts)))
    if facts.manifest is not None:
        yield "Duplicates left out", count(int(facts.manifest.get("duplicates", 0)))
        shrunk = facts.manifest.get("shrunk")
        if isinstance(shrunk, dict):
            yield "Rows in the last export", count(int(shrunk.get("rows_before", 0)))


def samples_of(lines: Iterable[LogLine]) -> list[tuple[float, float, float, float]]:
    """Return the samples of all turns, `(time, rows, pages, slowest page)`, in order of time; see `PaceSamples`."""
    found = []
    for line in lines:
        pace = line.fields.get("pace")
        if line.event == "turn_ended" and isinstance(pace, list):
            found += [(*map(float, sample),) for sample in pace if isinstance(sample, list) and len(sample) == 4]
    return sorted(found)  # type: ignore[arg-type] # four floats each


def _charts(facts: ExportFacts) -> list[Chart]:
    samples = samples_of(facts.lines)
    if not samples:
        return []
    bands, marks = _pauses(facts), [*_faults(facts)]
    noun = rows_of(facts.item.feed)
    return [
        Chart(f"{noun.capitalize()} per second", f"{noun} per second, over time", _rates(samples, facts), bands, marks),
        Chart(
            "Page time",
            "seconds per page (the slowest of each interval), over time",
            [(max(0.0, at - facts.start), slowest) for at, _, _, slowest in samples],
            bands,
            marks,
        ),
    ]


def _rates(samples: Sequence[tuple[float, float, float, float]], facts: ExportFacts) -> list[Point]:
    points: list[Point] = []
    origin = (facts.start, 0.0, 0.0, 0.0)
    for (previous_at, previous_rows, *_), (at, rows, *_) in pairwise([origin, *samples]):
        if rows < previous_rows or at <= previous_at:
            continue  # a turn was repeated from its checkpoint
        points.append((at - facts.start, (rows - previous_rows) / max(at - previous_at, 0.1)))
    return points


def _faults(facts: ExportFacts) -> Iterator[Mark]:
    for line in facts.lines:
        if line.event == "page_failed":
            label = f"{line.fields.get('error')}, retried after {line.fields.get('pause_seconds')} s"
            yield Mark(max(0.0, line.at.timestamp() - facts.start), label)


def _pauses(facts: ExportFacts) -> list[Band]:
    """Return the pauses, without an overlap: the line of a failed request and that of its turn may name one pause."""
    found: list[Band] = []
    for line in sorted(facts.lines, key=lambda line: line.at):
        pause = line.fields.get("pause_seconds")
        if line.event not in {"page_failed", "turn_ended"} or not isinstance(pause, (int, float)) or pause <= 0:
            continue
        start = max(0.0, line.at.timestamp() - facts.start)
        end = start + pause
        if found and start <= found[-1].end:
            start, end = found[-1].start, max(end, found[-1].end)
            del found[-1]
        found.append(Band(start, end, f"pause of {duration(end - start)}"))
    return found


def _tables(facts: ExportFacts) -> Iterator[PageTable]:
    yield _timeline(facts)
    if facts.manifest is None:
        return
    yield _files(facts.item, facts.manifest)
    columns = facts.manifest.get("columns") or []
    if columns:
        rows = [
            (str(number), str(column.get("header")), str(column.get("kind")), str(column.get("field_id") or ""))
            for number, column in enumerate(columns, start=1)
        ]
        remark = f"{count(len(rows))} columns, in the order of the file."
        yield PageTable("Columns", ("#", "Header", "Kind", "Field ID"), rows, remark, frozenset({0}))
    drift = [*_drift_rows(facts.manifest.get("drift") or {})]
    remark = "" if drift else "None: every value had a column."
    yield PageTable("Drift", ("Kind", "Name", "Times", "First row"), drift, remark, frozenset({2, 3}))


def _timeline(facts: ExportFacts) -> PageTable:
    lines = [line for line in facts.lines if line.event in EVENTS]
    rows = [(f"{line.at:%H:%M:%S}", EVENTS[line.event], _figures(line)) for line in lines[:EVENTS_SHOWN]]
    remark = f"The first {EVENTS_SHOWN} of {count(len(lines))} events." if len(lines) > EVENTS_SHOWN else ""
    return PageTable("Events", ("UTC", "Event", "Figures"), rows, remark or ("" if rows else "The log has none."))


def _figures(line: LogLine) -> str:
    hidden = {"pace", "export_id", "exception", "exception_name", "execution_arn", "stack_trace"}
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in line.fields.items() if name not in hidden)


def _files(item: ExportItem, manifest: Mapping[str, Any]) -> PageTable:
    rows = [
        ("File", f"s3://{item.bucket}/{manifest.get('key', item.key)}"),
        ("Manifest", f"s3://{item.bucket}/{item.manifest_key}"),
        ("Format", str(manifest.get("format"))),
        ("CRC32", str(manifest.get("crc32"))),
        ("Complete", "yes" if manifest.get("complete") else "no"),
        ("Key", ", ".join(map(str, manifest.get("keys") or []))),
    ]
    if manifest.get("unsure_end"):
        rows.append(("Uncertain end", str(manifest["unsure_end"])))
    return PageTable("File", ("", ""), rows)


def _drift_rows(drift: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    for kind, words in DRIFT.items():
        sightings = drift.get(kind) or {}
        for name, sighting in (sightings.get("seen") or {}).items():
            label = f"{name} ({sighting['label']})" if sighting.get("label") else name
            yield words, label, count(int(sighting.get("count", 0))), count(int(sighting.get("first_row", 0)))
        if others := sightings.get("others"):
            yield words, "further names", count(int(others)), ""
    if neutralised := drift.get("neutralised"):
        yield "Formula neutralised", "cells", count(int(neutralised)), ""
