"""The assets of a dataset in pages, for an export."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, urlencode

from assetline.errors import ViUnavailable
from assetline.paging.page import Page
from assetline.table.columns import Columns
from assetline.vi import datasets
from assetline.vi.client import ViClient
from assetline.vi.page_token import next_token

LARGEST_PAGE = 1000  # Vi: the largest `s` in the official SDK (docs/contracts/vi-api.md, section 2.1)
PAGE_SIZE, PAGE_TOKEN = "s", "p"


class AssetPages:
    """The pages of *dataset_id*. A cursor is the query of a page, without the dataset.

    *params* are parameters of the list in Vi's notation (docs/contracts/vi-api.md, section 2.1). Except for Vi's page
    token, a cursor contains only values of the export's input.
    """

    def __init__(self, client: ViClient, dataset_id: str, params: Mapping[str, str]) -> None:
        self._client = client
        self._dataset_id = dataset_id
        self._params = dict(params)

    def first_cursor(self, page_size: int | None = None, modified_after: str | None = None) -> str:
        """Return the query of the first page, with the largest size or *page_size*."""
        del modified_after  # Vi has no filter for changed assets
        return f"?{urlencode({PAGE_SIZE: str(page_size or LARGEST_PAGE)} | self._params)}"

    def admit(self) -> None:
        """Check that the dataset is readable; raises `KeyMissing`, `KeyRefused`, `DatasetUnknown` and the like."""
        datasets.get(self._client, self._dataset_id)

    def columns(self) -> Columns | None:
        """Return None: the columns depend on the tags and metadata of the assets."""
        return None

    def ask(self, cursor: str) -> Callable[[Callable[[str], None]], Page]:
        """Request the page at *cursor*, and return a function that waits for it as `fetch` does. Raises nothing."""
        with suppress(Exception):  # the same error occurs again, and is raised, while waiting for the page
            requested_at, query = time.monotonic(), _query_of(cursor)
            waited = self._client.ask(self._path(), query)
            return lambda on_next: _page(waited(), query, requested_at, on_next)
        return lambda on_next: self.fetch(cursor, on_next)

    def fetch(self, cursor: str, on_next: Callable[[str], None] = lambda _: None) -> Page:
        """Return the page at *cursor*, and call *on_next* with the next cursor if there is one.

        Raises:
            ViUnavailable, ViUnreachable, RateLimited: a retry may succeed.
            KeyRefused, KeyForbidden, DatasetUnknown, ViRefused: a retry would also fail.
        """
        requested_at, query = time.monotonic(), _query_of(cursor)
        return _page(self._client.send("GET", self._path(), params=query), query, requested_at, on_next)

    def _path(self) -> str:
        return f"{self._client.dataset_path(self._dataset_id)}/assets"


def _query_of(cursor: str) -> dict[str, str]:
    return dict(parse_qsl(cursor.removeprefix("?"), keep_blank_values=True))


def _page(
    answer: Any, query: dict[str, str], requested_at: float, on_next: Callable[[str], None] = lambda _: None
) -> Page:
    """Return the page that answers *query*, and call *on_next* with the next cursor if there is one."""
    records, token = _records_and_token(answer)
    next_cursor = f"?{urlencode(query | {PAGE_TOKEN: token})}" if token else None
    if next_cursor:
        on_next(next_cursor)
    return Page(records, next_cursor, None, time.monotonic() - requested_at)


def _records_and_token(answer: Any) -> tuple[list[dict[str, Any]], str | None]:
    # By the contract, any JSON object is an empty page (docs/contracts/vi-api.md, section 2.3). But a faulty answer
    # would then end the list early.
    items = answer.get("items") if isinstance(answer, dict) else None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ViUnavailable("Vi answered 200 without `items`, a list of objects.")
    return items, next_token(answer)
