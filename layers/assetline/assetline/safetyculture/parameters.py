"""The allowed parameters of a feed, to refuse an invalid one before anything is opened."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

type Parameters = Mapping[str, str | list[str]]

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


@dataclass(frozen=True)
class Kind:
    """The values that a parameter takes: `words` describes them in a message, `many` allows several."""

    words: str
    takes: Callable[[str], bool]
    many: bool = False

    def accepts(self, value: str | list[str]) -> bool:
        """Return whether *value* is valid."""
        if isinstance(value, list):
            return self.many and bool(value) and all(map(self.takes, value))  # an empty list would select all
        return self.takes(value)


def one_of(*words: str) -> Kind:
    """Return the kind that accepts one of *words*."""
    return Kind(f"one of {', '.join(words)}", frozenset(words).__contains__)


def integer(least: int, most: int | None = None) -> Kind:
    """Return the kind that accepts a whole number from *least* to *most*, or without an upper limit."""

    def takes(text: str) -> bool:
        return text.isascii() and text.isdecimal() and least <= int(text) and (most is None or int(text) <= most)

    return Kind(f"a whole number from {least}" + ("" if most is None else f" to {most}"), takes)


def _is_time(text: str) -> bool:
    if not _RFC_3339.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text.upper())
    except ValueError:
        return False
    return True


TEXT = Kind("text", bool)
TEXTS = Kind("text, or a list of it that is not empty", bool, many=True)
ANYTHING = Kind("anything but an empty list", lambda _: True, many=True)
TIME = Kind("a time with its offset, such as 2026-01-31T00:00:00Z", _is_time)
BOOLEAN = one_of("true", "false")
TRI_STATE = one_of("true", "false", "both")
COUNT = integer(0)
