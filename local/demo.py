"""All of it in one go: a stack up, 2,000 assets exported in several turns, the file in `out/`, the stack down."""

import csv
import subprocess
from dataclasses import replace
from itertools import islice
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from local import environment
from local.errors import LocalStackFailed
from local.ministack import free_port, taken
from local.outputs import Stack
from local.project import PYTHON_COMMANDS
from local.settings import StackSettings
from local.stack import Say, is_running, running_stack

ROWS = 2_000
PAGE_SIZE = 100
# Slow enough for the progress to be seen: twenty pages take three seconds, in turns of five pages each or so.
LATENCY_SECONDS = 0.15
TURN_SECONDS = 0.8

PREVIEW_ROWS = 3
PREVIEW_COLUMNS = 4
PREVIEW_WIDTH = 17


def demo(settings: StackSettings, to: Path, say: Say) -> None:
    """Export a feed to a CSV in *to* and show it; raises `LocalStackFailed` unless all of it worked.

    Whatever listens on the port already, a stack or not, is left alone: the demo then takes another port.
    """
    if is_running(settings.folder) or taken(settings.port):
        say(f"Port {settings.port} is in use and stays as it is: the demo takes another.")
        settings = replace(settings, port=free_port())
    settings = replace(settings, rows=ROWS, latency_seconds=LATENCY_SECONDS)
    before = set(to.glob("*.csv"))
    with running_stack(settings, say) as stack:
        _export(stack, to)
    say("The stack is down again.")
    new = sorted(set(to.glob("*.csv")) - before)
    if len(new) != 1:
        raise LocalStackFailed(f"the export ended well, yet it left {len(new)} new CSV files in {to}")
    rows = _preview(new[0])
    if rows != ROWS and not settings.safetyculture_url:
        raise LocalStackFailed(f"{new[0]} has {rows:,} rows, and the feed {ROWS:,}")


def _export(stack: Stack, to: Path) -> None:
    command = [str(PYTHON_COMMANDS / "assetline"), "export", "assets", "--watch", "--to", str(to)]
    turns = ["--page-size", str(PAGE_SIZE), "--max-turn-seconds", str(TURN_SECONDS)]
    exported = subprocess.run([*command, *turns], check=False, env=environment.of_caller() | stack.environment)
    if exported.returncode != 0:
        raise LocalStackFailed(f"assetline export ended with status {exported.returncode}; what it said is above")


def _preview(path: Path) -> int:
    """Show the beginning of the CSV in *path*; returns how many rows it has below its header."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        header = next(rows)
        first = list(islice(rows, PREVIEW_ROWS))
        count = len(first) + sum(1 for _ in rows)
    table = Table(title=f"{path}: {count:,} rows, {len(header)} columns", title_justify="left", box=None)
    for name in header[:PREVIEW_COLUMNS]:
        table.add_column(_cell(name), no_wrap=True)
    for row in first:
        table.add_row(*map(_cell, row[:PREVIEW_COLUMNS]))
    Console().print(table)
    return count


def _cell(value: str) -> Text:
    cell = Text(" ".join(value.split()))
    cell.truncate(PREVIEW_WIDTH, overflow="ellipsis")
    return cell
