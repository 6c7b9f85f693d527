"""The layout of an export's records: their key, and their columns in a table."""

from collections.abc import Callable
from dataclasses import dataclass

from assetline.assets import asset_rows as rows
from assetline.export.request import AnyRequest, AssetsRequest
from assetline.paging.page import Record
from assetline.safetyculture.catalogue import feed_named


@dataclass(frozen=True)
class Shape:
    """The layout of a source's records.

    `key` identifies a record, `key_columns` does so in a table. `columns` are the known ones, in order. Keys with a
    prefix of `open_columns` get a column each when they are found. `flat` turns a record into the cells of a row; None
    if it is one already. `kept` selects records; None selects all.
    """

    key: tuple[str, ...]
    key_columns: tuple[str, ...]
    columns: tuple[str, ...]
    open_columns: tuple[str, ...] = ()
    flat: Callable[[Record], Record] | None = None
    kept: Callable[[Record], bool] | None = None


def shape_of(request: AnyRequest) -> Shape:
    """Return the layout of a request's records."""
    if isinstance(request, AssetsRequest):
        return Shape(
            rows.KEY,
            rows.KEY_COLUMNS,
            rows.COLUMNS + (rows.CONTENTS_COLUMNS if request.contents else ()),
            rows.OPEN_COLUMNS,
            rows.flat,
            None if request.where is None else request.where.admits,
        )
    feed = feed_named(request.feed)
    return Shape(feed.key, feed.key, feed.columns)
