"""The number of records requested per page. The cursor contains it, so that checkpoints need no field for it."""

import re

# Undocumented for most feeds, accepted by all feeds tested (docs/contracts/safetyculture-feeds.md, section 1.2).
PARAMETER = "limit"
MAX_CURSOR_BYTES = 8192  # servers: most refuse a longer request line
LARGEST = 1000  # ours: no feed documents more
LARGE_PAGE_BYTES = 12 << 20  # ours: in memory, a page takes several times its bytes, and a function has 512 MB
LADDER = (LARGEST, 500, 250, 100, 50, 25)  # 25 is the API's default

# Vi calls the parameter `s`; no feed has a parameter of that name.
_IN_QUERY = re.compile(rf"(?<=[?&])({PARAMETER}|s)=(\d+)(?=[&#]|$)", re.ASCII)
# In pages of another size, page 7 starts at another record: such a cursor keeps its size.
_COUNTS_PAGES = re.compile(r"(?<=[?&])page(?:_?(?:number|index|no))?=\d+(?=[&#]|$)", re.ASCII | re.IGNORECASE)


def page_size_of(cursor: str) -> int | None:
    """Return the page size in *cursor*, None if it contains none."""
    found = _IN_QUERY.search(cursor)
    return int(found[2]) if found else None


def with_page_size(cursor: str, size: int) -> str:
    """Return *cursor* with the page size *size*, unless it contains no size or counts pages."""
    return cursor if _COUNTS_PAGES.search(cursor) else _IN_QUERY.sub(rf"\g<1>={size}", cursor)


def with_smaller_pages(cursor: str) -> str | None:
    """Return *cursor* with the next smaller size of `LADDER`, None at the end or if it cannot be resized."""
    size = page_size_of(cursor)
    smaller = next((step for step in LADDER if size is not None and step < size), None)
    return None if smaller is None or (resized := with_page_size(cursor, smaller)) == cursor else resized
