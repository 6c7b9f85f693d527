"""Questions to the operator: confirmations, and the meaning of Ctrl+C."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from assetline_cli.terminal.terminal import Terminal


class InterruptChoice(StrEnum):
    """The operator's choice after Ctrl+C."""

    STOP = "stop"
    WATCHING_ONLY = "watching only"
    CONTINUE = "continue"


def ask_interrupt_choice(terminal: Terminal, what: str = "export") -> InterruptChoice:
    """Return the choice after Ctrl+C; only the watching, without a terminal or after a second Ctrl+C."""
    if not terminal.can_ask:
        return InterruptChoice.WATCHING_ONLY
    question = f"Stop the {what}, or only the watching? [s]top / [w]atching only / [c]ontinue"
    try:
        terminal.print_line("")
        while True:
            answer = terminal.ask(question)
            wishes = [wish for wish in InterruptChoice if answer and wish.startswith(answer)]
            if wishes:
                return wishes[0]
    except (EOFError, KeyboardInterrupt):
        return InterruptChoice.WATCHING_ONLY


def confirmed(terminal: Terminal, question: str) -> bool:
    """Return whether the operator answers *question* with yes; no answer is no.

    Raises:
        typer.BadParameter: stdin is not a terminal. The caller has read the subject first, so that a command reports
            a wrong name before a missing --yes.
    """
    if not terminal.can_ask:
        raise typer.BadParameter("Required when stdin is not a terminal.", param_hint="--yes")
    try:
        return terminal.ask(f"{question} [y]es / [n]o") == "y"
    except EOFError:
        terminal.print_line("")
        return False
