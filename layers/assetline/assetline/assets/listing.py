"""The assets of a selection, page by page, with what it takes to download them."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from assetline.assets.asset_pages import AssetPages
from assetline.assets.selection import Selection
from assetline.errors import AssetUnknown, RepeatedCursor, ViRefused
from assetline.paging.page_size import with_smaller_pages
from assetline.vi import datasets
from assetline.vi.assets import Assets
from assetline.vi.client import ViClient

IDS_AT_ONCE = 16  # ours
IDS_A_PAGE = 200  # ours: as many as a slice has
_OFFSET = "#"  # of ids, in a cursor; that of a page begins with `?`

# One order for every listing: names are given out in it, and a repeat must give out the same.
_ORDERED = {"sortBy": "assetId"}
_WITH_CONTENTS = {"contents": "y"}


@dataclass(frozen=True)
class ListedPage:
    """Some assets: those that are meant, how many are not, the ids of which there is no asset, where the next is."""

    records: list[dict[str, Any]]
    excluded: int
    unknown: list[str]
    next_cursor: str | None


@dataclass
class Listing:
    """Lists a selection, with signed URLs if *contents* are asked for; a cursor is where it goes on.

    *order* is what Vi is to sort by (`sortBy`, `o`), *page_size* how many assets it is to list at a time.
    """

    client: ViClient
    selection: Selection
    contents: bool = True
    order: Mapping[str, str] = field(default_factory=lambda: _ORDERED)
    page_size: int | None = None
    _seen: set[str] = field(default_factory=set, init=False)

    def admit(self) -> None:
        """Ask for the dataset; raises `KeyMissing`, `KeyRefused`, `DatasetUnknown` and the like."""
        datasets.get(self.client, self.selection.dataset_id)

    def pages(self, cursor: str | None = None) -> Iterator[ListedPage]:
        """Yield the pages from *cursor*, or from the first, to the last; raises as `page`."""
        while True:
            page = self.page(cursor)
            yield page
            cursor = page.next_cursor
            if cursor is None:
                return

    def page(self, cursor: str | None) -> ListedPage:
        """Return the page at *cursor*, None for the first; smaller than it was meant to be, if Vi insists on it.

        Raises:
            RepeatedCursor: the next page is one that was there before.
            And as `AssetPages.fetch` and `Assets.get`.
        """
        page = self._page_of_ids(cursor) if self.selection.ids is not None else self._page_of_found(cursor)
        if page.next_cursor is not None:
            if page.next_cursor in self._seen | {cursor}:
                raise RepeatedCursor("Vi's list of assets leads back to a page already read.")
            self._seen.add(page.next_cursor)
        return page

    def _page_of_found(self, cursor: str | None) -> ListedPage:
        asked = self.selection.wire_params() | dict(self.order) | (_WITH_CONTENTS if self.contents else {})
        pages = AssetPages(self.client, self.selection.dataset_id, asked)
        ahead: str | None = cursor or pages.first_cursor(self.page_size)
        while ahead is not None:
            try:
                page = pages.fetch(ahead)
            except ViRefused as error:
                ahead = with_smaller_pages(ahead) if error.smaller_may_help else None
                if ahead is None:
                    raise
            else:
                return self._listed(page.records, [], page.next_cursor)
        raise AssertionError("a page is returned, or its refusal raised")

    def _page_of_ids(self, cursor: str | None) -> ListedPage:
        ids = [*dict.fromkeys(self.selection.ids or ())]
        start = int(cursor.removeprefix(_OFFSET)) if cursor else 0
        end = start + IDS_A_PAGE
        assets = Assets(self.client, self.selection.dataset_id)

        def get(asset_id: str) -> dict[str, Any] | None:
            try:
                return assets.get(asset_id, contents=self.contents)
            except AssetUnknown:
                return None

        with ThreadPoolExecutor(IDS_AT_ONCE) as threads:
            found = dict(zip(ids[start:end], threads.map(get, ids[start:end]), strict=True))
        records = [record for record in found.values() if record is not None]
        unknown = [asset_id for asset_id, record in found.items() if record is None]
        return self._listed(records, unknown, f"{_OFFSET}{end}" if end < len(ids) else None)

    def _listed(self, records: list[dict[str, Any]], unknown: list[str], next_cursor: str | None) -> ListedPage:
        where = self.selection.where
        admits: Callable[[dict[str, Any]], bool] = where.admits if where is not None else lambda _: True
        meant = [record for record in records if admits(record)]
        return ListedPage(meant, len(records) - len(meant), unknown, next_cursor)
