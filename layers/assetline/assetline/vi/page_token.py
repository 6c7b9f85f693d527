"""The token of the next page of a list, from the page before it."""

from collections.abc import Mapping
from typing import Any

from assetline.errors import ViRefused, ViUnavailable
from assetline.paging.page_size import MAX_CURSOR_BYTES


def next_token(answer: Mapping[str, Any]) -> str | None:
    """Return the token of the next page, None at the end: `nextPage` is then absent, null or empty.

    Raises:
        ViUnavailable: `nextPage` is not text; a retry may return a token.
        ViRefused: `nextPage` is too long for a request.
    """
    token = answer.get("nextPage")
    if token is None or token == "":
        return None
    if not isinstance(token, str):
        raise ViUnavailable("Vi answered 200 with a `nextPage` that is neither null nor text.")
    if len(token) > MAX_CURSOR_BYTES:
        raise ViRefused(f"Vi's nextPage is longer than {MAX_CURSOR_BYTES:,} characters: no server accepts it.")
    return token
