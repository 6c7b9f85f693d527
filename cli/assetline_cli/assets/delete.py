"""The command `assets delete`: assets deleted for good, when somebody has said that they mean it."""

from __future__ import annotations

from itertools import batched
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assetline.dataset.deletion_report import DeletionResult
from assetline.dataset.deletion_request import DeletionRequest
from assetline.dataset.files import id_of
from assetline.dataset.listing import Listing
from assetline.vi.assets import Assets
from assetline_cli.assets.options import Dataset
from assetline_cli.assets.runs import Runs
from assetline_cli.assets.selecting import ASKED, WHERE, Meant, selecting, understood
from assetline_cli.desk import COMPLETE, FAILED, Desk
from assetline_cli.errors import CountChanged, SelectionMalformed
from assetline_cli.figures import count, count_of
from assetline_cli.ingest.options import ShowProgress
from assetline_cli.one_message import one_message
from assetline_cli.options import StackName, Yes
from assetline_cli.stack import DEFAULT_STACK, find_stack
from assetline_cli.vi import vi_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assetline.vi.client import ViClient

IDS_A_RUN = 5000  # ours: the input of an execution holds 256 KiB

AssetIds = Annotated[
    list[str] | None, typer.Argument(metavar="[ASSET]…", help="These assets, by their ids.", show_default=False)
]
ExpectCount = Annotated[
    int | None,
    typer.Option(
        "--expect-count", metavar="N", min=0, help="Delete only if it is so many.", show_default="as many as there are"
    ),
]


@selecting(**ASKED, **WHERE)
def delete(  # noqa: PLR0913 - typer: one argument an option
    ctx: typer.Context,
    *,
    dataset: Dataset,
    assets: AssetIds = None,
    meant: Meant,
    expect_count: ExpectCount = None,
    yes: Yes = False,
    progress: ShowProgress = True,
    stack: StackName = DEFAULT_STACK,
) -> None:
    """Delete assets of a Vi dataset for good: those named, or those that are meant.

    It says how many they are and asks, unless told --yes. What Vi finds by a
    filter or a query it deletes itself, if it then still finds as many; for the
    other conditions the assets are listed and deleted by their ids. A report is
    kept in the export bucket. Exit status: 0 all are deleted, or there were
    none; 1 anything else, 130 Ctrl+C, which ends the watching only.

    [bold]Examples[/bold]

      [cyan]assetline assets delete ds1 asset-1 asset-2[/cyan]
      [cyan]assetline assets delete ds1 --filter '{"status": "error"}'[/cyan]
      [cyan]assetline assets delete ds1 --filter '{"status": "error"}' --expect-count 12 --yes[/cyan]
      [cyan]assetline assets delete ds1 --max-bytes 100 --name 'test_*'[/cyan]
    """
    desk: Desk = ctx.obj
    if not yes and not desk.can_ask:
        raise typer.BadParameter("nobody is at a terminal to be asked: give it if you mean it", param_hint="--yes")
    with one_message(desk), vi_of(desk, stack) as client:
        runs = Runs(desk, find_stack(desk.aws.cloudformation, stack).machine_of_deletions(), progress)
        found, inputs = _asked(client, dataset, tuple(dict.fromkeys(assets or ())), meant)
        if expect_count is not None and found != expect_count:
            raise CountChanged(f"It is {count_of(found, 'asset')}, not {count(expect_count)}: nothing was deleted.")
        if not found:
            desk.say("There is nothing to delete.")
            return
        if not yes and not _confirmed(desk, found, dataset):
            desk.say("Nothing was deleted.")
            raise typer.Exit(FAILED)
        title = f"Deleting {count_of(found, 'asset')} of {dataset}"
        results = [runs.through(title, f"delete-{dataset}", asked, DeletionResult) for asked in inputs]
        _sum_up(desk, dataset, results)
        raise typer.Exit(COMPLETE if all(result.complete for result in results) else FAILED)


def _asked(client: ViClient, dataset: str, ids: tuple[str, ...], meant: Meant) -> tuple[int, Sequence[dict[str, Any]]]:
    """Return how many assets are meant, and the inputs of the runs that delete them.

    Raises:
        SelectionMalformed: it is not said which, or not so that it can be understood.
    """
    if ids and meant.given:
        raise SelectionMalformed("Name assets, or give conditions, not both.")
    if not ids and not meant.given:
        raise SelectionMalformed("Say which: name assets, or give a filter or other conditions. All is never meant.")
    wanted = meant.of(dataset)
    if wanted.where is not None:
        listing = Listing(client, wanted, contents=False)
        listing.admit()
        ids = tuple(filter(None, (id_of(record) for page in listing.pages() for record in page.records)))
    if ids or wanted.where is not None:
        return len(ids), [
            _input({"dataset_id": dataset, "ids": list(some)}) for some in batched(ids, IDS_A_RUN, strict=False)
        ]
    _input({"dataset_id": dataset, **meant.asked(), "expect_count": 0})  # an empty filter is refused before it is asked
    found = Assets(client, dataset).count(wanted.query)
    return found, [_input({"dataset_id": dataset, **meant.asked(), "expect_count": found})]


def _input(asked: dict[str, Any]) -> dict[str, Any]:
    with understood():
        DeletionRequest.model_validate(asked)
    return asked


def _confirmed(desk: Desk, found: int, dataset: str) -> bool:
    try:
        asked = f"Delete {count_of(found, 'asset')} of {dataset} for good? [y]es / [n]o"
        return desk.ask(asked) in {"y", "yes"}
    except EOFError:
        desk.say("")
        return False


def _sum_up(desk: Desk, dataset: str, results: list[DeletionResult]) -> None:
    deleted = sum(result.deleted or 0 for result in results)
    gone, failed = sum(result.gone for result in results), sum(result.failed for result in results)
    line = f"Deleted {count_of(deleted, 'asset')} of {dataset}"
    line += f", {count(gone)} were gone already" if gone else ""
    line += f", {count(failed)} failed" if failed else ""
    desk.say(f"{line}.")
    for result in results:
        if not result.complete:
            left = "" if result.left is None else f", {count(result.left)} left"
            desk.complain(f"The deletion is not complete ({result.ended}{left}): the report says why.")
        desk.say(f"Report: s3://{result.bucket}/{result.csv_key or result.report_key}")
