"""Terminals for the commands: they record their output, and may answer questions."""

import io
from typing import Any

from assetline_cli.terminal.output import Screen
from assetline_cli.terminal.terminal import Keyboard


def screen(width: int = 100) -> Screen:
    file = io.StringIO()
    return Screen(force_terminal=True, width=width, file=file, color_system=None, legacy_windows=False)


def shown_on(out: Screen) -> str:
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


def operator_answering(answer: str | BaseException) -> dict[str, Any]:
    """Return a terminal whose operator gives *answer*."""

    def read_key() -> str:
        if isinstance(answer, BaseException):
            raise answer
        return answer

    return {"out": screen(), "keyboard": Keyboard(lambda: True, read_key)}
