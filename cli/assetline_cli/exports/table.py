"""Read the exports table, which has the progress of every export."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from boto3.dynamodb.conditions import Attr
from pydantic import ValidationError

from assetline.export.export_item import ExportProgress
from assetline.export.export_names import export_ids, feed_of
from assetline_cli.errors import CommandFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_dynamodb.service_resource import Table

    from assetline_cli.executions import Execution


class ExportsReader:
    """Finds the item of an execution, and caches its key; lists all items."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._export_ids: dict[str, str] = {}

    def progress_of(self, execution: Execution) -> ExportItem | None:
        """Return the item of the export, or None while another execution owns it."""
        export_id = execution.result.export_id if execution.result else None
        export_id = export_id or execution.resumes or self._export_ids.get(execution.arn)
        item = self.get(export_id) if export_id else self._find(execution)
        # An execution owns the item that it updates. Until a resuming execution takes it over, the item has the
        # figures of the failed one.
        if item is None or item.execution_arn != execution.arn:
            return None
        self._export_ids[execution.arn] = item.export_id
        return item

    def get(self, export_id: str) -> ExportItem | None:
        """Return the item *export_id*, or None.

        Raises:
            CommandFailed: the item cannot be read.
        """
        item = self._table.get_item(Key={"export_id": export_id}, ConsistentRead=True).get("Item")
        try:
            return ExportItem.model_validate(item) if item else None
        except ValidationError as error:
            raise CommandFailed(
                f"This version of the command cannot read item {export_id!r} of the exports table. Use one "
                "version for the command and the stack."
            ) from error

    def named(self, export_id: str) -> ExportItem:
        """Return the item *export_id*.

        Raises:
            CommandFailed: it does not exist.
        """
        item = self.get(export_id)
        if item is None:
            raise CommandFailed(
                f"Export {export_id!r} does not exist in this stack. List the exports with `assetline exports list`."
            )
        return item

    def all(self) -> Iterator[ExportItem]:
        """Yield every export of the table, in no order."""
        return _exports(self._scan())

    def children_of(self, arn: str) -> list[ExportItem]:
        """Return the exports that the execution *arn* has started, in the order they were opened."""
        children = _exports(self._scan(FilterExpression=Attr("parent_execution_arn").eq(arn), ConsistentRead=True))
        return sorted(children, key=lambda item: (item.started_at, item.export_id))

    def _find(self, execution: Execution) -> ExportItem | None:
        # An export takes the first free name, so the first free name ends the search.
        for export_id in export_ids(execution.feed, execution.started_at) if execution.feed else ():
            item = self.get(export_id)
            if item is None or item.execution_arn == execution.arn:
                return item
        return None

    def _scan(self, **options: Any) -> Iterator[dict[str, Any]]:
        answer = self._table.scan(**options)
        yield from answer["Items"]
        while "LastEvaluatedKey" in answer:
            answer = self._table.scan(**options, ExclusiveStartKey=answer["LastEvaluatedKey"])
            yield from answer["Items"]


def _exports(items: Iterator[dict[str, Any]]) -> Iterator[ExportItem]:
    return (export for export in map(ExportItem.listed, items) if export)


# The states that the command distinguishes; others are shown unchanged.
RUNNING, COMPLETE, PARTIAL, FAILED = "running", "complete", "partial", "failed"

SILENT_AFTER = timedelta(minutes=20)  # a turn lasts 15 minutes at most, and updates every second


def is_export_id(text: str) -> bool:
    """Return whether *text* has the form of an export ID."""
    return feed_of(text) is not None


class ExportItem(ExportProgress, frozen=True):
    """One item of the exports table; `export` is present once the export has opened an upload."""

    export: str | None = None

    @classmethod
    def listed(cls, item: dict[str, Any]) -> Self | None:
        """Read *item*, or return None if it is not an export: the table also has other items."""
        if not is_export_id(str(item.get("export_id"))):
            return None
        try:
            return cls.model_validate(item)
        except ValidationError:
            return None

    @property
    def shrunk(self) -> bool:
        """Whether the export is complete with far fewer rows than the last complete one."""
        return self.rows_before is not None

    @property
    def opened(self) -> bool:
        """Whether an upload is open, so that the export can be resumed."""
        return self.export is not None

    @property
    def rendered_bytes(self) -> int | None:
        """The size of the rows in the file's format; None while it is unknown.

        A CSV has no bytes while its first rows decide the columns.
        """
        return None if self.rows and not self.bytes else self.bytes

    @property
    def running(self) -> bool:
        """Whether the export runs."""
        return self.state == RUNNING

    def silent(self, now: datetime) -> bool:
        """Return whether a running export has not been updated for `SILENT_AFTER`."""
        due = self.updated_at + timedelta(seconds=self.pause_seconds)
        return self.running and now - due > SILENT_AFTER

    def seconds(self, now: datetime) -> float:
        """Return how long it has run, or ran until its last update."""
        until = now if self.running else self.finished_at or self.updated_at
        return max(0.0, (until - self.started_at).total_seconds())
