"""The operator's terminal: two screens, and a keyboard."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field

import typer
from rich.console import Console

from assetline_cli.terminal.output import Screen, print_line


def _stdin_is_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


@dataclass(frozen=True)
class Keyboard:
    """Reads single keys of stdin; `is_there` returns whether stdin is a terminal."""

    is_there: Callable[[], bool] = _stdin_is_terminal
    read_key: Callable[[], str] = typer.getchar


@dataclass(frozen=True)
class Terminal:
    """Output on stdout and stderr, and answers from stdin."""

    out: Console = field(default_factory=Screen)
    err: Console = field(default_factory=lambda: Screen(stderr=True))
    keyboard: Keyboard = field(default_factory=Keyboard)

    def print_line(self, line: str) -> None:
        """Print *line*, unchanged, to stdout."""
        print_line(self.out, line)

    def print_message(self, line: str) -> None:
        """Print *line*, unchanged, to stderr."""
        print_line(self.err, line)

    @property
    def can_ask(self) -> bool:
        """Whether stdout and stdin are a terminal, so that the command can ask a question."""
        return self.out.is_terminal and self.keyboard.is_there()

    def ask(self, question: str) -> str:
        """Return the key pressed in answer to *question*, in lower case; empty for Enter.

        Raises:
            EOFError: stdin has ended, or the key is Ctrl+D.
            KeyboardInterrupt: the key is Ctrl+C.
        """
        print_line(self.out, f"{question} ", end="")
        key = self.keyboard.read_key().strip().lower()
        print_line(self.out, key)
        return key
