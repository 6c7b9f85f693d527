"""The last complete export of a feed: the start of the next one, and the base of its changes."""

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
PAGE_SIZE_HOLDS = timedelta(days=7)  # ours: then the size is searched again


class Latest(BaseModel, frozen=True):
    """The last complete export of a feed with certain `params`.

    `watermark` is the start of the last one of any kind: it contains no later change. `page_size` is the largest size
    that the feed sent, `page_size_found_at` the time of the search. The other fields are those of the last export of
    the complete feed, not of changes. `csv_key` and `jsonl_key` are the last such files of each kind of format.
    `columns` are those of the last CSV; the state of the machine does not contain them.
    """

    watermark: datetime
    page_size: int | None = None
    page_size_found_at: datetime | None = None
    whole_export_id: str | None = None
    key: str | None = None
    format: str | None = None
    rows: int | None = None
    finished_at: datetime | None = None
    csv_key: str | None = None
    jsonl_key: str | None = None
    columns: Columns | None = Field(default=None, exclude=True, repr=False)

    def file_like(self, format_: str) -> str | None:
        """Return the key of the last file that can be compared with one in *format_*, None without one.

        Custom fields are columns in CSV and one text in JSON lines: between the two, every row would differ.
        """
        if self.format is not None and _kind(self.format) == _kind(format_):
            return self.key
        return self.csv_key if _kind(format_) == "csv" else self.jsonl_key

    def page_size_at(self, moment: datetime) -> int | None:
        """Return the page size to request; None, to search it again, if it was found long before *moment*."""
        found_at = self.page_size_found_at
        return None if found_at is None or moment - found_at > PAGE_SIZE_HOLDS else self.page_size


class LatestExports:
    """Items of the exports table under names that no export has: `latest#<feed>`, with a digest of `params` if any."""

    def __init__(self, table: "Table") -> None:
        self._table = table
        self._refused = table.meta.client.exceptions.ConditionalCheckFailedException

    def of(self, request: AnyRequest) -> Latest | None:
        """Return the last complete export of the same feed and `params`, None without one."""
        item = self._table.get_item(Key={"export_id": _name(request)}, ConsistentRead=True).get("Item")
        if item is None:
            return None
        packed = item.pop(_COLUMNS, None)
        columns = None if packed is None else Columns.model_validate_json(zlib.decompress(bytes(cast("bytes", packed))))
        return Latest.model_validate(item | {"columns": columns})

    def note(self, request: AnyRequest, latest: Latest) -> bool:
        """Record a complete export; return False if it started earlier than the recorded one: nothing is changed."""
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
            return False
        return True


def _kind(format_: str) -> str:
    return format_.removesuffix(".gz")


def _name(request: AnyRequest) -> str:
    """Return the name of an export's series; exports of different series hold different rows."""
    series = request.series
    if not series:
        return f"latest#{request.feed}"
    digest = blake2b(json.dumps(series, sort_keys=True).encode(), digest_size=8).hexdigest()
    return f"latest#{request.feed}#{digest}"
