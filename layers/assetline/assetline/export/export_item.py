"""An export in the exports table: the item that the command `assetline` reads."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal, Self

from pydantic import AwareDatetime, BaseModel, TypeAdapter

# A failed export may be resumed. A partial export was stopped, and its data is published under `partial_key`.
ExportState = Literal["running", "complete", "failed", "partial"]

_JSON = TypeAdapter(dict[str, Any])


class ExportProgress(BaseModel, frozen=True):
    """One item of the exports table; `export_id` is its key.

    Times are UTC. `page_seconds` is the time that the last page took to arrive. `remaining` and `eta_seconds` are
    absent if the rest is unknown; `estimated_remaining` assumes as many rows as the last complete export has.
    `pause_seconds` is the machine's pause before the next request. `error` and `message` are those of the last failed
    execution. `parent_execution_arn` is the execution of `export_feeds` that started this one, if any. `rows_before`
    and `export_id_before` are those of the last complete export, if this one has far fewer rows.

    Reading is lenient, since the command `assetline` also reads items of other versions of the stack. An unknown state
    stays text, and attributes that some versions do not write have defaults.
    """

    export_id: str
    feed: str
    format: str = "csv"
    state: ExportState | str
    execution_arn: str
    parent_execution_arn: str | None = None
    bucket: str = ""
    key: str = ""
    manifest_key: str = ""
    partial_key: str | None = None
    started_at: AwareDatetime
    updated_at: AwareDatetime
    finished_at: AwareDatetime | None = None
    pages: int = 0
    rows: int = 0
    bytes: int = 0
    turns: int = 0
    duplicates: int = 0
    page_rows: int = 0
    page_seconds: float = 0.0
    pages_per_second: float = 0.0
    rows_per_second: float = 0.0
    pause_seconds: int = 0
    remaining: int | None = None
    estimated_remaining: int | None = None
    eta_seconds: float | None = None
    rows_before: int | None = None
    export_id_before: str | None = None
    error: str | None = None
    message: str | None = None

    def to_item(self) -> dict[str, Any]:
        """Return the DynamoDB item: absent instead of null, numbers as Decimal, times in ISO 8601."""
        return {name: value for name, value in as_attributes(dict(self)).items() if value is not None}

    @classmethod
    def from_item(cls, item: dict[str, Any]) -> Self:
        """Parse an item of the table, as `boto3.resource` returns it; unknown attributes are ignored."""
        return cls.model_validate(item)


def as_attributes(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return *fields* for DynamoDB: floats as Decimal with three places, times in ISO 8601, None unchanged."""
    return {
        name: Decimal(str(round(value, 3))) if isinstance(value, float) else value
        for name, value in _JSON.dump_python(dict(fields), mode="json").items()
    }
