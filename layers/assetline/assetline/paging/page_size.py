"""The number of records requested for a page. The cursor contains it, so that no checkpoint has to carry it as well."""

import re

# Undocumented for most feeds, taken by all that were tried (docs/contracts/safetyculture-feeds.md, section 1.2).
PARAMETER = "limit"
MAX_CURSOR_BYTES = 8192  # servers: most refuse a longer request line
LARGEST = 1000  # ours: no feed documents more
LADDER = (LARGEST, 500, 250, 100, 50, 25)  # 25 is what the API gives unasked

# `s` is what Vi calls it, and no feed has a parameter of that name.
_IN_QUERY = re.compile(rf"(?<=[?&])({PARAMETER}|s)=(\d+)(?=[&#]|$)", re.ASCII)
# Page 7 of pages of another size is another place: such a cursor keeps its size.
_COUNTS_PAGES = re.compile(r"(?<=[?&])page(?:_?(?:number|index|no))?=\d+(?=[&#]|$)", re.ASCII | re.IGNORECASE)


def page_size_of(cursor: str) -> int | None:
    """Return the page size that *cursor* asks for; None when it leaves that to the feed."""
    asked = _IN_QUERY.search(cursor)
    return int(asked[2]) if asked else None


def with_page_size(cursor: str, size: int) -> str:
    """Return *cursor* asking for pages of *size*, unless it leaves the size to the feed or counts pages."""
    return cursor if _COUNTS_PAGES.search(cursor) else _IN_QUERY.sub(rf"\g<1>={size}", cursor)


def with_smaller_pages(cursor: str) -> str | None:
    """Return *cursor* asking for the next smaller size of the ladder; None at its foot, or if it cannot be resized."""
    size = page_size_of(cursor)
    smaller = next((step for step in LADDER if size is not None and step < size), None)
    return None if smaller is None or (resized := with_page_size(cursor, smaller)) == cursor else resized
