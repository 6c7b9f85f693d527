"""The demo: start a stack, export 2,000 assets, export them again with failures, ingest images, stop the stack."""

import csv
import subprocess
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from local.demo.assets import show_assets
from local.demo.drops import drop_images
from local.demo.failures import Disturbance
from local.errors import LocalStackFailed
from local.paths import PYTHON_COMMANDS
from local.stack import environment
from local.stack.lifecycle import Report, is_running, running_stack
from local.stack.ministack import free_port, taken
from local.stack.outputs import DeployedStack
from local.stack.settings import StackSettings

ROWS = 2_000
PAGE_SIZE = 100
# Slow enough to show the progress: twenty pages take three seconds, in turns of about five pages each.
LATENCY_SECONDS = 0.15
TURN_SECONDS = 0.8
_TURNS = ("--page-size", str(PAGE_SIZE), "--max-turn-seconds", str(TURN_SECONDS))

PREVIEW_ROWS = 3
PREVIEW_COLUMNS = 4
PREVIEW_WIDTH = 17


def demo(settings: StackSettings, to: Path, report: Report) -> None:
    """Export a feed to a CSV in *to* and show it, then again with failures; raises `LocalStackFailed`.

    If a server already listens on the port, the demo leaves it alone and uses another port.
    """
    if is_running(settings.folder) or taken(settings.port):
        report(f"Port {settings.port} is in use. The demo uses another port.")
        settings = replace(settings, port=free_port())
    settings = paced(settings)
    with running_stack(settings, report) as stack:
        show(stack, settings, to, report)
    report("The stack is stopped.")


def paced(settings: StackSettings) -> StackSettings:
    """Return *settings* with the rows and the latency of the demo."""
    return replace(settings, rows=ROWS, latency_seconds=LATENCY_SECONDS)


def show(stack: DeployedStack, settings: StackSettings, to: Path, report: Report) -> None:
    """Run all parts of the demo on *stack*, which has these *settings*; raises `LocalStackFailed`."""
    undisturbed = _export(stack, to, "assets", *_TURNS)
    rows = _preview(undisturbed)
    if rows != ROWS and not settings.safetyculture_url:
        raise LocalStackFailed(f"{undisturbed} has {rows:,} rows, and the feed has {ROWS:,}")
    if not settings.safetyculture_url:
        _disturb(stack, settings, to, undisturbed, report)
    if not settings.vi_url:
        drop_images(stack, report)
        show_assets(stack, to, report)


def _disturb(stack: DeployedStack, settings: StackSettings, to: Path, undisturbed: Path, report: Report) -> None:
    """Export the feed again, with failures, and compare the two files."""
    report("\nRepeating the export, with failures.")
    request = {"feed": "assets", "page_size": PAGE_SIZE, "max_turn_seconds": TURN_SECONDS}
    with closing(Disturbance(stack, settings.folder)) as disturbance:
        export_id = disturbance.failed_export(request, report)
    report(f"The API accepts the token again. Resuming: assetline exports resume {export_id} --to {to}")
    resumed = _export(stack, to, "--resume", export_id)
    if resumed.read_bytes() != undisturbed.read_bytes():
        raise LocalStackFailed(f"{resumed} differs from the file of the undisturbed export, {undisturbed}")
    report(f"{resumed} equals {undisturbed}, byte for byte.")


def _export(stack: DeployedStack, to: Path, *arguments: str) -> Path:
    """Run `assetline exports start` with *arguments*, and return the CSV that it has downloaded to *to*."""
    command = [str(PYTHON_COMMANDS / "assetline"), "export", *arguments, "--watch", "--to", str(to)]
    earlier = set(to.glob("*.csv"))
    exported = subprocess.run(command, check=False, env=environment.of_caller() | stack.environment)
    if exported.returncode != 0:
        raise LocalStackFailed(f"assetline exports start ended with status {exported.returncode}; see its output above")
    new = sorted(set(to.glob("*.csv")) - earlier)
    if len(new) != 1:
        raise LocalStackFailed(f"the export is complete, but {to} has {len(new)} new CSV files instead of 1")
    return new[0]


def _preview(path: Path) -> int:
    """Show the beginning of the CSV in *path*; return the number of rows below its header."""
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
