"""The exports table: where an export says how far it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from assetline.export.names import export_ids
from assetline.export.progress import Progress
from assetline_cli.errors import VersionsApart

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

    from assetline_cli.execution import Execution


class Exports:
    """Finds the item of an execution, and then remembers its key."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._known: dict[str, str] = {}

    def progress_of(self, execution: Execution) -> Progress | None:
        """Return how far the export is, or None while it has not claimed its name."""
        export_id = execution.result.export_id if execution.result else self._known.get(execution.arn)
        progress = self._get(export_id) if export_id else self._find(execution)
        if progress:
            self._known[execution.arn] = progress.export_id
        return progress

    def _find(self, execution: Execution) -> Progress | None:
        # An export takes the first free name, so the first name nobody has taken ends the walk.
        for export_id in export_ids(execution.feed, execution.started_at) if execution.feed else ():
            progress = self._get(export_id)
            if progress is None or progress.execution_arn == execution.arn:
                return progress
        return None

    def _get(self, export_id: str) -> Progress | None:
        item = self._table.get_item(Key={"export_id": export_id}, ConsistentRead=True).get("Item")
        try:
            return Progress.from_item(item) if item else None
        except ValidationError as error:
            raise VersionsApart(
                f"Item {export_id!r} of the exports table is not one this version of the command can read: "
                "bring the command and the stack to one version."
            ) from error
