"""Words on the screen exactly as they are."""

from rich.console import Console
from rich.text import Text

WIDTH = 80  # of a rule, where nothing says how wide the screen is


def say(console: Console, line: str, style: str = "") -> None:
    """Print *line* unwrapped and unread: rich would see an emoji in an ARN's `:secret:` and markup in brackets."""
    console.print(Text(line, style=style), soft_wrap=True)


def rule(console: Console) -> None:
    """Print a line across."""
    say(console, "=" * (min(WIDTH, console.width) if console.is_terminal else WIDTH), "dim")
