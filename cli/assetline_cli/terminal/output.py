r"""Print text unchanged, but with control characters escaped.

Names, messages and manifests may contain escape sequences, bidirectional overrides and line separators. All output
passes through a function of this module or a `Screen`, which print such characters as `\x1b` and the like.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.segment import Segment
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import ConsoleOptions, RenderableType

WIDTH = 80  # of a rule, where the width of the screen is unknown
INDENT = "  "  # of the further lines of a message: none can look like another message


class Screen(Console):
    """A console that escapes control characters; rich draws its tables, bars and live views."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Return what rich renders, with control characters of the text shown instead of sent."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(_lines_printable(segment.text), segment.style)


def print_line(console: Console, line: str, style: str = "", end: str = "\n") -> None:
    """Print *line* unchanged: rich would wrap it, and read an emoji in `:secret:` and markup in brackets.

    Line breaks in front are kept; later lines are indented.
    """
    text = line.lstrip("\n")
    shown = "\n" * (len(line) - len(text)) + f"\n{INDENT}".join(map(printable, text.split("\n")))
    console.print(Text(shown, style=style), soft_wrap=True, end=end)


def print_cells(console: Console, cells: Iterable[str]) -> None:
    """Print *cells* on one line, separated by tabs, which rich would turn into spaces."""
    console.file.write("\t".join(map(printable, cells)) + "\n")


def print_json(console: Console, value: Any) -> None:
    """Print *value* as JSON on one line, exactly: JSON escapes control characters."""
    text = json.dumps(value, ensure_ascii=False)
    if not text.isprintable():
        text = "".join(char if char.isprintable() else _escaped(char) for char in text)
    console.file.write(f"{text}\n")


def _escaped(char: str) -> str:
    """Return a character as JSON escapes it: by its units of UTF-16."""
    units = char.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def printable(text: str) -> str:
    """Return *text* on one line, with control characters escaped: keys may contain any character."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def rule(console: Console) -> None:
    """Print a line across."""
    print_line(console, "=" * (min(WIDTH, console.width) if console.is_terminal else WIDTH), "dim")


def _lines_printable(text: str) -> str:
    return text if text.isprintable() else "\n".join(map(printable, text.split("\n")))
