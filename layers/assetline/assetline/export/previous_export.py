"""The last complete export of a feed: where the next one starts from, and what it is compared with."""

import json
import zlib
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, cast

from boto3.dynamodb.conditions import Attr
from pydantic import BaseModel, Field

from assetline.export.export_item import as_attributes
from assetline.export.request import AnyRequest
from assetline.table.columns import Columns

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

_COLUMNS = "packed_columns"
PAGE_SIZE_HOLDS = timedelta(days=7)  # ours: a feed that was slow once, or was given a new limit, is asked again then


class Latest(BaseModel, frozen=True):
    """The last complete export of a feed with certain `params`.

    `watermark` is when the last one started, of any kind: what changed after it is in none. `page_size` is the largest
    the feed was found to give, `page_size_found_at` when. The rest is of the last one of the whole feed, not of what
    changed; `csv_key` and `jsonl_key` are of the last such one in either kind of format. `columns` are those of the
    last CSV; no state carries them.
    """

    watermark: datetime
    page_size: int | None = None
    page_size_found_at: datetime | None = None
    whole_export_id: str | None = None
    key: str | None = None
    format: str | None = None
    rows: int | None = None
    csv_key: str | None = None
    jsonl_key: str | None = None
    columns: Columns | None = Field(default=None, exclude=True, repr=False)

    def file_like(self, format_: str) -> str | None:
        """Return the key of the last file whose rows can be compared with those of *format_*, None if there is none.

        Custom fields are columns in CSV and one text in JSON lines: between the two, every row would have changed.
        """
        if self.format is not None and _kind(self.format) == _kind(format_):
            return self.key
        return self.csv_key if _kind(format_) == "csv" else self.jsonl_key

    def page_size_at(self, moment: datetime) -> int | None:
        """Return the page size to ask for; None, to find it anew, when it was found long before *moment*."""
        found_at = self.page_size_found_at
        return None if found_at is None or moment - found_at > PAGE_SIZE_HOLDS else self.page_size


class LatestExports:
    """Kept in the exports table under names that are no export's: `latest#<feed>`, with a digest of `params` if any."""

    def __init__(self, table: "Table") -> None:
        self._table = table
        self._refused = table.meta.client.exceptions.ConditionalCheckFailedException

    def of(self, request: AnyRequest) -> Latest | None:
        """Return the last complete export of the same feed and `params`, None if there was none."""
        item = self._table.get_item(Key={"export_id": _name(request)}, ConsistentRead=True).get("Item")
        if item is None:
            return None
        packed = item.pop(_COLUMNS, None)
        columns = None if packed is None else Columns.model_validate_json(zlib.decompress(bytes(cast("bytes", packed))))
        return Latest.model_validate(item | {"columns": columns})

    def note(self, request: AnyRequest, latest: Latest) -> None:
        """Note an export that is complete; one that started earlier than the one noted changes nothing."""
        kept = latest.model_dump() | ({} if latest.format is None else {f"{_kind(latest.format)}_key": latest.key})
        values = {name: value for name, value in as_attributes(kept).items() if value is not None}
        if latest.columns is not None:
            values[_COLUMNS] = zlib.compress(latest.columns.model_dump_json().encode())  # an item holds 400 kB
        names = {f"#{name}": name for name in values}
        try:
            self._table.update_item(
                Key={"export_id": _name(request)},
                UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in values),
                ConditionExpression=Attr("watermark").not_exists() | Attr("watermark").lte(values["watermark"]),
                ExpressionAttributeNames=names,
                ExpressionAttributeValues={f":{name}": value for name, value in values.items()},
            )
        except self._refused:
            return


def _kind(format_: str) -> str:
    return format_.removesuffix(".gz")


def _name(request: AnyRequest) -> str:
    """Name the series an export belongs to; exports of different series hold different rows."""
    series = request.series
    if not series:
        return f"latest#{request.feed}"
    digest = blake2b(json.dumps(series, sort_keys=True).encode(), digest_size=8).hexdigest()
    return f"latest#{request.feed}#{digest}"
