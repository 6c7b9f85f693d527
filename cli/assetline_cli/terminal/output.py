"""Words on the screen exactly as they are."""

from rich.console import Console
from rich.text import Text

WIDTH = 80  # of a rule, where nothing says how wide the screen is


def say(console: Console, line: str, style: str = "", end: str = "\n") -> None:
    """Print *line* unwrapped and unread: rich would see an emoji in an ARN's `:secret:` and markup in brackets."""
    console.print(Text(line, style=style), soft_wrap=True, end=end)


def pass_on(console: Console, line: str) -> None:
    """Print *line* for another program: rich would turn its tabs into spaces."""
    console.file.write(f"{line}\n")


def printable(text: str) -> str:
    """Return *text* on one line, without what a terminal would obey: keys may have any character."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def rule(console: Console) -> None:
    """Print a line across."""
    say(console, "=" * (min(WIDTH, console.width) if console.is_terminal else WIDTH), "dim")
