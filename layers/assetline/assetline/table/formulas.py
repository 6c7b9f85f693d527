"""Escapes cells that a spreadsheet would evaluate."""

import re
from collections.abc import Sequence
from typing import Any

# A formula starts with = + - @ or their full-width forms, also after blanks, which some programs trim. Tabs and line
# breaks count too: some programs drop them. A plain number is not a formula, with any sign.
_RUNS = re.compile(
    r"(?!\ *[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\ *\Z)"
    r"(?:[\t\r\n]|[\s\ufeff\u200b]*[=+\-@\uff1d\uff0b\uff0d\uff20])"
)


def runs(text: str) -> bool:
    """Return whether a spreadsheet may read *text* as a formula; a number such as `-5` or `-1e-7` is not one."""
    return _RUNS.match(text) is not None


def neutralised(values: Sequence[Any]) -> tuple[list[Any], int]:
    """Return *values* with a `'` before every text that a spreadsheet would evaluate, and the number of these.

    Values of other types are unchanged: their text (`-111.5 AUD`, JSON) is not a formula.
    """
    starts = _RUNS.match
    changed = [f"'{value}" if type(value) is str and starts(value) else value for value in values]
    return changed, sum(old is not new for old, new in zip(values, changed, strict=True))
