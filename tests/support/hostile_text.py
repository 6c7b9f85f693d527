"""Text that a terminal would obey, as it may stand in a name or a message."""

CLEAR, TITLE, BELL, BACKSPACE, DELETE = "\x1b[2J", "\x1b]0;owned", "\x07", "\x08", "\x7f"
C1, NEXT_LINE, OVERRIDE, ISOLATE, LINE, PARAGRAPH = "\x9b31m", "\x85", "\u202e", "\u2066", "\u2028", "\u2029"
FORGED = "EXPORT COMPLETE: all is well"

PIECES = (CLEAR, TITLE, BELL, BACKSPACE, DELETE, C1, NEXT_LINE, OVERRIDE, ISOLATE, LINE, PARAGRAPH)
ON_ONE_LINE = f"a[/red]{''.join(PIECES)}\r"
HOSTILE = f"{ON_ONE_LINE}\n{FORGED}"


def obeyed(shown: str) -> list[str]:
    """Return what of the hostile text a terminal that shows *shown* would obey; a line that looks like ours, too."""
    found = [piece for piece in PIECES if piece in shown]
    return found + [line for line in shown.splitlines() if line.startswith(FORGED)]
