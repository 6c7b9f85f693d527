"""Write the report of an export or an ingestion session as an HTML file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from assetline_cli.errors import CommandFailed
from assetline_cli.exports.table import ExportsReader, is_export_id
from assetline_cli.operations.export_report import ExportFacts, export_page, read_manifest
from assetline_cli.operations.log_lines import FunctionLogs
from assetline_cli.operations.logs import BEFORE_START, LogSubject, find_subject
from assetline_cli.operations.session_report import SessionFacts, read_files, session_page
from assetline_cli.sessions.list import sessions_of
from assetline_cli.stack import find_stack

if TYPE_CHECKING:
    from assetline_cli.context import CliContext
    from assetline_cli.operations.log_lines import LogLine
    from assetline_cli.operations.report_page import ReportPage
    from assetline_cli.stack import Stack


def write_report(context: CliContext, stack_name: str, name: str, output: Path | None) -> None:
    """Write the report of *name* to *output*, or to `NAME.html`, and print the path.

    Raises:
        CommandFailed: the stack has no such export or session, or the file cannot be written.
    """
    stack = find_stack(context.aws.cloudformation, stack_name)
    subject = find_subject(context, stack, name)
    logs = FunctionLogs(context.aws.logs, stack.name)
    lines = logs.lines(subject.values, subject.since - BEFORE_START)
    page = _page(context, stack, name, subject, lines)
    path = output or Path(f"{re.sub(r'[^A-Za-z0-9._-]+', '-', name)}.html")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page.html(), encoding="utf-8")
    except OSError as error:
        raise CommandFailed(
            f"Cannot write {str(path)!r} ({error.strerror}). Name another file with --output."
        ) from error
    context.print_line(str(path))


def _page(context: CliContext, stack: Stack, name: str, subject: LogSubject, lines: list[LogLine]) -> ReportPage:
    now = context.clock.now()
    if is_export_id(name):
        item = ExportsReader(context.aws.table(stack.table)).named(name)
        manifest = read_manifest(context.aws.s3, item)
        return export_page(ExportFacts(item, manifest, lines, stack.name, now))
    table = context.aws.table(stack.ingestion().sessions_table)
    session = next(each for each in sessions_of(table) if each.session_key in subject.values.values())
    files = read_files(context.aws.s3, stack.bucket, session)
    return session_page(SessionFacts(session, files, stack.bucket, lines, stack.name, now))
