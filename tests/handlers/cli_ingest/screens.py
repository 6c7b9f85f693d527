"""Terminals for the commands: what they show is kept, and somebody may answer."""

import io
from typing import Any

from rich.console import Console

from assetline_cli.keyboard import Keyboard


def screen(width: int = 100) -> Console:
    file = io.StringIO()
    return Console(force_terminal=True, width=width, file=file, color_system=None, legacy_windows=False)


def shown_on(out: Console) -> str:
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


def somebody(answer: str | BaseException) -> dict[str, Any]:
    """Return a terminal at which somebody gives *answer*."""

    def read_line() -> str:
        if isinstance(answer, BaseException):
            raise answer
        return answer

    return {"out": screen(), "keyboard": Keyboard(lambda: True, read_line)}
