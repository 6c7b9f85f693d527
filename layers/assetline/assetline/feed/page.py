"""One response of a feed: bytes in, records and the next cursor out."""

from dataclasses import dataclass
from typing import Any

import orjson

from assetline.errors import FeedUnavailable

type Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """What one request brought; `seconds` is how long it took to arrive whole."""

    records: list[Record]
    next_cursor: str | None
    remaining: int | None
    seconds: float = 0.0


def parse_page(body: bytes, seconds: float = 0.0) -> Page:
    """Read the body of a 200: `{"metadata": {"next_page": …}, "data": […]}` (contract sheet, section 1).

    `next_page` is `null`, `""` or absent on the last page; `remaining_records` is an estimate that today's API leaves
    out, so anything but a number there is passed over.

    Raises:
        FeedUnavailable: not JSON, cut short, or not a page; asking again may bring a whole one.
    """
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        # The parser's own words can quote the body, which must not reach a log: say where, not what.
        raise FeedUnavailable(f"The feed answered 200 with a body that is not JSON (at byte {error.pos}).") from None
    if not isinstance(answer, dict):
        raise FeedUnavailable("The feed answered 200 with JSON that is not an object.")
    metadata, records = answer.get("metadata"), answer.get("data")
    if not isinstance(metadata, dict):
        raise FeedUnavailable("The feed answered 200 without `metadata`.")
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise FeedUnavailable("The feed answered 200 without `data`, a list of objects.")
    next_cursor, remaining = metadata.get("next_page") or None, metadata.get("remaining_records")
    if not isinstance(next_cursor, str | None):
        raise FeedUnavailable("The feed answered 200 with a `next_page` that is not text.")
    return Page(records, next_cursor, remaining if type(remaining) is int else None, seconds)
