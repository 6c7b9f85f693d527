"""An export in the exports table: the item that an operator watches."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal, Self

from pydantic import AwareDatetime, BaseModel, TypeAdapter

# failed: may be resumed. partial: was stopped, and what it had written is published under `partial_key`.
ExportState = Literal["running", "complete", "failed", "partial"]

_JSON = TypeAdapter(dict[str, Any])


class ExportProgress(BaseModel, frozen=True):
    """One item of the exports table; `export_id` is its key.

    Times are UTC; `page_seconds` is how long the last page took to arrive; `remaining` and `eta_seconds` are absent
    when nobody knows how much is left. `pause_seconds` is how long the machine waits before it asks again. `error` and
    `message` are of the last execution that failed. `parent_execution_arn` is the execution of `export_feeds` that
    started this one, if one did.

    It is lenient in what it reads, for the command `assetline` reads items of other versions of the stack: a state it
    does not have stays text, and attributes that some versions do not write have defaults.
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
    eta_seconds: float | None = None
    error: str | None = None
    message: str | None = None

    def to_item(self) -> dict[str, Any]:
        """Return the DynamoDB item: absent instead of null, numbers as Decimal, times in ISO 8601."""
        return {name: value for name, value in as_attributes(dict(self)).items() if value is not None}

    @classmethod
    def from_item(cls, item: dict[str, Any]) -> Self:
        """Read an item of the table, as `boto3.resource` returns it; attributes it does not know are passed over."""
        return cls.model_validate(item)


def as_attributes(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return *fields* as DynamoDB takes them: floats as Decimal to three places, times in ISO 8601, None as it is."""
    return {
        name: Decimal(str(round(value, 3))) if isinstance(value, float) else value
        for name, value in _JSON.dump_python(dict(fields), mode="json").items()
    }
