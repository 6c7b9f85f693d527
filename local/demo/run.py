"""All of it in one go: a stack up, 2,000 assets exported, once more disturbed, images ingested, the stack down."""

import csv
import subprocess
from dataclasses import replace
from itertools import islice
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from local.demo.assets import bring_assets_back
from local.demo.drops import drop_images
from local.demo.failures import Disturbance
from local.errors import LocalStackFailed
from local.paths import PYTHON_COMMANDS
from local.stack import environment
from local.stack.lifecycle import Say, is_running, running_stack
from local.stack.ministack import free_port, taken
from local.stack.outputs import DeployedStack
from local.stack.settings import StackSettings

ROWS = 2_000
PAGE_SIZE = 100
# Slow enough for the progress to be seen: twenty pages take three seconds, in turns of five pages each or so.
LATENCY_SECONDS = 0.15
TURN_SECONDS = 0.8
_TURNS = ("--page-size", str(PAGE_SIZE), "--max-turn-seconds", str(TURN_SECONDS))

PREVIEW_ROWS = 3
PREVIEW_COLUMNS = 4
PREVIEW_WIDTH = 17


def demo(settings: StackSettings, to: Path, say: Say) -> None:
    """Export a feed to a CSV in *to* and show it, then again, disturbed; `LocalStackFailed` unless all of it worked.

    Whatever listens on the port already, a stack or not, is left alone: the demo then takes another port.
    """
    if is_running(settings.folder) or taken(settings.port):
        say(f"Port {settings.port} is in use and stays as it is: the demo takes another.")
        settings = replace(settings, port=free_port())
    settings = replace(settings, rows=ROWS, latency_seconds=LATENCY_SECONDS)
    with running_stack(settings, say) as stack:
        undisturbed = _export(stack, to, "assets", *_TURNS)
        rows = _preview(undisturbed)
        if rows != ROWS and not settings.safetyculture_url:
            raise LocalStackFailed(f"{undisturbed} has {rows:,} rows, and the feed {ROWS:,}")
        if not settings.safetyculture_url:
            _disturb(stack, settings, to, undisturbed, say)
        if not settings.vi_url:
            drop_images(stack, say)
            bring_assets_back(stack, to, say)
    say("The stack is down again.")


def _disturb(stack: DeployedStack, settings: StackSettings, to: Path, undisturbed: Path, say: Say) -> None:
    """Export the feed again, with everything going wrong on the way, and compare the two files."""
    say("\nThe same export again, with failures.")
    request = {"feed": "assets", "page_size": PAGE_SIZE, "max_turn_seconds": TURN_SECONDS}
    export_id = Disturbance(stack, settings.folder).failed_export(request, say)
    say(f"The API accepts the token again: assetline exports resume {export_id} --to {to}")
    resumed = _export(stack, to, "--resume", export_id)
    if resumed.read_bytes() != undisturbed.read_bytes():
        raise LocalStackFailed(f"{resumed} is not the file of the undisturbed export, {undisturbed}")
    say(f"Equal: {resumed} is, byte for byte, {undisturbed}.")


def _export(stack: DeployedStack, to: Path, *arguments: str) -> Path:
    """Run `assetline exports start` with *arguments*, and return the CSV it has brought to *to*."""
    command = [str(PYTHON_COMMANDS / "assetline"), "export", *arguments, "--watch", "--to", str(to)]
    before = set(to.glob("*.csv"))
    exported = subprocess.run(command, check=False, env=environment.of_caller() | stack.environment)
    if exported.returncode != 0:
        raise LocalStackFailed(f"assetline exports start ended with status {exported.returncode}; see its output above")
    new = sorted(set(to.glob("*.csv")) - before)
    if len(new) != 1:
        raise LocalStackFailed(f"the export ended well, yet it left {len(new)} new CSV files in {to}")
    return new[0]


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
