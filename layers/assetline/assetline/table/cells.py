"""Renders values as the text of a cell: text unchanged, money and time in one readable form, the rest as JSON."""

import re
from collections.abc import Callable
from datetime import date
from functools import lru_cache
from itertools import permutations
from typing import Any

import orjson

from assetline.exact_numbers import digits_of, dumped

type Value = Any  # any JSON value

_EPOCH = date(1970, 1, 1).toordinal()
_CLOCK = [f"{minute // 60:02}:{minute % 60:02}" for minute in range(1440)]
_SECOND = [f"{second:02}" for second in range(60)]
_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799  # google.protobuf.Timestamp: years 1 to 9999
_INT64_END = 2**63
_CURRENCY = re.compile(r"[A-Z]{3}")  # ISO 4217
_NANOS = 1_000_000_000


def cell_text(value: Value) -> str:
    """Return *value* as the text of a cell: text unchanged, null empty, money, time, the rest as JSON.

    Money and time have the shapes of docs/contracts/safetyculture-feeds.md, section 1.5: `111.5 AUD`,
    `2022-11-29T11:00:00Z`. A value of any other shape is rendered as JSON.
    """
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if type(value) is dict and (text_of := _TEXT_OF_SHAPE.get(tuple(value))) is not None:
        text: str | None = text_of(value)
        return as_json(value) if text is None else text
    return as_json(value)


def as_json(value: Value) -> str:
    """Return *value* as compact JSON. Lone surrogates stay; encoding the file escapes them."""
    try:
        return orjson.dumps(value, default=_fragment).decode()
    except TypeError:  # an integer beyond 64 bits, a lone surrogate, or more than 254 levels
        return dumped(value)


def json_bytes(value: Value) -> bytes:
    """Return *value* as compact JSON, in bytes that keep different lone surrogates different."""
    try:
        return orjson.dumps(value, default=_fragment)
    except TypeError:
        return dumped(value).encode("utf-8", "surrogatepass")


def _fragment(value: Any) -> orjson.Fragment:
    return orjson.Fragment(digits_of(value))


def money_text(currency: str, units: int, nanos: int) -> str | None:
    """Return an amount as an exact decimal and its currency, None if its signs or digits are invalid."""
    if not -_NANOS < nanos < _NANOS or units * nanos < 0:
        return None
    if nanos < 0:  # units may be 0, as in -0.75, and have no sign
        return f"-{-units}{_fraction(-nanos)} {currency}"
    return f"{units}{_fraction(nanos)} {currency}"


def time_text(seconds: int, nanos: int) -> str | None:
    """Return a moment as ISO 8601 in UTC, with as many digits as needed; None outside the years 1 to 9999."""
    if not (_FIRST_SECOND <= seconds <= _LAST_SECOND and 0 <= nanos < _NANOS):
        return None
    # Lookups are three times as fast as `datetime.isoformat`, and a file may hold millions of times.
    minutes = seconds // 60
    return f"{_date(minutes // 1440)}T{_CLOCK[minutes % 1440]}:{_SECOND[seconds % 60]}{_fraction(nanos)}Z"


def _text_of_money(value: dict[str, Value]) -> str | None:
    currency = value.get("currencyCode", value.get("currency_code"))
    units, nanos = _int64(value["units"]), value["nanos"]
    if type(currency) is not str or _CURRENCY.fullmatch(currency) is None or units is None or type(nanos) is not int:
        return None
    return money_text(currency, units, nanos)


def _text_of_time(value: dict[str, Value]) -> str | None:
    seconds, nanos = _int64(value["seconds"]), value["nanos"]
    return None if seconds is None or type(nanos) is not int else time_text(seconds, nanos)


@lru_cache(maxsize=8192)
def _date(days: int) -> str:
    return date.fromordinal(_EPOCH + days).isoformat()


@lru_cache(maxsize=8192)
def _fraction(nanos: int) -> str:
    return f".{nanos:09}".rstrip("0") if nanos else ""


def _int64(value: Value) -> int | None:
    # A number or, in protobuf's JSON mapping, a string. A string in another notation may be something else.
    if type(value) is str and len(value) <= 20 and value.removeprefix("-").isdecimal() and str(int(value)) == value:
        value = int(value)
    return value if type(value) is int and -_INT64_END <= value < _INT64_END else None


# By the keys of the object, in any order: one lookup selects the function.
_TEXT_OF_SHAPE: dict[tuple[str, ...], Callable[[dict[str, Value]], str | None]] = {
    keys: text_of
    for shape, text_of in (
        (("currencyCode", "units", "nanos"), _text_of_money),
        (("currency_code", "units", "nanos"), _text_of_money),
        (("seconds", "nanos"), _text_of_time),
    )
    for keys in permutations(shape)
}
