"""List exports."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import typer

from assetline_cli.errors import ExecutionMissing
from assetline_cli.executions import ExecutionFailure, Executions
from assetline_cli.exports import table as states
from assetline_cli.exports.table import ExportsReader
from assetline_cli.exports.unopened import unopened
from assetline_cli.feeds.list import require_feed
from assetline_cli.stack import find_stack
from assetline_cli.suggested_commands import diff_command, export_command, watch_command
from assetline_cli.terminal.formatting import DATASET, age, count, duration, rows_rate, size
from assetline_cli.terminal.tables import ListLayout, TableColumns, print_list

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from assetline_cli.context import CliContext
    from assetline_cli.exports.table import ExportItem

COLUMNS = TableColumns(
    headings=("Export", "Feed", "State", "Rows", "Age", "Pace", "Size", "Error"),
    dispensable=("Feed", "Size", "Pace", "Age", "Error", "Rows"),  # the id begins with the feed
    right=frozenset({"Rows", "Age", "Pace", "Size"}),
    if_any=("Error",),
)
STATE_STYLES = {
    states.RUNNING: "cyan",
    states.COMPLETE: "green",
    states.PARTIAL: "yellow",
    states.FAILED: "bold red",
}


@dataclass(frozen=True)
class ExportFilter:
    """A filter of exports; None accepts any."""

    feed: str | None = None
    state: str | None = None
    limit: int = 20

    @property
    def everything(self) -> bool:
        """Whether the filter accepts every export."""
        return self.feed is None and self.state is None

    def require_possible(self) -> None:
        """End the command if no export passes the filter; raises `typer.BadParameter`."""
        if self.state is not None and self.state not in STATE_STYLES:
            raise typer.BadParameter(
                f"No state {self.state!r}. The states are {', '.join(STATE_STYLES)}.", param_hint="--state"
            )
        if self.feed is not None and not self.feed.startswith(DATASET):
            require_feed(self.feed, "--feed")

    def newest(self, exports: Iterable[ExportItem]) -> list[ExportItem]:
        """Return the newest of *exports* that pass the filter."""
        matching = (export for export in exports if self._matches(export))
        return heapq.nlargest(self.limit, matching, key=lambda export: (export.started_at, export.export_id))

    def _matches(self, export: ExportItem) -> bool:
        return self.feed in {None, export.feed} and self.state in {None, export.state}


def settled(exports: Iterable[ExportItem], executions: Executions, now: datetime) -> Iterator[ExportItem]:
    """Yield *exports*; the state of a silent one is that of its execution, which may have ended without an event."""
    for export in exports:
        yield _settled(export, executions) if export.silent(now) else export


def _settled(export: ExportItem, executions: Executions) -> ExportItem:
    try:
        failure = executions.describe(export.execution_arn).failure
    except ExecutionMissing as error:
        failure = ExecutionFailure(error="ExecutionExpired", message=str(error))
    if failure is None:
        return export
    state = states.PARTIAL if failure.error == "ABORTED" else states.FAILED
    return export.model_copy(update={"state": state, "error": failure.error, "message": failure.message})


def layout(now: datetime) -> ListLayout[ExportItem]:
    """Return how exports are listed; JSON has all figures, and whether a running export is silent."""
    return ListLayout(
        columns=COLUMNS,
        cells=lambda export: cells(export, now, rows=count(export.rows)),
        plain_cells=lambda export: cells(export, now, rows=str(export.rows)),
        as_json=lambda export: as_json(export, now),
        style=lambda export: _style(export, now),
    )


def as_json(export: ExportItem, now: datetime) -> dict[str, Any]:
    """Return an export as a JSON object; docs/operations.md describes its fields."""
    unknown = {"export", "bytes"} if export.rendered_bytes is None else {"export"}
    fields = export.model_dump(mode="json", exclude_none=True, exclude=unknown)
    return fields | {"silent": export.silent(now), "resumable": export.state == states.FAILED and export.opened}


def _style(export: ExportItem, now: datetime) -> str:
    return "yellow" if export.silent(now) or export.shrunk else STATE_STYLES.get(export.state, "")


def hint_lines(exports: Sequence[ExportItem], choice: ExportFilter, stack: str, now: datetime) -> list[str]:
    """Return the next commands, where the list needs some."""
    if not exports:
        if choice.everything:
            return [f"No exports yet. Start one: {export_command('assets', stack)}"]
        return ["No export matches. Omit --feed or --state to list the others."]
    lines = [
        f"{export.export_id} has {count(export.rows)} rows, far fewer than {count(export.rows_before)} in "
        f"{export.export_id_before}. Compare them: {diff_command(export.export_id_before, export.export_id, stack)}"
        for export in exports
        if export.rows_before is not None and export.export_id_before is not None
    ]
    silent = [export for export in exports if export.silent(now)]
    if not silent:
        return lines
    minutes = round(states.SILENT_AFTER.total_seconds() / 60)
    command = watch_command(silent[0].export_id, stack)
    return [*lines, f"running? means no update for more than {minutes} minutes. See its result: {command}"]


def cells(export: ExportItem, now: datetime, rows: str) -> tuple[str, ...]:
    """Return the columns of an export, in the order of `COLUMNS`."""
    if export.running and not export.silent(now):
        pace = f"{rows_rate(export.rows_per_second)} rows/s"
    else:
        pace = duration(export.seconds(now if not export.running else export.updated_at))
    return (
        export.export_id,
        export.feed,
        f"{export.state}?" if export.silent(now) else f"{export.state}, shrunk" if export.shrunk else export.state,
        rows,
        age((now - export.started_at).total_seconds()),
        pace,
        "" if export.rendered_bytes is None else size(export.rendered_bytes),
        export.error or "",
    )


def list_exports(context: CliContext, stack: str, choice: ExportFilter, *, json: bool) -> None:
    """Print the newest exports that pass the filter, and the executions that ended before they opened one.

    Raises:
        typer.BadParameter: no export can have that state, or that feed.
    """
    choice.require_possible()
    found, now = find_stack(context.aws.cloudformation, stack), context.clock.now()
    executions = Executions(context.aws.stepfunctions, found.machine_arn)
    exports = [*ExportsReader(context.aws.table(found.table)).all()]
    others = unopened(context.aws.stepfunctions, found.machine_arn, exports, choice.limit)
    newest = choice.newest(chain(settled(exports, executions, now), others))
    print_list(context.out, newest, layout(now), json=json)
    for line in () if json else hint_lines(newest, choice, stack, now):
        context.print_message(line)
