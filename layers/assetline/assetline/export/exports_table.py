"""The exports table: claims an export's name, keeps its progress for the operator. Every write is conditional."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Attr

from assetline.errors import NamesExhausted
from assetline.export.progress import Progress, as_attributes

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table


class ExportsTable:
    """One item an export, under its `export_id`, in the shape of `Progress`; `upload_id` beside it."""

    def __init__(self, table: "Table") -> None:
        self._table = table
        self._refused = table.meta.client.exceptions.ConditionalCheckFailedException

    def claim(self, candidates: Iterable[Progress]) -> Progress:
        """Put the first candidate whose name is free, or whose name this very execution already holds.

        Raises:
            NamesExhausted: other executions hold them all.
        """
        for candidate in candidates:
            try:
                self._table.put_item(Item=candidate.to_item(), ConditionExpression=Attr("export_id").not_exists())
            except self._refused:
                held = self._item(candidate.export_id)
                if held is None or held["execution_arn"] != candidate.execution_arn:
                    continue
            return candidate
        raise NamesExhausted("A hundred exports of this feed started within one second. Start this one again.")

    def upload_of(self, export_id: str) -> str | None:
        """Return the multipart upload recorded for an export, if there is one."""
        item = self._item(export_id)
        upload_id = item.get("upload_id") if item else None
        return upload_id if isinstance(upload_id, str) else None

    def record_upload(self, export_id: str, upload_id: str) -> str:
        """Record the upload of an export once, and return the one that counts: this, or one recorded before."""
        try:
            self._table.update_item(
                Key={"export_id": export_id},
                UpdateExpression="SET upload_id = :upload_id",
                ExpressionAttributeValues={":upload_id": upload_id},
                ConditionExpression=Attr("upload_id").not_exists(),
            )
        except self._refused:
            return self.upload_of(export_id) or upload_id
        return upload_id

    def update(self, export_id: str, **measures: Any) -> None:
        """Set *measures*, fields of `Progress`, on an export that is running; None takes a measure away.

        An export that is complete stays as it is: a turn that was thought dead may still report.
        """
        fields = as_attributes(measures | {"updated_at": datetime.now(UTC)})
        kept = {name: value for name, value in fields.items() if value is not None}
        gone = [name for name, value in fields.items() if value is None]
        expression = "SET " + ", ".join(f"#{name} = :{name}" for name in kept)
        if gone:
            expression += " REMOVE " + ", ".join(f"#{name}" for name in gone)
        try:
            self._table.update_item(
                Key={"export_id": export_id},
                UpdateExpression=expression,
                ConditionExpression="#current = :running",
                ExpressionAttributeNames={"#current": "state"} | {f"#{name}": name for name in fields},
                ExpressionAttributeValues={":running": "running"} | {f":{name}": value for name, value in kept.items()},
            )
        except self._refused:
            return

    def _item(self, export_id: str) -> dict[str, Any] | None:
        return self._table.get_item(Key={"export_id": export_id}, ConsistentRead=True).get("Item")
