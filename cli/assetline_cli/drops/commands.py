"""The commands for drops."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from assetline_cli.command_groups import INGEST, OPERATE, ListByDefault, command_group
from assetline_cli.drops.options import (
    DropIds,
    DropInState,
    ForReason,
    Ingested,
    IntoDataset,
    Metadata,
    Paths,
    SkipExisting,
    WaitForThem,
)
from assetline_cli.error_reporting import errors_reported
from assetline_cli.options import DEFAULT_STACK, AsJson, Limit, OfDataset, ShowProgress, StackName, Yes

if TYPE_CHECKING:
    from assetline_cli.context import CliContext

drops_app = command_group(
    "Upload files to the drop bucket, and follow their ingestion into Vi datasets.", ListByDefault
)


@drops_app.command("upload", no_args_is_help=True, rich_help_panel=INGEST)
def upload(
    ctx: typer.Context,
    path: Paths,
    dataset: IntoDataset,
    metadata: Metadata = None,
    skip_existing: SkipExisting = False,
    wait: WaitForThem = True,
    progress: ShowProgress = True,
    stack: StackName = DEFAULT_STACK,
) -> None:
    """Upload images and videos to the drop bucket, and wait until they are assets of a Vi dataset.

    A folder is uploaded with everything below it. Hidden files and common
    companions of images, such as .txt, .csv or .zip, are skipped. A file named
    on the command line is always uploaded, except files of an operating
    system, such as Thumbs.db. Vi's refusals show as rejected drops, with
    reasons. The folders below a folder become part of the asset names.

    Ctrl+C stops only the waiting: ingestion runs in AWS. With --no-wait the
    command prints the drop IDs, one per line, and its messages on stderr.

    Exit status: 0 every file is ingested (with --no-wait: uploaded); 1 any
    other result; 130 Ctrl+C.

    [bold]Examples[/bold]

      [cyan]assetline drops upload photos --dataset ds1[/cyan]
      [cyan]assetline drops upload a.jpg b.mp4 more/ --dataset ds1 --metadata site=7 --metadata camera=north[/cyan]
      [cyan]assetline drops upload photos --dataset ds1 --skip-existing[/cyan]
        upload the rest after an interruption
      [cyan]assetline drops upload photos --dataset ds1 --no-wait > ids.txt[/cyan]
        exit after the upload; `assetline drops list` shows the progress
    """
    from assetline_cli.drops.drop import DropRequest, drop_files

    context: CliContext = ctx.obj
    with errors_reported(context):
        raise typer.Exit(
            drop_files(context, stack, DropRequest(path, dataset, metadata or (), wait, progress, skip_existing))
        )


@drops_app.command("list", rich_help_panel=INGEST)
def list_(
    ctx: typer.Context,
    dataset: OfDataset = None,
    state: DropInState = None,
    limit: Limit = 20,
    json: AsJson = False,
    stack: StackName = DEFAULT_STACK,
) -> None:
    """List drops, the newest first, with their states and the reasons of rejections.

    On a terminal the list is a table. In a pipe it is tab-separated lines
    without a heading: drop ID, key, dataset, state, age, size, attempts
    (failed sessions), reason. Messages go to stderr. `assetline drops retry`
    retries rejected drops.

    To find ingested drops, the command reads the entire table. With another
    --state, it reads only the index, which is faster in a large table.

    [bold]Examples[/bold]

      [cyan]assetline drops list[/cyan]
      [cyan]assetline drops list --dataset ds1 --state rejected[/cyan]
      [cyan]assetline drops list --state rejected --limit 1000 --json[/cyan]
    """
    from assetline_cli.drops.list import list_drops

    context: CliContext = ctx.obj
    with errors_reported(context):
        list_drops(context, stack, dataset, state, limit, json=json)


@drops_app.command("retry", rich_help_panel=OPERATE)
def retry(
    ctx: typer.Context,
    drop_id: DropIds = None,
    dataset: OfDataset = None,
    reason: ForReason = None,
    ingested: Ingested = False,
    yes: Yes = False,
    stack: StackName = DEFAULT_STACK,
) -> None:
    """Retry rejected drops: queue them for a new ingestion session.

    Select drops by their IDs, or all rejected drops of a dataset or for a
    reason. The command asks for confirmation, unless --yes is given. Drops
    rejected for their content, such as empty files, are not retried: fix the
    file and upload it again.

    Exit status: 0 queued, or nothing to retry; 1 any other result.

    [bold]Examples[/bold]

      [cyan]assetline drops retry --dataset ds1 --reason ENOQUOTA[/cyan]
        after the quota was raised
      [cyan]assetline drops retry 0f3c9a7be2d14c55a1b0c2d3e4f50617[/cyan]
      [cyan]assetline drops retry --yes[/cyan]
        every rejected drop
      [cyan]assetline drops retry --ingested --dataset ds1[/cyan]
        restore assets that were deleted in Vi
    """
    if ingested and not (drop_id or dataset):
        raise typer.BadParameter("Requires DROP_ID or --dataset.", param_hint="--ingested")
    if drop_id and (dataset or reason):
        raise typer.BadParameter("Excludes --dataset and --reason: use one or the other.", param_hint="DROP_ID")
    from assetline_cli.drops.retry import RetrySelection, retry_drops

    context: CliContext = ctx.obj
    with errors_reported(context):
        selection = RetrySelection(drop_id or (), dataset, reason, "ingested" if ingested else "rejected")
        raise typer.Exit(retry_drops(context, stack, selection, sure=yes))


@drops_app.command("redrive", rich_help_panel=OPERATE)
def redrive(ctx: typer.Context, yes: Yes = False, stack: StackName = DEFAULT_STACK) -> None:
    """Move the messages of the drop dead-letter queue back to the drop queue.

    Fix the cause first: see the logs of record_drop. A message that fails
    again returns to the dead-letter queue after ten attempts. The command
    shows the number of messages and asks, unless --yes is given. Each message
    is sent before it is deleted, so none is lost.

    Exit status: 0 all moved, or none to move; 1 any other result; 130 Ctrl+C.

    [bold]Examples[/bold]

      [cyan]assetline drops redrive[/cyan]
      [cyan]assetline drops redrive --yes --stack assetline-prod[/cyan]
    """
    from assetline_cli.drops.redrive import redrive_messages

    context: CliContext = ctx.obj
    with errors_reported(context):
        raise typer.Exit(redrive_messages(context, stack, sure=yes))
