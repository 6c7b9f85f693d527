"""Print the log lines of one export or ingestion session, and follow them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from assetline_cli.errors import CommandFailed
from assetline_cli.exit_codes import COMPLETE, INTERRUPTED
from assetline_cli.exports.table import ExportsReader, is_export_id
from assetline_cli.operations.log_lines import EXECUTION_FUNCTIONS, EXPORT_FUNCTIONS, SESSION_FUNCTIONS, FunctionLogs
from assetline_cli.sessions.list import sessions_of
from assetline_cli.stack import find_stack
from assetline_cli.terminal.output import print_cells, print_json, print_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from mypy_boto3_dynamodb.service_resource import Table

    from assetline.ingest.sessions_table import Session
    from assetline_cli.context import CliContext
    from assetline_cli.operations.log_lines import LogLine
    from assetline_cli.stack import Stack

LOOK_EVERY_SECONDS = 3.0  # ours: CloudWatch Logs shows a line some seconds after it is written
OVERLAP = timedelta(minutes=2)  # ours: lines may arrive out of order; known ones are not printed twice
BEFORE_START = timedelta(minutes=1)  # the clocks of AWS differ a little
LEVEL_STYLES = {"WARNING": "yellow", "ERROR": "bold red", "CRITICAL": "bold red"}


@dataclass(frozen=True)
class LogSubject:
    """The subject of log lines: the value that names it in the lines of each function, and when it began.

    `ended` reads whether it has ended.
    """

    values: Mapping[str, str]
    since: datetime
    ended: Callable[[], bool]


def find_subject(context: CliContext, stack: Stack, name: str) -> LogSubject:
    """Return the export or ingestion session *name*.

    Raises:
        CommandFailed: the stack has neither.
    """
    if is_export_id(name):
        exports = ExportsReader(context.aws.table(stack.table))
        if (export := exports.get(name)) is not None:
            values = dict.fromkeys(EXECUTION_FUNCTIONS, export.execution_arn) | dict.fromkeys(EXPORT_FUNCTIONS, name)
            return LogSubject(values, export.started_at, lambda: not exports.named(name).running)
    elif stack.ingests is not None:
        table = context.aws.table(stack.ingests.sessions_table)
        for session in sessions_of(table):
            if name in {session.session_key, session.session_id}:
                return _of_session(table, session)
    raise CommandFailed(
        f"No export or ingestion session {name!r} in stack {stack.name!r}. `assetline exports list` and "
        "`assetline sessions list` print their IDs."
    )


def _of_session(table: Table, session: Session) -> LogSubject:
    def ended() -> bool:
        found = (each for each in sessions_of(table) if each.session_key == session.session_key)
        return any(each.finished_at for each in found)

    return LogSubject(dict.fromkeys(SESSION_FUNCTIONS, session.session_key), session.opened_at, ended)


def print_logs(context: CliContext, stack_name: str, name: str, *, follow: bool, json: bool) -> int:
    """Print the log lines of *name*, until it has ended if *follow*; return the exit status of the command.

    Raises:
        CommandFailed: as `find_subject`.
    """
    stack = find_stack(context.aws.cloudformation, stack_name)
    subject = find_subject(context, stack, name)
    logs = FunctionLogs(context.aws.logs, stack.name)
    printed: set[tuple[str, str]] = set()
    since = subject.since - BEFORE_START
    try:
        while True:
            ended = not follow or subject.ended()  # before the lines are read, so that the last ones are printed
            for line in logs.lines(subject.values, since):
                if (line.function, line.event_id) not in printed:
                    printed.add((line.function, line.event_id))
                    _print(context, line, json=json)
                    since = max(since, line.at - OVERLAP)
            if ended:
                break
            context.clock.sleep(LOOK_EVERY_SECONDS)
    except KeyboardInterrupt:
        return INTERRUPTED
    if not printed:
        context.print_message(
            f"No log lines of {name} since {subject.since:%Y-%m-%d %H:%M} UTC. The log groups "
            f"/assetline/{stack.name}/… keep lines for LogRetentionDays."
        )
    return COMPLETE


def _print(context: CliContext, line: LogLine, *, json: bool) -> None:
    if json:
        print_json(context.out, line.as_json())
    elif context.out.is_terminal:
        style = LEVEL_STYLES.get(line.level, "")
        print_line(context.out, f"{line.at:%H:%M:%S} {line.function:<15} {line.event}  {line.figures}".rstrip(), style)
    else:
        print_cells(context.out, (line.at.isoformat(), line.function, line.level, line.event, line.figures))
