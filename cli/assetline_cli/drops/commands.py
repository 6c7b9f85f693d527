"""What `assetline drop`, `drops` and `sessions` take, explained to who types `--help`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from assetline.ingest.drop import STATES
from assetline_cli.drops.drop import DropRequest
from assetline_cli.drops.drop import drop as drop_them
from assetline_cli.drops.list import drops_hint, layout
from assetline_cli.drops.options import (
    DropIds,
    DropInState,
    ForReason,
    HowMany,
    Ingested,
    IntoDataset,
    Metadata,
    OfDataset,
    Paths,
    WaitForThem,
)
from assetline_cli.drops.redrive import redrive as redrive_messages
from assetline_cli.drops.retry import RetrySelection
from assetline_cli.drops.retry import retry as retry_them
from assetline_cli.drops.table import DropsTable
from assetline_cli.error_reporting import errors_reported
from assetline_cli.options import AsJson, ShowProgress, StackName, Yes
from assetline_cli.stack import DEFAULT_STACK, find_stack
from assetline_cli.terminal.prompts import require_terminal_or_yes
from assetline_cli.terminal.tables import print_list

if TYPE_CHECKING:
    from assetline_cli.context import CliContext

drops_app = typer.Typer(rich_markup_mode="rich")


def drop(  # noqa: PLR0913, PLR0917 - typer: one argument an option
    ctx: typer.Context,
    path: Paths,
    dataset: IntoDataset,
    metadata: Metadata = None,
    wait: WaitForThem = True,
    progress: ShowProgress = True,
    stack: StackName = DEFAULT_STACK,
) -> None:
    """Drop images and videos into the bucket, and see them become assets of a Vi dataset.

    A folder is dropped with all that is below it, except hidden files and
    what often lies beside pictures and is none, such as .txt, .csv or .zip.
    Whatever else Vi does not take is dropped, and rejected with the reason; a
    file that is named is dropped whatever it is, unless an operating system
    keeps it, such as Thumbs.db. The folders below it are part of the assets'
    names.

    It waits until each is ingested or rejected, and sums up. Ctrl+C while it
    waits ends the waiting only: the ingestion runs in AWS. With --no-wait it
    prints the ids of the drops, one a line, and says the rest on stderr. Exit
    status: 0 all are ingested (with --no-wait: dropped), 1 anything else,
    130 Ctrl+C.

    [bold]Examples[/bold]

      [cyan]assetline drop photos --dataset ds1[/cyan]
      [cyan]assetline drop a.jpg b.mp4 more/ --dataset ds1 --metadata site=7 --metadata camera=north[/cyan]
      [cyan]assetline drop photos --dataset ds1 --no-wait > ids.txt[/cyan]
        leave once they are in the bucket; `assetline drops` shows how far they are
    """
    context: CliContext = ctx.obj
    with errors_reported(context):
        found = find_stack(context.aws.cloudformation, stack)
        raise typer.Exit(drop_them(context, found, DropRequest(path, dataset, metadata or (), wait, progress)))


@drops_app.callback(invoke_without_command=True)
def drops(  # noqa: PLR0913, PLR0917 - typer: one argument an option
    ctx: typer.Context,
    dataset: OfDataset = None,
    state: DropInState = None,
    limit: HowMany = 20,
    json: AsJson = False,
    stack: StackName = DEFAULT_STACK,
) -> None:
    """List drops, the newest first: what became of each, and why.

    On a terminal it is a table; in a pipe, lines without a heading whose
    columns are set apart by tabs: drop id, key, dataset, state, age, size,
    attempts (the sessions that failed it), reason. What it says besides goes
    to stderr. `assetline drops retry` re-queues what was rejected.

    [bold]Examples[/bold]

      [cyan]assetline drops[/cyan]
      [cyan]assetline drops --dataset ds1 --state rejected[/cyan]
      [cyan]assetline drops --state rejected --limit 1000 --json[/cyan]
      [cyan]assetline drops retry --dataset ds1[/cyan]
    """
    if ctx.invoked_subcommand is not None:
        _refuse_options_before(ctx, ctx.invoked_subcommand)
        return
    context: CliContext = ctx.obj
    with errors_reported(context):
        found = find_stack(context.aws.cloudformation, stack)
        newest = DropsTable.of(context, found.ingestion()).newest(dataset, [state] if state else STATES, limit)
        print_list(context.out, newest, layout(context.clock.now()), json=json)
        hint = drops_hint(newest, stack, dataset, state)
        if hint and not json:
            context.complain(hint)


def _refuse_options_before(ctx: typer.Context, subcommand: str) -> None:
    """End the command if it was given options that *subcommand* would not hear of, be it only another stack."""
    sources = (ctx.get_parameter_source(name) for name in ctx.params)
    if any(source and source.name == "COMMANDLINE" for source in sources):
        raise typer.BadParameter(f"options come after {subcommand}: assetline drops {subcommand} …")


@drops_app.command()
def retry(  # noqa: PLR0913, PLR0917 - typer: one argument an option
    ctx: typer.Context,
    drop_id: DropIds = None,
    dataset: OfDataset = None,
    reason: ForReason = None,
    ingested: Ingested = False,
    yes: Yes = False,
    stack: StackName = DEFAULT_STACK,
) -> None:
    """Re-queue rejected drops: they wait for a session again, as if for the first time.

    Which: those named, or all that were rejected, of a dataset, for a reason.
    It asks first, unless told --yes. What was refused for what it is, such as
    an empty file, is not re-queued: put it right and drop it anew. Exit
    status: 0 re-queued, or nothing to re-queue; 1 anything else.

    [bold]Examples[/bold]

      [cyan]assetline drops retry --dataset ds1 --reason ENOQUOTA[/cyan]
        when the quota was enlarged
      [cyan]assetline drops retry 0f3c9a7be2d14c55a1b0c2d3e4f50617[/cyan]
      [cyan]assetline drops retry --yes[/cyan]
        everything that was rejected
      [cyan]assetline drops retry --ingested --dataset ds1[/cyan]
        when its assets were deleted in Vi and are to be there again
    """
    if ingested and not (drop_id or dataset):
        raise typer.BadParameter("give DROP_ID or --dataset with it", param_hint="--ingested")
    if drop_id and (dataset or reason):
        raise typer.BadParameter("name drops, or say which by --dataset and --reason, not both", param_hint="DROP_ID")
    context: CliContext = ctx.obj
    require_terminal_or_yes(context, yes=yes)
    with errors_reported(context):
        wanted = RetrySelection(drop_id or (), dataset, reason, "ingested" if ingested else "rejected")
        raise typer.Exit(retry_them(context, find_stack(context.aws.cloudformation, stack), wanted, sure=yes))


@drops_app.command()
def redrive(ctx: typer.Context, yes: Yes = False, stack: StackName = DEFAULT_STACK) -> None:
    """Move the messages of the drop dead-letter queue back to the drop queue.

    Fix the cause first: the logs of record_drop have it. A message that fails
    again returns to the dead-letter queue after ten attempts. The command
    shows how many messages there are and asks, unless --yes is given. Each
    message is sent before it is deleted, so none is lost. Exit status: 0 all
    moved, or none to move; 1 anything else; 130 Ctrl+C.

    [bold]Examples[/bold]

      [cyan]assetline drops redrive[/cyan]
      [cyan]assetline drops redrive --yes --stack assetline-prod[/cyan]
    """
    context: CliContext = ctx.obj
    require_terminal_or_yes(context, yes=yes)
    with errors_reported(context):
        raise typer.Exit(redrive_messages(context, find_stack(context.aws.cloudformation, stack), sure=yes))
