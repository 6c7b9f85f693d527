"""Numbers that a double cannot represent, stored as the digits that were sent.

`1e400`, `1e-400` and `0.123456789012345678` are JSON. A reader of doubles turns them into infinity, zero or another
number, without an error.
"""

import json
import re
import secrets
from decimal import Decimal
from typing import Any, NoReturn

_MOST_DIGITS = 4000  # CPython: the limit of digits in an integer read from text, with a margin

# Matches numbers that may lose digits, at positions of a value: 16 digits or more, or an exponent of three digits. A
# match inside a string costs time but changes nothing.
_CANDIDATE = re.compile(
    rb"(?<=[:,\[|\s])-?(?:(?=[0-9.]{17})[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|[0-9]+(?:\.[0-9]+)?[eE][-+]?[0-9]{3,})"
    rb"|(?<=[:,\[|\s])-?[0-9]{16,}"
)
_INT64 = range(-(2**63), 2**64)  # the integers that orjson reads without loss


class Digits:
    """A number as its digits. It is not a dataclass: orjson would write one as an object and skip `default`."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return f"Digits({self.text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Digits) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)


def number_of(text: str) -> float | Digits:
    """Return the double equal to *text*, a JSON number with a fraction or an exponent, or else its digits."""
    number = float(text)
    return number if _is_exact(text, number) else Digits(text)


def integer_of(text: str) -> int | Digits:
    """Return the integer equal to *text*, or its digits if there are too many to compute with."""
    return int(text) if len(text) <= _MOST_DIGITS else Digits(text)


def loses_digits(body: bytes | bytearray) -> bool:
    """Return whether JSON holds a number that a reader of doubles and 64-bit integers would change."""
    return any(_is_changed(match[0].decode()) for match in _CANDIDATE.finditer(body))


def loaded(text: str, *, strict: bool = True) -> Any:
    """Read JSON slowly and without loss.

    Raises:
        ValueError: *text* is not JSON.
        RecursionError: *text* is nested too deeply.
    """
    return json.loads(text, parse_float=number_of, parse_int=integer_of, parse_constant=_refused, strict=strict)


def dumped(value: Any) -> str:
    """Write compact JSON that may contain `Digits`. Lone surrogates are kept."""
    mark = f"digits-{secrets.token_hex(8)}-"

    def marked(digits: Any) -> str:
        return mark + digits_of(digits)

    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=marked)
    return re.sub(rf'"{mark}([^"]*)"', r"\1", text)


def digits_of(value: Any) -> str:
    """Return the digits of a `Digits`. Raise TypeError for other values, as JSON writers expect."""
    if type(value) is Digits:
        return value.text
    raise TypeError(f"{type(value).__name__} is not JSON")


def _is_changed(text: str) -> bool:
    if text.lstrip("-").isdigit():
        return len(text) > 18 and (len(text) > _MOST_DIGITS or int(text) not in _INT64)
    return not _is_exact(text, float(text))


def _is_exact(text: str, number: float) -> bool:
    if number in {float("inf"), float("-inf")}:
        return False
    if number == 0:
        return not re.search(r"[1-9]", re.split("[eE]", text)[0])
    return Decimal(text) == Decimal(repr(number))


def _refused(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
