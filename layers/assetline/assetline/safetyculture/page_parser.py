"""One response of a feed: bytes in, records and the next cursor out."""

import json
import re
from dataclasses import dataclass
from itertools import chain
from typing import Any, NoReturn

import orjson

from assetline.errors import FeedUnavailable

type Record = dict[str, Any]

# The body up to the value of the first `next_page` in a `metadata` that comes first; nothing nested on the way there.
# All repetitions are possessive: a body that is not of that shape is given up on without trying it another way.
_STRING = rb'"(?:[^"\\]++|\\.)*+"'
_MEMBER = rb"%b\s*+:\s*+(?:%b|[-+.0-9A-Za-z]++)\s*+,\s*+" % (_STRING, _STRING)
_OPENING = re.compile(
    rb'\s*+\{\s*+"metadata"\s*+:\s*+\{\s*+(?:(?!"next_page")%b)*+"next_page"\s*+:\s*+(%b|null)\s*+[,}]'
    % (_MEMBER, _STRING),
    re.DOTALL,
)

_WIDEST = 2.0**63  # from here on an integer may have come out of orjson as a float, with digits lost
_NARROW = frozenset({str, int, bool, type(None)})  # orjson reads these without loss, and they hold nothing


@dataclass(frozen=True, slots=True)
class Page:
    """What one request brought; `seconds` is how long it took to arrive whole."""

    records: list[Record]
    next_cursor: str | None
    remaining: int | None
    seconds: float = 0.0


def parse_page(body: bytes | bytearray, seconds: float = 0.0) -> Page:
    """Read the body of a 200: `{"metadata": {"next_page": …}, "data": […]}` (contract sheet, section 1).

    `next_page` is `null`, `""` or absent on the last page; `remaining_records` is an estimate that today's API leaves
    out, so anything but a number there is passed over. Integers of any size and lone surrogates are read as they are.
    `data` that is `null` is an empty page, if `metadata` says what follows it: some servers write an empty list so. A
    200 that has no `data` at all is a fault.

    Raises:
        FeedUnavailable: not JSON, cut short, or not a page; asking again may bring a whole one.
    """
    answer = _json(body)
    if not isinstance(answer, dict):
        raise FeedUnavailable("The feed answered 200 with JSON that is not an object.")
    metadata, records = answer.get("metadata"), answer.get("data")
    if not isinstance(metadata, dict):
        raise FeedUnavailable("The feed answered 200 without `metadata`.")
    if records is None and "data" in answer and "next_page" in metadata:
        records = []
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise FeedUnavailable("The feed answered 200 without `data`, a list of objects.")
    next_cursor, remaining = metadata.get("next_page") or None, metadata.get("remaining_records")
    if not isinstance(next_cursor, str | None):
        raise FeedUnavailable("The feed answered 200 with a `next_page` that is not text.")
    if _may_have_lost_digits(records):
        records = _exact_json(body)["data"]
    return Page(records, next_cursor, remaining if type(remaining) is int else None, seconds)


def early_next_cursor(beginning: bytes | bytearray) -> str | None:
    """Return the next cursor that a page's body so far, *beginning*, already tells; None when it tells none yet.

    Only a body that opens with `metadata` does, as every sample of the live feed has it (contract sheet, section 1);
    the order is not promised, so the page as parsed has the last word.
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
    try:
        return _exact_json(body)  # orjson refuses a lone surrogate, which JSON allows
    except (ValueError, RecursionError):
        # The parser's own words can quote the body, which must not reach a log: say where, not what.
        raise FeedUnavailable(f"The feed answered 200 with a body that is not JSON (at byte {refused_at}).") from None


def _exact_json(body: bytes | bytearray) -> Any:
    """Read JSON slowly and without loss."""
    return json.loads(body.decode("utf-8", "surrogatepass"), parse_constant=_no_json)


def _no_json(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _may_have_lost_digits(records: list[Record]) -> bool:
    """Say whether a number is so large that orjson may have read an integer as a float: no error tells of that.

    Most records are flat text, where the types alone, looked at without a loop of Python's, show that there is none.
    """
    values = chain.from_iterable(map(dict.values, records))
    return not _NARROW.issuperset(map(type, values)) and any(map(_holds_wide_float, records))


def _holds_wide_float(record: Record) -> bool:
    pending: list[Any] = [record]  # not by recursion: orjson reads what is nested deeper than Python calls
    while pending:
        value = pending.pop()
        if isinstance(value, float) and abs(value) >= _WIDEST:
            return True
        if isinstance(value, dict):
            pending += value.values()
        elif isinstance(value, list):
            pending += value
    return False
