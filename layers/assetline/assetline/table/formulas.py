"""Cells that spreadsheet programs would run, made to stay text."""

import re
from collections.abc import Sequence
from typing import Any

# What starts a formula: = + - @ and their full-width forms, also after blanks, which some programs trim; tab and line
# breaks, which some drop. A plain number is no formula, whatever its sign.
_RUNS = re.compile(
    r"(?!\ *[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\ *\Z)"
    r"(?:[\t\r\n]|[\s\ufeff\u200b]*[=+\-@\uff1d\uff0b\uff0d\uff20])"
)


def runs(text: str) -> bool:
    """Whether a spreadsheet program may take *text* for a formula; never a plain number such as `-5` or `-1e-7`."""
    return _RUNS.match(text) is not None


def neutralised(values: Sequence[Any]) -> tuple[list[Any], int]:
    """Return *values* with a `'` before every text that runs, and how many those were.

    Values that are no text are left alone: what is made of them (`-111.5 AUD`, JSON) is no formula.
    """
    starts = _RUNS.match
    changed = [f"'{value}" if type(value) is str and starts(value) else value for value in values]
    return changed, sum(old is not new for old, new in zip(values, changed, strict=True))
