"""List drops."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetline_cli.drops.retry import can_be_retried
from assetline_cli.drops.table import STATES, DropsTable
from assetline_cli.stack import find_stack
from assetline_cli.suggested_commands import retry_command, upload_command
from assetline_cli.terminal.formatting import age, count, size
from assetline_cli.terminal.tables import ListLayout, TableColumns, print_list

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from assetline.ingest.drop import Drop, DropState
    from assetline_cli.context import CliContext

COLUMNS = TableColumns(
    headings=("Drop", "Key", "Dataset", "State", "Age", "Size", "Attempts", "Reason"),
    dispensable=("Drop", "Dataset", "Size", "Attempts", "Age", "Reason"),  # the key begins with the dataset
    right=frozenset({"Age", "Size", "Attempts"}),
    if_any=("Reason",),
    folded="Key",
)
STATE_STYLES = {"claimed": "cyan", "ingested": "green", "rejected": "bold red"}


def layout(now: datetime) -> ListLayout[Drop]:
    """Return how drops are listed."""
    return ListLayout(
        columns=COLUMNS,
        cells=lambda drop: cells(drop, now, attempts=count(drop.attempts)),
        plain_cells=lambda drop: cells(drop, now, attempts=str(drop.attempts)),
        as_json=lambda drop: drop.model_dump(mode="json", exclude_none=True),
        style=lambda drop: STATE_STYLES.get(drop.state, ""),
    )


def drops_hint(drops: Sequence[Drop], stack: str, dataset_id: str | None, state: str | None) -> str | None:
    """Return the next command, or None where the list needs none."""
    if not drops:
        if state is None:
            return f"No drops yet. Upload a folder: {upload_command(stack, dataset_id or 'DATASET_ID')}"
        return f"No drop is {state}. Omit --state to list the others."
    if any(drop.state == "rejected" and can_be_retried(drop) for drop in drops):
        return f"Retry the rejected drops: {retry_command(stack, dataset_id)}"
    return None


def cells(drop: Drop, now: datetime, attempts: str) -> tuple[str, ...]:
    """Return the columns of a drop, in the order of `COLUMNS`."""
    return (
        drop.drop_id,
        drop.key,
        drop.dataset_id,
        drop.state,
        age((now - drop.dropped_at).total_seconds()),
        size(drop.size),
        attempts,
        drop.reason or "",
    )


def list_drops(  # noqa: PLR0913 - each is an option of the command
    context: CliContext, stack: str, dataset: str | None, state: DropState | None, limit: int, *, json: bool
) -> None:
    """Print the newest drops of a dataset and state."""
    found = find_stack(context.aws.cloudformation, stack)
    newest = DropsTable.of(context, found).newest(dataset, [state] if state else STATES, limit)
    print_list(context.out, newest, layout(context.clock.now()), json=json)
    hint = drops_hint(newest, stack, dataset, state)
    if hint and not json:
        context.print_message(hint)
