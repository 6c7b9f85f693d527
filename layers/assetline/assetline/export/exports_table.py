"""The exports table: claims an export's name, and stores its progress and its end. Every write is conditional."""

from collections.abc import Iterable
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Attr, ConditionBase

from assetline.errors import ExportLost, NamesExhausted, NotResumable
from assetline.export.checkpoint import Checkpoint, Export, OpenedExport
from assetline.export.export_item import ExportProgress, as_attributes

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

_OVER = ("complete", "partial")  # final states
_RUNS_AGAIN = {"state": "running", "error": None, "message": None, "pause_seconds": 0}


class ExportsTable:
    """One item per export, under its `export_id`: the fields of `ExportProgress`, `export` and `checkpoint`."""

    def __init__(self, table: "Table") -> None:
        self.table = table
        self._lock = Lock()  # boto3 numbers the names of conditions in one object, shared by all threads of a resource
        self._refused = table.meta.client.exceptions.ConditionalCheckFailedException

    def claim(self, candidates: Iterable[ExportProgress]) -> tuple[ExportProgress, OpenedExport | None]:
        """Put the first candidate whose name is free, or already claimed by the same execution.

        Returns the candidate, and the export if the execution has opened it already. Only a claimed name is looked up.

        Raises:
            NamesExhausted: other executions have claimed them all.
        """
        for candidate in candidates:
            try:
                self.table.put_item(Item=candidate.to_item(), ConditionExpression=Attr("export_id").not_exists())
            except self._refused:
                if self.is_of(candidate.export_id, candidate.execution_arn):
                    return candidate, self.opened(candidate.export_id)
            else:
                return candidate, None
        raise NamesExhausted("A hundred exports of this feed started within one second. Start this export again.")

    def is_of(self, export_id: str, execution_arn: str) -> bool:
        """Return whether an export belongs to an execution."""
        item = self.item(export_id)
        return item is not None and item["execution_arn"] == execution_arn

    def is_over(self, export_id: str) -> bool:
        """Return whether an export is complete, or was stopped permanently."""
        item = self.item(export_id)
        return item is not None and item["state"] in _OVER

    def opened(self, export_id: str) -> OpenedExport | None:
        """Return an export and its last checkpoint, None before it is opened."""
        item = self.item(export_id)
        if item is None or "export" not in item:
            return None
        return OpenedExport(
            export=Export.model_validate_json(item["export"]),
            checkpoint=Checkpoint.model_validate_json(item["checkpoint"]),
        )

    def stop(self, export: Export) -> bool:
        """Refuse further checkpoints of an export, and its publication as complete.

        A turn or a closing of the stopped execution may still be running. Return False if the export is claimed for
        publication, has ended, or belongs to another execution.
        """
        going_on = _still_of(export.execution_arn) & Attr("closing").not_exists()
        return self._set(export.export_id, {"stopped": True}, going_on)

    def claim_publication(self, export: Export, checkpoint: Checkpoint) -> Checkpoint:
        """Decide, irrevocably, that an export is published as complete from the returned checkpoint.

        Afterwards the export cannot be stopped, and every publisher publishes the same bytes. A repeat, or an execution
        that has taken the export over, gets the checkpoint of the first claim.

        Raises:
            ExportLost: the export was stopped, or belongs to another execution.
        """
        values = _kept(checkpoint) | {"closing": True}
        free = Attr("closing").not_exists() & Attr("stopped").not_exists() & Attr("state").eq("running")
        if self._set(export.export_id, values, Attr("execution_arn").eq(export.execution_arn) & free):
            return checkpoint
        item = self.item(export.export_id)
        if item is None or not item.get("closing") or item["execution_arn"] != export.execution_arn:
            raise _lost(export, item)
        return Checkpoint.model_validate_json(item["checkpoint"])

    def was_stopped(self, export_id: str) -> bool:
        """Return whether an export was stopped; a stop is permanent."""
        return bool((self.item(export_id) or {}).get("stopped"))

    def is_claimed(self, export: Export) -> bool:
        """Return whether an export of this execution is claimed for publication as complete."""
        item = self.item(export.export_id)
        return item is not None and item.get("closing", False) and item["execution_arn"] == export.execution_arn

    def open(self, opened: OpenedExport) -> OpenedExport:
        """Record an opened export once, and return the recorded one: this, or an earlier one.

        Raises:
            NotResumable: the execution was stopped meanwhile.
        """
        export = opened.export
        values = {"export": export.model_dump_json(), "checkpoint": opened.checkpoint.model_dump_json()}
        unopened = Attr("export").not_exists() & _still_of(export.execution_arn)
        if self._set(export.export_id, _RUNS_AGAIN | values, unopened):
            return opened
        recorded = self.opened(export.export_id)
        if recorded is None:
            raise NotResumable(f"The export {export.export_id!r} was stopped before it was opened. Start a new export.")
        return recorded

    def take_over(self, export: Export) -> bool:
        """Assign a failed export to the execution that resumes it; return False if it is not a failed one."""
        values = _RUNS_AGAIN | {"execution_arn": export.execution_arn, "export": export.model_dump_json()}
        barred = Attr("barred_execution_arn")
        free = Attr("state").eq("failed") & (barred.not_exists() | barred.ne(export.execution_arn))
        return self._set(export.export_id, values, free) or self.is_of(export.export_id, export.execution_arn)

    def bar(self, export_id: str, execution_arn: str) -> None:
        """Keep a stopped execution from taking over a failed export: its function may still be running."""
        self._set(export_id, {"barred_execution_arn": execution_arn}, Attr("state").eq("failed"))

    def begun(self, export: Export, checkpoint: Checkpoint) -> Checkpoint:
        """Return the checkpoint from which a step of *export* begins.

        It is *checkpoint*, or a later one of the same execution, from an attempt that was killed or whose answer was
        lost. If the execution is recorded as failed, the step belongs to a redrive. Then its faults count from 0 again,
        and the export runs again, so that no other execution may resume it.

        Raises:
            ExportLost: the export was stopped, or another execution has resumed it.
        """
        item = self.item(export.export_id)
        if item is None or item["execution_arn"] != export.execution_arn or item.get("stopped") or _is_partial(item):
            raise _lost(export, item)
        kept = Checkpoint.model_validate_json(item["checkpoint"])
        checkpoint = max(checkpoint, kept, key=lambda each: (each.turns, each.cursor is None, each.pages))
        if item["state"] != "failed":
            return checkpoint
        failed = Attr("execution_arn").eq(export.execution_arn) & Attr("state").eq("failed")
        self._set(export.export_id, _RUNS_AGAIN, failed)
        return checkpoint.model_copy(update={"faults": 0})

    def save(self, export: Export, checkpoint: Checkpoint, **measures: Any) -> None:
        """Store a turn's checkpoint for a repeat, a resume or a salvage, and set *measures* as `update` does.

        An older checkpoint never replaces a newer one or its measures. After a stop or a claim for publication, none is
        stored.
        """
        values = as_attributes(measures | {"updated_at": datetime.now(UTC)})
        values |= _kept(checkpoint)
        turns, pages = Attr("checkpoint_turns"), Attr("checkpoint_pages")
        newer = turns.not_exists() | turns.lt(checkpoint.turns)
        further = turns.eq(checkpoint.turns) & pages.lte(checkpoint.pages)
        going_on = _still_of(export.execution_arn) & Attr("stopped").not_exists() & Attr("closing").not_exists()
        self._set(export.export_id, values, going_on & (newer | further))

    def update(self, export: Export | ExportProgress, **measures: Any) -> None:
        """Set *measures*, fields of `ExportProgress`; None removes a measure.

        An export that has ended, or that another execution has taken over, is unchanged: a turn presumed dead may still
        report.
        """
        values = as_attributes(measures | {"updated_at": datetime.now(UTC)})
        self._set(export.export_id, values, _still_of(export.execution_arn))

    def fail(self, export: Export | ExportProgress, error: str, message: str | None) -> None:
        """Record that the execution of an export failed with *error*; see `update`.

        A stopped export is unchanged: its data is being published.
        """
        values = as_attributes({"error": error, "message": message, "updated_at": datetime.now(UTC)})
        values |= {
            "state": "failed",
            "pause_seconds": 0,
            "remaining": None,
            "estimated_remaining": None,
            "eta_seconds": None,
        }
        self._set(export.export_id, values, _still_of(export.execution_arn) & Attr("stopped").not_exists())

    def item(self, export_id: str) -> dict[str, Any] | None:
        """Return the raw item."""
        return self.table.get_item(Key={"export_id": export_id}, ConsistentRead=True).get("Item")

    def _set(self, export_id: str, values: dict[str, Any], condition: ConditionBase) -> bool:
        """Set attributes, None removes one; return False, and set nothing, if the *condition* does not hold."""
        kept = {name: value for name, value in values.items() if value is not None}
        removed = [name for name, value in values.items() if value is None]
        expression = "SET " + ", ".join(f"#{name} = :{name}" for name in kept)
        if removed:
            expression += " REMOVE " + ", ".join(f"#{name}" for name in removed)
        try:
            with self._lock:
                self.table.update_item(
                    Key={"export_id": export_id},
                    UpdateExpression=expression,
                    ConditionExpression=Attr("export_id").exists() & condition,
                    ExpressionAttributeNames={f"#{name}": name for name in values},
                    ExpressionAttributeValues={f":{name}": value for name, value in kept.items()},
                )
        except self._refused:
            return False
        return True


def _kept(checkpoint: Checkpoint) -> dict[str, Any]:
    return {
        "checkpoint": checkpoint.model_dump_json(),
        "checkpoint_turns": checkpoint.turns,
        "checkpoint_pages": checkpoint.pages,
    }


def _is_partial(item: dict[str, Any]) -> bool:
    return bool(item["state"] == "partial")


def _lost(export: Export, item: dict[str, Any] | None) -> ExportLost:
    if item is None or item["execution_arn"] == export.execution_arn:
        return ExportLost(f"The export {export.export_id!r} was stopped. Start a new export.")
    return ExportLost(
        f"The export {export.export_id!r} was resumed by the execution {item['execution_arn']}: this one, "
        f"{export.execution_arn}, no longer writes it. Watch the other one."
    )


def _still_of(execution_arn: str) -> ConditionBase:
    return Attr("execution_arn").eq(execution_arn) & ~Attr("state").is_in(_OVER)
