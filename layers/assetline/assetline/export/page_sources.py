"""The source of an export's pages: a SafetyCulture feed or a Vi dataset. The page loop treats them alike."""

from collections.abc import Callable
from typing import Protocol

from assetline.assets.asset_pages import AssetPages
from assetline.errors import InvalidInput
from assetline.export.request import AnyRequest, AssetsRequest, ExportRequest
from assetline.paging.reader import Answer
from assetline.safetyculture.catalogue import feed_named
from assetline.safetyculture.client import FeedClient
from assetline.safetyculture.definition import MODIFIED_AFTER
from assetline.table.columns import FIELDS, Columns, defined_fields
from assetline.vi.client import ViClient


class PageSource(Protocol):
    """A source of pages, each with the cursor of the next one."""

    def first_cursor(self, page_size: int | None, modified_after: str | None) -> str:
        """Return the cursor of the first page; raises `InvalidInput` for an option that the source does not support."""

    def admit(self) -> None:
        """Check that the credential gives access to the source; raises the error of the refusal."""

    def columns(self) -> Columns | None:
        """Return the columns, if they are known before the first page."""

    def ask(self, cursor: str) -> Answer:
        """Request the page at *cursor*; return a function that waits for it and reports the next cursor early."""


class FeedSource:
    """A feed of SafetyCulture."""

    def __init__(self, request: ExportRequest, client: FeedClient) -> None:
        self._request = request
        self._feed = feed_named(request.feed)
        self._client = client
        self.ask = client.ask

    def first_cursor(self, page_size: int | None, modified_after: str | None) -> str:
        """Return path and query of the first page; raises `InvalidInput`, see `Feed.first_cursor`."""
        if self._request.since is not None:
            if not self._feed.takes_modified_after:
                raise InvalidInput(f"Feed {self._feed.name} cannot be filtered by changes: leave `since` out.")
            if MODIFIED_AFTER in self._request.params:
                raise InvalidInput(f"`since` sets {MODIFIED_AFTER!r}: leave one of the two out.")
        params = self._request.wire_params() | ({MODIFIED_AFTER: modified_after} if modified_after else {})
        return self._feed.first_cursor(params, page_size)

    def admit(self) -> None:
        """Check the token; raises as `FeedClient.who_am_i`."""
        self._client.who_am_i()

    def columns(self) -> Columns | None:
        """Read the custom fields from the API, if the feed has any and the token may read them."""
        if FIELDS not in self._feed.columns or not self._request.format.startswith("csv"):
            return None
        definitions = self._client.field_definitions()
        return None if definitions is None else Columns.flattened(self._feed.columns, defined_fields(definitions))


def source_of(request: AnyRequest, feeds: Callable[[], FeedClient], vi: Callable[[], ViClient]) -> PageSource:
    """Return the source of a request's pages; raises `UnknownFeed`."""
    if isinstance(request, AssetsRequest):
        return AssetPages(vi(), request.dataset_id, request.wire_params())
    return FeedSource(request, feeds())
