"""Lists the assets of a selection in pages, with the values needed to download them."""

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
IDS_A_PAGE = 200  # ours: the files of a slice
_OFFSET = "#"  # for ids, in a cursor; the cursor of a page begins with `?`

# All listings use the same order: names are assigned in it, and a repeat must assign the same ones.
_ORDERED = {"sortBy": "assetId"}
_WITH_CONTENTS = {"contents": "y"}


@dataclass(frozen=True)
class ListedPage:
    """One page: the selected assets, the number of others, the ids without an asset, the next cursor."""

    records: list[dict[str, Any]]
    excluded: int
    unknown: list[str]
    next_cursor: str | None


@dataclass
class Listing:
    """Lists a selection, with signed URLs if *contents* is true; a cursor is the place to resume from.

    *order* is the sort order in Vi's notation (`sortBy`, `o`), *page_size* the number of assets per page.
    """

    client: ViClient
    selection: Selection
    contents: bool = True
    order: Mapping[str, str] = field(default_factory=lambda: _ORDERED)
    page_size: int | None = None
    _seen: set[str] = field(default_factory=set, init=False)

    def admit(self) -> None:
        """Check that the dataset is readable; raises `KeyMissing`, `KeyRefused`, `DatasetUnknown` and the like."""
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
        """Return the page at *cursor*, None for the first; it is smaller than requested if Vi refuses the size.

        Raises:
            RepeatedCursor: the next page was read before.
            And as `AssetPages.fetch` and `Assets.get`.
        """
        page = self._page_of_ids(cursor) if self.selection.ids is not None else self._page_of_found(cursor)
        if page.next_cursor is not None:
            if page.next_cursor in self._seen | {cursor}:
                raise RepeatedCursor(
                    "Vi's list of assets leads back to a page already read, so it would never end. Try again later."
                )
            self._seen.add(page.next_cursor)
        return page

    def _page_of_found(self, cursor: str | None) -> ListedPage:
        params = self.selection.wire_params() | dict(self.order) | (_WITH_CONTENTS if self.contents else {})
        pages = AssetPages(self.client, self.selection.dataset_id, params)
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
        raise AssertionError("the loop returns a page or raises its refusal")

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
        selected = [record for record in records if admits(record)]
        return ListedPage(selected, len(records) - len(selected), unknown, next_cursor)
