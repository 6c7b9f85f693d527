"""The commands for ingestion sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from assetline_cli.command_groups import ListByDefault, command_group
from assetline_cli.error_reporting import errors_reported
from assetline_cli.options import DEFAULT_STACK, AsJson, Limit, OfDataset, StackName

if TYPE_CHECKING:
    from assetline_cli.context import CliContext

sessions_app = command_group("List Vi ingestion sessions, which turn drops into assets.", ListByDefault)

SessionInState = Annotated[
    str | None,
    typer.Option(
        "--state",
        metavar="STATE",
        help="List only sessions in this state: opening, open, finished, failed, cancelled, overdue or abandoned.",
        show_default="any state",
    ),
]


@sessions_app.command("list")
def list_(
    ctx: typer.Context,
    dataset: OfDataset = None,
    state: SessionInState = None,
    limit: Limit = 20,
    json: AsJson = False,
    stack: StackName = DEFAULT_STACK,
) -> None:
    """List ingestion sessions, the newest first, with the results of their drops.

    On a terminal the list is a table. In a pipe it is tab-separated lines
    without a heading: session, dataset, state, total, ingested, rejected,
    returned (waiting for another session), age, duration, error, report (its
    key in the export bucket).

    [bold]Examples[/bold]

      [cyan]assetline sessions list[/cyan]
      [cyan]assetline sessions list --dataset ds1 --state failed[/cyan]
      [cyan]assetline sessions list --limit 100 --json[/cyan]
    """
    from assetline_cli.sessions.list import SessionFilter, list_sessions

    context: CliContext = ctx.obj
    with errors_reported(context):
        list_sessions(context, stack, SessionFilter(dataset, state, limit), json=json)
