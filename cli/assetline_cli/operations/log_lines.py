"""The structured log lines of one export or ingestion session, across the functions that worked on it."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from assetline_cli.aws_errors import code_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mypy_boto3_logs import CloudWatchLogsClient

# Lines of the first group name the execution, those of the second the export.
EXECUTION_FUNCTIONS = ("open_export", "open_vi_export", "salvage_export", "sweep_exports")
EXPORT_FUNCTIONS = ("write_pages", "write_vi_pages", "close_export", "write_changes")
SESSION_FUNCTIONS = ("open_session", "upload_assets", "poll_session", "settle_session", "sweep_drops")
THREADS = 4  # ours: CloudWatch Logs allows few FilterLogEvents calls a second

# Fields that every line has, or that describe the function and not the work.
_COMMON = frozenset(
    {
        "cold_start",
        "function_arn",
        "function_memory_size",
        "function_name",
        "function_request_id",
        "level",
        "location",
        "message",
        "sampling_rate",
        "service",
        "timestamp",
        "xray_trace_id",
    }
)


# For JSON and the report, or the subject itself.
_LONG = frozenset({"exception", "execution_arn", "export_id", "pace", "session_key", "stack_trace"})


@dataclass(frozen=True)
class LogLine:
    """One structured line: `event` is its message, `fields` are the values beside it."""

    at: datetime
    function: str
    level: str
    event: str
    fields: Mapping[str, Any]
    event_id: str

    @property
    def figures(self) -> str:
        """The fields on one line, without the traceback."""
        shown = {name: value for name, value in self.fields.items() if name not in _LONG}
        return ", ".join(f"{name} {_text(value)}" for name, value in shown.items())

    def as_json(self) -> dict[str, Any]:
        """Return the line as a JSON object."""
        where = {"at": self.at.isoformat(), "function": self.function, "level": self.level, "event": self.event}
        return where | dict(self.fields)


class FunctionLogs:
    """The log groups of a stack's functions: `/assetline/STACK/FUNCTION`."""

    def __init__(self, client: CloudWatchLogsClient, stack: str) -> None:
        self._client = client
        self._stack = stack

    def lines(self, subjects: Mapping[str, str], since: datetime) -> list[LogLine]:
        """Return the lines since a moment, the oldest first: *subjects* maps a function to the value its lines name.

        A subject is the value of a field: an export ID, an execution ARN or a session key. A missing log group has no
        lines. Other refusals of AWS are raised.
        """
        with ThreadPoolExecutor(THREADS) as threads:
            found = threads.map(lambda function: [*self._of_function(function, subjects[function], since)], subjects)
            lines = [line for of_function in found for line in of_function]
        return sorted(lines, key=lambda line: (line.at, line.function))

    def _of_function(self, function: str, subject: str, since: datetime) -> Iterator[LogLine]:
        pages = self._client.get_paginator("filter_log_events").paginate(
            logGroupName=f"/assetline/{self._stack}/{function}",
            startTime=int(since.timestamp() * 1000),
            filterPattern=f'"{subject}"',  # CloudWatch Logs: lines that contain this term
        )
        try:
            for page in pages:
                yield from _parsed(page.get("events", []), function, subject)
        except ClientError as error:
            if code_of(error) != "ResourceNotFoundException":
                raise


def _parsed(events: Iterable[Any], function: str, subject: str) -> Iterator[LogLine]:
    for event in events:
        try:
            line = json.loads(event["message"])
        except ValueError:
            continue  # the runtime's own lines are not JSON
        if isinstance(line, dict) and "message" in line and subject in line.values():
            yield LogLine(
                at=_time_of(line, event["timestamp"]),
                function=function,
                level=str(line.get("level", "INFO")),
                event=_text(line["message"]),
                fields={name: value for name, value in line.items() if name not in _COMMON},
                event_id=event.get("eventId") or event["message"],
            )


def _time_of(line: Mapping[str, Any], milliseconds: int) -> datetime:
    """Return the time that the function wrote, or that of the event in CloudWatch Logs."""
    try:
        return datetime.strptime(str(line.get("timestamp")), "%Y-%m-%d %H:%M:%S,%f%z").astimezone(UTC)
    except ValueError:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
