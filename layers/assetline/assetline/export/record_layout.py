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

    `key` is what tells records apart, `key_columns` the same in a table. `columns` are those that are known, in order;
    keys that begin with one of `open_columns` get a column each as they are found. `flat` makes a record the cells of
    a row, None where it is that already. `kept` says which records are meant; None is all.
    """

    key: tuple[str, ...]
    key_columns: tuple[str, ...]
    columns: tuple[str, ...]
    open_columns: tuple[str, ...] = ()
    flat: Callable[[Record], Record] | None = None
    kept: Callable[[Record], bool] | None = None


def shape_of(request: AnyRequest) -> Shape:
    """Return what the records of what is asked for are like."""
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
