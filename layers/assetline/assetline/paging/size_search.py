"""Selects the next page size from the pages that arrived and those that failed.

A page may fail because of its size: a gateway times out, a server runs out of memory, a message exceeds a limit. A
server that is down sends the same answers. So a smaller page is a probe. If it arrives, the size was the cause. If no
smaller size arrives either, the size was not the cause, and the reader returns to the full size.
"""

from assetline.paging.page_size import LADDER, page_size_of, with_page_size, with_smaller_pages

PROBE_AT = (2, 8)  # ours: faults in a row after which smaller pages are probed; one fault may be chance
CLIMB_AFTER = 8  # ours: smaller pages before a larger size is attempted; doubled at each failed attempt
CLIMB_AFTER_MOST = 512  # ours


class SizeSearch:
    """Searches the page size at one place of a feed, and returns to *full_size* afterwards.

    `full_size` is the size to return to, None while it is in use. `found` is the largest size that arrived during a
    search.
    """

    def __init__(self, full_size: int | None = None) -> None:
        self.full_size = full_size
        self.found: int | None = None
        self._pages = 0  # pages since the size was lowered or last raised
        self._climb_after = CLIMB_AFTER
        self._raised_from: int | None = None

    def is_probing(self, faults: int) -> bool:
        """Return whether the next page is a probe; a failed probe does not count as one of the *faults* in a row."""
        return self._raised_from is not None or (self.full_size is not None and faults in PROBE_AT)

    def after_refusal(self, cursor: str, *, in_first_page: bool) -> str | None:
        """Return the next cursor after the page at *cursor* was refused for its size; None without one.

        The first page sets the size of all pages. A later page is an exception: the pages after it get the full size
        again.
        """
        if self._raised_from is not None:
            return self._stepped_back(cursor)
        smaller = with_smaller_pages(cursor)
        if smaller is not None and not in_first_page:
            self._note_full_size(cursor)
        return smaller

    def after_fault(self, cursor: str, faults: int) -> str | None:
        """Return the next cursor after *faults* failures in a row at *cursor*; None to request the same page."""
        if self._raised_from is not None:
            return self._stepped_back(cursor)
        if faults not in PROBE_AT:
            return None
        smaller = with_smaller_pages(cursor)
        if smaller is not None:
            self._note_full_size(cursor)
            return smaller
        if self.full_size is None:
            return None
        full_size, self.full_size = self.full_size, None
        return with_page_size(cursor, full_size)

    def after_page(self, cursor: str, following: str | None) -> str | None:
        """Return the next cursor after the page at *cursor* arrived with the cursor *following*."""
        size, rose = page_size_of(cursor), self._raised_from is not None
        self._raised_from = None
        if size is None or self.full_size is None:
            return following
        if rose:
            self.found = size
        if size >= self.full_size:
            self.full_size = None
            return following
        self._pages += 1
        if following is None or page_size_of(following) is None:
            return following
        if self._pages < self._climb_after:
            return with_page_size(following, size)
        return self._raised(following, size, self.full_size)

    def _raised(self, following: str, size: int, full_size: int) -> str:
        larger = min([step for step in LADDER if size < step < full_size], default=full_size)
        self._pages, self._raised_from = 0, size
        return with_page_size(following, larger)

    def _stepped_back(self, cursor: str) -> str:
        size, self._raised_from = self._raised_from or 0, None
        self._climb_after = min(2 * self._climb_after, CLIMB_AFTER_MOST)
        return with_page_size(cursor, size)

    def _note_full_size(self, cursor: str) -> None:
        self.full_size = self.full_size or page_size_of(cursor)
