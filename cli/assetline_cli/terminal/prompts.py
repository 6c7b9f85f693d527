"""Questions to the operator: whether to go ahead, and what Ctrl+C was for."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assetline_cli.context import Desk


class Wish(StrEnum):
    """What the operator wants of an interrupted watch."""

    STOP = "stop"
    WATCHING_ONLY = "watching only"
    CONTINUE = "continue"


def ask_wish(desk: Desk, what: str = "export") -> Wish:
    """Return what Ctrl+C meant; only the watching, where nobody can be asked or the answer is Ctrl+C again."""
    if not desk.can_ask:
        return Wish.WATCHING_ONLY
    question = f"Stop the {what}, or only the watching? [s]top / [w]atching only / [c]ontinue"
    try:
        desk.say("")
        while True:
            answer = desk.ask(question)
            wishes = [wish for wish in Wish if answer and wish.startswith(answer)]
            if wishes:
                return wishes[0]
    except (EOFError, KeyboardInterrupt):
        return Wish.WATCHING_ONLY


def confirmed(desk: Desk, question: str) -> bool:
    """Return whether the operator answers *question* with yes; no answer is no."""
    try:
        return desk.ask(f"{question} [y]es / [n]o") in {"y", "yes"}
    except EOFError:
        desk.say("")
        return False
