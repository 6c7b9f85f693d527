"""The report of one ingestion session: its item, the report in S3, and the uploads in its log lines."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from assetline_cli.aws_errors import code_of
from assetline_cli.operations.charts import Chart, Mark, Point
from assetline_cli.operations.report_page import PageTable, ReportPage
from assetline_cli.sessions.list import seconds_of
from assetline_cli.suggested_commands import retry_command
from assetline_cli.terminal.formatting import count, duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from mypy_boto3_s3 import S3Client

    from assetline.ingest.sessions_table import Session
    from assetline_cli.operations.log_lines import LogLine

NAMES_SHOWN = 20  # ours: of each reason; the CSV in S3 has all
FAULTS = {"upload_damaged": "a damaged upload was repeated", "object_not_tagged": "an object was not tagged"}


@dataclass(frozen=True)
class SessionFacts:
    """All that a report needs; `files` is empty before the session is settled."""

    session: Session
    files: Sequence[Mapping[str, str]]
    bucket: str
    lines: Sequence[LogLine]
    stack: str
    now: datetime


def read_files(s3: S3Client, bucket: str, session: Session) -> list[dict[str, str]]:
    """Return the files in the report of a settled session, none before; raises ClientError otherwise."""
    if session.report_key is None:
        return []
    key = f"{session.report_key.removesuffix('.json')}.csv"
    try:
        text = s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    except ClientError as error:
        if code_of(error) in {"NoSuchKey", "404"}:
            return []
        raise
    return [*csv.DictReader(io.StringIO(text, newline=""))]


def session_page(facts: SessionFacts) -> ReportPage:
    """Return the page of a session."""
    session = facts.session
    charts = [*_charts(facts)]
    retry = retry_command(facts.stack, session.dataset_id) if session.rejected else ""
    return ReportPage(
        title=session.session_key,
        subtitle=(
            f"Ingestion into dataset {session.dataset_id}, stack {facts.stack}, opened "
            f"{session.opened_at:%Y-%m-%d %H:%M:%S} UTC"
        ),
        state=session.state,
        tiles=[*_tiles(facts)],
        problem=f"{session.error}: {session.message or ''}" if session.error else "",
        next_step=retry if session.error else "",
        charts=charts,
        no_charts="" if charts else "No charts: the log has no uploads of this session.",
        tables=[*_tables(facts)],
        footer=(
            f"Written by assetline report on {facts.now:%Y-%m-%d %H:%M} UTC. Session in Vi: {session.session_id or '-'}"
        ),
    )


def _tiles(facts: SessionFacts) -> Iterator[tuple[str, str]]:
    session, seconds = facts.session, seconds_of(facts.session, facts.now)
    yield "Drops", count(session.total)
    yield "Ingested", count(session.ingested)
    yield "Rejected", count(session.rejected)
    yield "Returned", count(session.returned)
    yield "Time", duration(seconds)
    if seconds and session.ingested:
        yield "Assets per second", f"{session.ingested / seconds:,.1f}"
    if session.total:
        yield "Success rate", f"{1000 * session.ingested // session.total / 10:.1f}%"


def _charts(facts: SessionFacts) -> Iterator[Chart]:
    start, uploaded, points = facts.session.opened_at.timestamp(), 0, [(0.0, 0.0)]
    for line in facts.lines:
        if line.event == "slice_uploaded":
            uploaded += int(line.fields.get("uploaded", 0))
            points.append((max(0.0, line.at.timestamp() - start), float(uploaded)))
    if len(points) == 1:
        return
    marks = [
        Mark(max(0.0, line.at.timestamp() - start), FAULTS[line.event]) for line in facts.lines if line.event in FAULTS
    ]
    typed: list[Point] = points
    yield Chart("Files uploaded", "files uploaded to Vi, over time", typed, marks=marks)


def _tables(facts: SessionFacts) -> Iterator[PageTable]:
    by_reason: dict[tuple[str, str], list[str]] = defaultdict(list)
    for file in facts.files:
        by_reason[file["state"], file["reason"]].append(file["key"])
    rows = [
        (state, reason or "-", count(len(names)), _names(names)) for (state, reason), names in sorted(by_reason.items())
    ]
    remark = "" if rows else "The session is not settled yet."
    yield PageTable("Outcomes", ("State", "Reason", "Files", "Names"), rows, remark, frozenset({2}))
    failed = [(file["key"], file["reason"], file["message"]) for file in facts.files if file["state"] == "rejected"]
    if failed:
        shown = failed[: 10 * NAMES_SHOWN]
        remark = "" if len(shown) == len(failed) else f"The first {len(shown)} of {count(len(failed))}."
        yield PageTable("Rejected files", ("File", "Reason", "Message"), shown, remark)
    if facts.session.report_key:
        stem = facts.session.report_key.removesuffix(".json")
        yield PageTable(
            "Report in S3",
            ("", ""),
            [("Summary", f"s3://{facts.bucket}/{stem}.json"), ("Every file", f"s3://{facts.bucket}/{stem}.csv")],
        )


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(names[:NAMES_SHOWN])
    return shown if len(names) <= NAMES_SHOWN else f"{shown} and {count(len(names) - NAMES_SHOWN)} more"
