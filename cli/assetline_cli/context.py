"""What a command works with: the operator's AWS account, screen, keyboard and clock."""

from __future__ import annotations

from dataclasses import dataclass, field

from rich.console import Console

from assetline_cli.clock import Clock
from assetline_cli.keyboard import Keyboard
from assetline_cli.stack import Aws
from assetline_cli.terminal.output import Screen, say

COMPLETE, FAILED, INTERRUPTED = 0, 1, 130  # exit statuses; 128 + SIGINT is the shell's way


@dataclass(frozen=True)
class Desk:
    """What a command works with; nothing of it has to be real."""

    aws: Aws = field(default_factory=Aws)
    clock: Clock = field(default_factory=Clock)
    out: Console = field(default_factory=Screen)
    err: Console = field(default_factory=lambda: Screen(stderr=True))
    keyboard: Keyboard = field(default_factory=Keyboard)

    def say(self, line: str) -> None:
        """Print *line* as it is."""
        say(self.out, line)

    def complain(self, line: str) -> None:
        """Print *line*, as it is, where errors go."""
        say(self.err, line)

    @property
    def can_ask(self) -> bool:
        """Whether somebody is there to read a question and to answer it."""
        return self.out.is_terminal and self.keyboard.is_there()

    def ask(self, question: str) -> str:
        """Return what is answered to *question*: lower case, without spaces around it.

        Raises:
            EOFError: nobody answers any more.
            KeyboardInterrupt: the answer is Ctrl+C.
        """
        say(self.out, f"{question} ", end="")
        return self.keyboard.read_line().strip().lower()
