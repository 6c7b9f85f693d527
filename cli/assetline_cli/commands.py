"""The commands an operator is told to go on with, as a shell takes them."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from assetline_cli.stack import DEFAULT_STACK

if TYPE_CHECKING:
    from pathlib import Path


def watch_command(arn: str, stack: str, to: Path | None = None) -> str:
    """Return the command that watches the execution *arn*."""
    words = ["assetline", "watch", arn]
    if to is not None:
        words += ["--to", str(to)]
    return _joined(words, stack)


def resume_command(export_id: str, stack: str) -> str:
    """Return the command that goes on with the export *export_id* and watches it."""
    return _joined(["assetline", "export", "--resume", export_id, "--watch"], stack)


def export_command(feed: str, stack: str) -> str:
    """Return the command that exports *feed* and watches it."""
    return _joined(["assetline", "export", feed, "--watch"], stack)


def _joined(words: list[str], stack: str) -> str:
    return shlex.join(words if stack == DEFAULT_STACK else [*words, "--stack", stack])
