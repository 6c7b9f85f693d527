"""The operator's answers, in one place so that nobody has to type them."""

import sys
from collections.abc import Callable
from dataclasses import dataclass


def _is_there() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


@dataclass(frozen=True)
class Keyboard:
    """Tells whether somebody can type, and reads a line of what they do."""

    is_there: Callable[[], bool] = _is_there
    read_line: Callable[[], str] = input
