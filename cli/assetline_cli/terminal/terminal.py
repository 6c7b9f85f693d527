"""The operator's terminal: two screens, and a keyboard."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field

from rich.console import Console

from assetline_cli.terminal.output import Screen, say


def _stdin_is_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


@dataclass(frozen=True)
class Keyboard:
    """Reads lines of stdin; `is_there` returns whether stdin is a terminal."""

    is_there: Callable[[], bool] = _stdin_is_terminal
    read_line: Callable[[], str] = input


@dataclass(frozen=True)
class Terminal:
    """Output on stdout and stderr, and answers from stdin."""

    out: Console = field(default_factory=Screen)
    err: Console = field(default_factory=lambda: Screen(stderr=True))
    keyboard: Keyboard = field(default_factory=Keyboard)

    def say(self, line: str) -> None:
        """Print *line*, unchanged, to stdout."""
        say(self.out, line)

    def complain(self, line: str) -> None:
        """Print *line*, unchanged, to stderr."""
        say(self.err, line)

    @property
    def can_ask(self) -> bool:
        """Whether stdout and stdin are a terminal, so that a question can be asked."""
        return self.out.is_terminal and self.keyboard.is_there()

    def ask(self, question: str) -> str:
        """Return the answer to *question*, in lower case and without surrounding spaces.

        Raises:
            EOFError: stdin has ended.
            KeyboardInterrupt: the answer is Ctrl+C.
        """
        say(self.out, f"{question} ", end="")
        return self.keyboard.read_line().strip().lower()
