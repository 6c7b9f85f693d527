"""One response of a feed: bytes in, records and the next cursor out."""

import re
from itertools import chain
from typing import Any

import orjson

from assetline.errors import FeedUnavailable, ForeignCursor, PageTooLarge
from assetline.exact_numbers import loaded, loses_digits
from assetline.paging.page import Page, Record
from assetline.paging.page_size import MAX_CURSOR_BYTES

MANY_BYTES = 4 << 20  # ours: a body below that cannot hold too many values
MAX_DEPTH = 1024  # orjson: what is nested deeper would overflow what renders it
MAX_VALUES = 1_000_000  # ours: some sixty bytes of memory each, in a function that has 512 MB

# The body up to the value of the first `next_page` in a `metadata` that comes first; nothing nested on the way there.
# All repetitions are possessive: a body that is not of that shape is given up on without trying it another way.
_STRING = rb'"(?:[^"\\]++|\\.)*+"'
_MEMBER = rb"%b\s*+:\s*+(?:%b|[-+.0-9A-Za-z]++)\s*+,\s*+" % (_STRING, _STRING)
_OPENING = re.compile(
    rb'\s*+\{\s*+"metadata"\s*+:\s*+\{\s*+(?:(?!"next_page")%b)*+"next_page"\s*+:\s*+(%b|null)\s*+[,}]'
    % (_MEMBER, _STRING),
    re.DOTALL,
)

_BOM = b"\xef\xbb\xbf"
_NARROW = frozenset({str, int, bool, type(None)})  # orjson reads these without loss, and they hold nothing


def parse_page(body: bytes | bytearray, seconds: float = 0.0) -> Page:
    """Read the body of a 200: `{"metadata": {"next_page": …}, "data": […]}`.

    `next_page` is `null`, `""` or absent on the last page; `remaining_records` is an estimate that today's API leaves
    out, so anything but a number there is passed over. Numbers of any size and precision, and lone surrogates, are read
    as they are. `data` that is `null` is an empty page, if `metadata` says what follows it: some servers write an empty
    list so. A 200 that has no `data` at all is a fault. A byte order mark is passed over (RFC 8259, 8.1).

    Source: docs/contracts/safetyculture-feeds.md, section 1.2.

    Raises:
        FeedUnavailable: not JSON, cut short, or not a page; asking again may bring a whole one.
        ForeignCursor: `next_page` is too long for an address.
        PageTooLarge: it holds too many values.
    """
    if len(body) > MANY_BYTES and sum(map(body.count, b"{[,")) > MAX_VALUES:
        raise PageTooLarge(f"A page of the feed holds more than {MAX_VALUES:,} values: give a smaller `page_size`.")
    answer = _json(body)
    if not isinstance(answer, dict):
        raise _broken("with JSON that is not an object")
    metadata, records = answer.get("metadata"), answer.get("data")
    if not isinstance(metadata, dict):
        raise _broken("without `metadata`")
    if records is None and "data" in answer and "next_page" in metadata:
        records = []
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise _broken("without `data`, a list of objects")
    next_cursor, remaining = _next_cursor(metadata), metadata.get("remaining_records")
    if _may_have_lost_digits(records) and loses_digits(body):
        records = _exact_json(body)["data"]
    unsure_end = _contradiction(metadata) if next_cursor is None else None
    return Page(records, next_cursor, remaining if type(remaining) is int else None, seconds, unsure_end)


def _next_cursor(metadata: dict[str, Any]) -> str | None:
    """Return `next_page`, None at the end of the feed."""
    next_cursor = metadata.get("next_page")
    if next_cursor is None or next_cursor == "":
        return None
    if not isinstance(next_cursor, str) or not next_cursor.strip():
        raise FeedUnavailable("The feed answered 200 with a `next_page` that is neither null nor an address.")
    if len(next_cursor) > MAX_CURSOR_BYTES or len(next_cursor.encode("utf-8", "surrogatepass")) > MAX_CURSOR_BYTES:
        raise ForeignCursor(
            f"The feed's next_page is longer than {MAX_CURSOR_BYTES:,} bytes: no server takes such an address. Start "
            "the export anew; if it comes again, tell the API's support which feed it is."
        )
    return next_cursor


def _contradiction(metadata: dict[str, Any]) -> str | None:
    """Return what `metadata` says against the end of the feed, beside a `next_page` that says it is here."""
    remaining = metadata.get("remaining_records")
    if metadata.get("next_page_token"):
        return "The last page had a next_page_token, but no next_page."
    if type(remaining) is int and remaining > 0:
        return f"The last page had no next_page, but remaining_records of {remaining}."
    return None


def early_next_cursor(beginning: bytes | bytearray) -> str | None:
    """Return the next cursor that a page's body so far, *beginning*, already tells; None when it tells none yet.

    Only a body that opens with `metadata` does, as every sample of the live feed has it; the order is not promised,
    so the page as parsed has the last word (docs/contracts/safetyculture-feeds.md, section 1.2).
    """
    opening = _OPENING.match(beginning)
    if opening is None:
        return None
    try:
        next_cursor = orjson.loads(opening[1])
    except orjson.JSONDecodeError:
        return None
    return next_cursor or None


def _json(body: bytes | bytearray) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        refused_at = error.pos
    if body.startswith(_BOM):
        return _json(body[len(_BOM) :])
    try:
        answer = _exact_json(body)  # orjson refuses a lone surrogate, which JSON allows
    except RecursionError:
        raise _nested_too_deeply() from None
    except ValueError:
        # The parser's own words can quote the body, which must not reach a log: say where, not what.
        raise _broken(f"with a body that is not JSON (at byte {refused_at})") from None
    if _is_nested_too_deeply(answer):
        raise _nested_too_deeply()
    return answer


def _is_nested_too_deeply(answer: Any) -> bool:
    level = [answer]
    for _ in range(MAX_DEPTH):
        containers = [value for value in level if isinstance(value, dict | list)]
        level = [*chain.from_iterable(value.values() if isinstance(value, dict) else value for value in containers)]
        if not level:
            return False
    return True


def _nested_too_deeply() -> FeedUnavailable:
    return FeedUnavailable("The feed answered 200 with JSON that is nested too deeply (more than 1,024 levels).")


def _broken(what: str) -> FeedUnavailable:
    # What is cut short may have been so for its size.
    return FeedUnavailable(f"The feed answered 200 {what}.", smaller_may_help=True)


def _exact_json(body: bytes | bytearray) -> Any:
    """Read JSON slowly and without loss."""
    return loaded(body.removeprefix(_BOM).decode("utf-8", "surrogatepass"))


def _may_have_lost_digits(records: list[Record]) -> bool:
    """Say whether a number was read as a float, which may have lost digits: no error tells of that.

    Most records are flat text, where the types alone, looked at without a loop of Python's, show that there is none.
    """
    values = chain.from_iterable(map(dict.values, records))
    return not _NARROW.issuperset(map(type, values)) and any(map(_holds_float, records))


def _holds_float(record: Record) -> bool:
    pending: list[Any] = [record]  # not by recursion: orjson reads what is nested deeper than Python calls
    while pending:
        value = pending.pop()
        if isinstance(value, float):
            return True
        if isinstance(value, dict):
            pending += value.values()
        elif isinstance(value, list):
            pending += value
    return False
