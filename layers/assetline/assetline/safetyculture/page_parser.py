"""Parses one response of a feed into records and the next cursor."""

import re
from itertools import chain
from typing import Any

import orjson

from assetline.errors import FeedUnavailable, ForeignCursor, PageTooLarge
from assetline.exact_numbers import loaded, loses_digits
from assetline.paging.page import Page, Record
from assetline.paging.page_size import MAX_CURSOR_BYTES

MANY_BYTES = 4 << 20  # ours: a smaller body cannot hold too many values
MAX_DEPTH = 1024  # orjson: the renderer would overflow at a deeper level
MAX_VALUES = 1_000_000  # ours: some sixty bytes of memory each, in a function with 512 MB

# Matches the body up to the value of `next_page` in a leading, flat `metadata` object. All repetitions are possessive:
# a body of another shape fails without backtracking.
_STRING = rb'"(?:[^"\\]++|\\.)*+"'
_MEMBER = rb"%b\s*+:\s*+(?:%b|[-+.0-9A-Za-z]++)\s*+,\s*+" % (_STRING, _STRING)
_OPENING = re.compile(
    rb'\s*+\{\s*+"metadata"\s*+:\s*+\{\s*+(?:(?!"next_page")%b)*+"next_page"\s*+:\s*+(%b|null)\s*+[,}]'
    % (_MEMBER, _STRING),
    re.DOTALL,
)

_BOM = b"\xef\xbb\xbf"
_NARROW = frozenset({str, int, bool, type(None)})  # orjson reads these without loss, and they contain no values


def parse_page(body: bytes | bytearray, seconds: float = 0.0) -> Page:
    """Parse the body of a 200: `{"metadata": {"next_page": …}, "data": […]}`.

    - `next_page` is `null`, `""` or absent on the last page.
    - `remaining_records` is an estimate that the current API omits; any value but a number is ignored.
    - Numbers of any size and precision, and lone surrogates, are kept.
    - A `data` of `null` is an empty page if `metadata` has a `next_page`: some servers encode an empty list as null.
    - A 200 without `data` is a fault.
    - A byte order mark is ignored (RFC 8259, 8.1).

    Source: docs/contracts/safetyculture-feeds.md, section 1.2.

    Raises:
        FeedUnavailable: not JSON, cut short, or not a page; a retry may return a complete page.
        ForeignCursor: `next_page` is too long for an address.
        PageTooLarge: the page holds too many values.
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
    estimate = remaining if type(remaining) is int else None
    return Page(records, next_cursor, estimate, seconds, unsure_end, len(body))


def _next_cursor(metadata: dict[str, Any]) -> str | None:
    """Return `next_page`, None at the end of the feed."""
    next_cursor = metadata.get("next_page")
    if next_cursor is None or next_cursor == "":
        return None
    if not isinstance(next_cursor, str) or not next_cursor.strip():
        raise FeedUnavailable("The feed answered 200 with a `next_page` that is neither null nor an address.")
    if len(next_cursor) > MAX_CURSOR_BYTES or len(next_cursor.encode("utf-8", "surrogatepass")) > MAX_CURSOR_BYTES:
        raise ForeignCursor(
            f"The feed's next_page is longer than {MAX_CURSOR_BYTES:,} bytes: no server accepts such an "
            "address. Start the export again. If the error persists, report the feed to the API's support."
        )
    return next_cursor


def _contradiction(metadata: dict[str, Any]) -> str | None:
    """Return the contradiction in `metadata` if `next_page` marks the end of the feed and another key does not."""
    remaining = metadata.get("remaining_records")
    if metadata.get("next_page_token"):
        return "The last page had a next_page_token, but no next_page."
    if type(remaining) is int and remaining > 0:
        return f"The last page had no next_page, but remaining_records of {remaining}."
    return None


def early_next_cursor(beginning: bytes | bytearray) -> str | None:
    """Return the next cursor in the part of a page's body that has arrived, None if it is not there yet.

    It is found only in a body that begins with `metadata`, as all samples of the live feed do. The order is not
    guaranteed, so the parsed page decides (docs/contracts/safetyculture-feeds.md, section 1.2).
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
        # The parser's message may quote the body, which must not be logged: report the position only.
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
    # The size of the page may be the cause of a cut-off body.
    return FeedUnavailable(f"The feed answered 200 {what}.", smaller_may_help=True)


def _exact_json(body: bytes | bytearray) -> Any:
    """Read JSON slowly and without loss."""
    return loaded(body.removeprefix(_BOM).decode("utf-8", "surrogatepass"))


def _may_have_lost_digits(records: list[Record]) -> bool:
    """Return whether a number was read as a float, which may have lost digits without an error.

    Most records are flat text. For these, a check of the types without a Python loop excludes floats.
    """
    values = chain.from_iterable(map(dict.values, records))
    return not _NARROW.issuperset(map(type, values)) and any(map(_holds_float, records))


def _holds_float(record: Record) -> bool:
    pending: list[Any] = [record]  # no recursion: orjson reads deeper levels than Python's call stack allows
    while pending:
        value = pending.pop()
        if isinstance(value, float):
            return True
        if isinstance(value, dict):
            pending += value.values()
        elif isinstance(value, list):
            pending += value
    return False
