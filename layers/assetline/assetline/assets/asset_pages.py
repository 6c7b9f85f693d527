"""The assets of a dataset, page by page, as an export reads them."""

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

LARGEST_PAGE = 1000  # Vi: `s` is at most that in the official SDK (docs/contracts/vi-api.md, section 2.1)
PAGE_SIZE, PAGE_TOKEN = "s", "p"


class AssetPages:
    """The pages of *dataset_id*; a cursor is the query of one, without the dataset.

    *asked* are parameters of the list as Vi spells them (docs/contracts/vi-api.md, section 2.1). A cursor says
    nothing that is not in the input of the export, but for Vi's page token.
    """

    def __init__(self, client: ViClient, dataset_id: str, asked: Mapping[str, str]) -> None:
        self._client = client
        self._dataset_id = dataset_id
        self._asked = dict(asked)

    def first_cursor(self, page_size: int | None = None, modified_after: str | None = None) -> str:
        """Return the query of the first page, of the largest size that is taken unless *page_size* says another."""
        del modified_after  # Vi cannot be asked for what has changed
        return f"?{urlencode({PAGE_SIZE: str(page_size or LARGEST_PAGE)} | self._asked)}"

    def admit(self) -> None:
        """Ask for the dataset; raises `KeyMissing`, `KeyRefused`, `DatasetUnknown` and the like."""
        datasets.get(self._client, self._dataset_id)

    def columns(self) -> Columns | None:
        """Return None: which tags and metadata there are, the assets show."""
        return None

    def ask(self, cursor: str) -> Callable[[Callable[[str], None]], Page]:
        """Ask for the page at *cursor*; return what waits for it, as `fetch` does. Raises nothing itself."""
        with suppress(Exception):  # whatever is in the way is met again, and raised, by who waits for the page
            asked_at, query = time.monotonic(), _query_of(cursor)
            waited = self._client.ask(self._path(), query)
            return lambda on_next: _page(waited(), query, asked_at, on_next)
        return lambda on_next: self.fetch(cursor, on_next)

    def fetch(self, cursor: str, on_next: Callable[[str], None] = lambda _: None) -> Page:
        """Return the page at *cursor*; *on_next* is told the next one's when there is one.

        Raises:
            ViUnavailable, ViUnreachable, RateLimited: it may be asked for again.
            KeyRefused, KeyForbidden, DatasetUnknown, ViRefused: asking again would not help.
        """
        asked_at, query = time.monotonic(), _query_of(cursor)
        return _page(self._client.send("GET", self._path(), params=query), query, asked_at, on_next)

    def _path(self) -> str:
        return f"{self._client.dataset_path(self._dataset_id)}/assets"


def _query_of(cursor: str) -> dict[str, str]:
    return dict(parse_qsl(cursor.removeprefix("?"), keep_blank_values=True))


def _page(answer: Any, query: dict[str, str], asked_at: float, on_next: Callable[[str], None] = lambda _: None) -> Page:
    """Return the page that answers *query*; *on_next* is told the next one's cursor when there is one."""
    records, token = _records_and_token(answer)
    next_cursor = f"?{urlencode(query | {PAGE_TOKEN: token})}" if token else None
    if next_cursor:
        on_next(next_cursor)
    return Page(records, next_cursor, None, time.monotonic() - asked_at)


def _records_and_token(answer: Any) -> tuple[list[dict[str, Any]], str | None]:
    # Any JSON object would do for an empty page (docs/contracts/vi-api.md, section 2.3), and a fault would end the
    # list early.
    items = answer.get("items") if isinstance(answer, dict) else None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ViUnavailable("Vi answered 200 without `items`, a list of objects.")
    return items, next_token(answer)
