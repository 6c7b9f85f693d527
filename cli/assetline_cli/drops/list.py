"""The list of drops: a table on a terminal, tab-separated lines in a pipe, or JSON lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetline_cli.drops.retry import can_be_retried
from assetline_cli.suggested_commands import drop_command, retry_command
from assetline_cli.terminal.formatting import age, count, size
from assetline_cli.terminal.output import printable, say_cells, say_json
from assetline_cli.terminal.tables import Columns

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from assetline.ingest.drop import Drop
    from assetline_cli.context import Desk

COLUMNS = Columns(
    headings=("Drop", "Key", "Dataset", "State", "Age", "Size", "Attempts", "Reason"),
    dispensable=("Drop", "Dataset", "Size", "Attempts", "Age", "Reason"),  # the key begins with the dataset
    right=frozenset({"Age", "Size", "Attempts"}),
    if_any=("Reason",),
    folded="Key",
)
STATE_STYLES = {"claimed": "cyan", "uploaded": "cyan", "ingested": "green", "rejected": "bold red"}


def print_drops(desk: Desk, drops: Sequence[Drop]) -> None:
    """Print a table where the lines go to a terminal, and else a line a drop, its columns set apart by tabs."""
    now = desk.clock.now()
    if not desk.out.is_terminal:
        for drop in drops:
            say_cells(desk.out, cells(drop, now, attempts=str(drop.attempts)))
        return
    rows = [cells(drop, now, attempts=count(drop.attempts)) for drop in drops]
    desk.out.print(COLUMNS.fitting(desk.out, rows, lambda number: STATE_STYLES.get(drops[number].state, "")))


def print_drops_json(desk: Desk, drops: Sequence[Drop]) -> None:
    """Print an object a line, with all that the items tell."""
    for drop in drops:
        say_json(desk.out, drop.model_dump(mode="json", exclude_none=True))


def drops_hint(drops: Sequence[Drop], stack: str, dataset_id: str | None, state: str | None) -> str | None:
    """Return what to make of the list, where it does not speak for itself."""
    if not drops:
        if state is None:
            return f"No drops yet. Drop a folder: {drop_command(stack, dataset_id or 'DATASET_ID')}"
        return f"No drop is {state}: leave out --state to see the others."
    if any(drop.state == "rejected" and can_be_retried(drop) for drop in drops):
        return f"Re-queue the rejected: {retry_command(stack, dataset_id)}"
    return None


def cells(drop: Drop, now: datetime, attempts: str) -> tuple[str, ...]:
    """Return the columns of a drop, in the order of `COLUMNS`."""
    return (
        drop.drop_id,
        printable(drop.key),
        drop.dataset_id,
        drop.state,
        age((now - drop.dropped_at).total_seconds()),
        size(drop.size),
        attempts,
        drop.reason or "",
    )
