"""The command `assets delete`: assets deleted for good, when somebody has said that they mean it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assetline.assets.asset_file import id_of
from assetline.assets.listing import Listing
from assetline.deletion.report import DeletionResult
from assetline.deletion.request import DeletionRequest
from assetline.vi.assets import Assets
from assetline_cli.assets.run_execution import INPUT_BYTES, AssetRuns, input_bytes
from assetline_cli.assets.selection_options import (
    CONDITION_OPTIONS,
    VI_QUERY_OPTIONS,
    AssetSelection,
    Dataset,
    selection_errors,
    selection_options,
)
from assetline_cli.context import CliContext
from assetline_cli.error_reporting import errors_reported
from assetline_cli.errors import CommandFailed
from assetline_cli.exit_codes import COMPLETE, FAILED
from assetline_cli.options import ShowProgress, StackName, Yes
from assetline_cli.options import ids as given_ids
from assetline_cli.stack import DEFAULT_STACK, find_stack
from assetline_cli.terminal.formatting import count, count_of
from assetline_cli.terminal.prompts import confirmed, require_terminal_or_yes
from assetline_cli.vi_client import open_vi_client

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assetline.assets.selection import Selection
    from assetline.vi.client import ViClient

AGAIN = "Give the same command again (with another --expect-count, if any): what is gone is skipped."

AssetIds = Annotated[
    list[str] | None,
    typer.Argument(metavar="[ASSET]…", callback=given_ids, help="These assets, by their ids.", show_default=False),
]
ExpectCount = Annotated[
    int | None,
    typer.Option(
        "--expect-count", metavar="N", min=0, help="Delete only if it is so many.", show_default="as many as there are"
    ),
]


@selection_options(**VI_QUERY_OPTIONS, **CONDITION_OPTIONS)
def delete(  # noqa: PLR0913 - typer: one argument an option
    ctx: typer.Context,
    *,
    dataset: Dataset,
    assets: AssetIds = None,
    selection: AssetSelection,
    expect_count: ExpectCount = None,
    yes: Yes = False,
    progress: ShowProgress = True,
    stack: StackName = DEFAULT_STACK,
) -> None:
    """Delete assets of a Vi dataset for good: those named, or those that are selection.

    It says how many they are and asks, unless told --yes. What Vi finds by a
    filter or a query it deletes itself, if it then still finds as many; for the
    other conditions the assets are listed and deleted by their ids. Where these
    leave out nothing, --yes needs --expect-count. Reports are kept in the export
    bucket. Ids that do not fit into one run, about 250 kB of them, are deleted
    by several, one after another. Ctrl+C ends the watching only: the run goes
    on, and what is not begun yet is told. Exit status: 0 all are deleted, or
    there were none; 1 anything else, 130 Ctrl+C.

    [bold]Examples[/bold]

      [cyan]assetline assets delete ds1 asset-1 asset-2[/cyan]
      [cyan]assetline assets delete ds1 --filter '{"status": "error"}'[/cyan]
      [cyan]assetline assets delete ds1 --filter '{"status": "error"}' --expect-count 12 --yes[/cyan]
      [cyan]assetline assets delete ds1 --max-bytes 100 --name 'test_*'[/cyan]
    """
    context: CliContext = ctx.obj
    require_terminal_or_yes(context, yes=yes)
    with errors_reported(context), open_vi_client(context, stack) as client:
        runs = AssetRuns(context, find_stack(context.aws.cloudformation, stack).machine_of_deletions(), progress)
        wanted = _asked(client, dataset, tuple(dict.fromkeys(assets or ())), selection)
        _as_many_as_expected(wanted, dataset, expect_count, yes=yes)
        if not wanted.found:
            context.say("There is nothing to delete.")
            return
        which = f"{'all ' if wanted.all else ''}{count_of(wanted.found, 'asset')}"
        if not yes and not confirmed(context, f"Delete {which} of {dataset} for good?"):
            context.say("Nothing was deleted.")
            raise typer.Exit(FAILED)
        results = _deleted(runs, dataset, wanted)
        raise typer.Exit(COMPLETE if all(result.complete for result in results) else FAILED)


@dataclass(frozen=True)
class _DeletionPlan:
    """How many assets are to be deleted, whether that is `all` there are, and the inputs of the runs that do it."""

    found: int
    inputs: Sequence[dict[str, Any]]
    all: bool = False


def _asked(client: ViClient, dataset: str, ids: tuple[str, ...], selection: AssetSelection) -> _DeletionPlan:
    """Return what is to be deleted.

    Raises:
        CommandFailed: it is not said which, or not so that it can be understood.
    """
    if ids and selection.given:
        raise CommandFailed("Name assets, or give conditions, not both.")
    if not ids and not selection.given:
        raise CommandFailed("Say which: name assets, or give a filter or other conditions. All is never meant.")
    wanted = selection.of(dataset)
    if ids:
        return _DeletionPlan(len(ids), _inputs_of(dataset, ids))
    if wanted.where is not None:
        return _listed(client, wanted)
    _input({"dataset_id": dataset, **selection.asked(), "expect_count": 0})  # refuses an empty filter before Vi counts
    found = Assets(client, dataset).count(wanted.query)
    return _DeletionPlan(found, [_input({"dataset_id": dataset, **selection.asked(), "expect_count": found})])


def _listed(client: ViClient, wanted: Selection) -> _DeletionPlan:
    """List what meets conditions that Vi is not asked about."""
    listing, ids, excluded = Listing(client, wanted, contents=False), list[str](), 0
    listing.admit()
    for page in listing.pages():
        ids += filter(None, map(id_of, page.records))
        excluded += page.excluded
    everything = not excluded and len(ids) >= Assets(client, wanted.dataset_id).count()
    return _DeletionPlan(len(ids), _inputs_of(wanted.dataset_id, ids), everything)


def _inputs_of(dataset: str, ids: Sequence[str]) -> list[dict[str, Any]]:
    return [_input({"dataset_id": dataset, "ids": some}) for some in _fitting(dataset, ids)]


def _fitting(dataset: str, ids: Sequence[str]) -> list[list[str]]:
    """Return *ids* in lists of which each fits into the input of one run."""
    empty = input_bytes({"dataset_id": dataset, "ids": []})
    lists: list[list[str]] = []
    size = INPUT_BYTES
    for one in ids:
        added = len(f'"{one}", ')  # an id is ASCII
        if size + added > INPUT_BYTES:
            lists.append([])
            size = empty
        lists[-1].append(one)
        size += added
    return lists


def _input(asked: dict[str, Any]) -> dict[str, Any]:
    with selection_errors():
        DeletionRequest.model_validate(asked)
    return asked


def _as_many_as_expected(wanted: _DeletionPlan, dataset: str, expected: int | None, *, yes: bool) -> None:
    """Raise `CommandFailed`, if what is found is not what was said."""
    found = count_of(wanted.found, "asset")
    if expected is not None and wanted.found != expected:
        raise CommandFailed(f"It is {found}, not {count(expected)}: nothing was deleted.")
    if yes and wanted.found and wanted.all and expected is None:
        raise CommandFailed(
            f"These conditions leave out nothing: they mean all {found} of {dataset}. Nothing was deleted; if you mean "
            f"all, say also --expect-count {wanted.found}."
        )


def _deleted(runs: AssetRuns, dataset: str, wanted: _DeletionPlan) -> list[DeletionResult]:
    """See the runs through, one after another, for Vi is one; tell what they came to, whatever ends it."""
    results: list[DeletionResult] = []
    title, ahead = f"Deleting {count_of(wanted.found, 'asset')} of {dataset}", [*wanted.inputs]
    try:
        while ahead:
            arn = runs.start(f"delete-{dataset}", ahead[0])
            del ahead[0]
            results.append(runs.result_of(arn, title, DeletionResult))
    finally:
        if results:
            _sum_up(runs.context, dataset, results)
        if ahead:
            left = count_of(
                sum(len(asked["ids"]) if "ids" in asked else asked["expect_count"] for asked in ahead), "asset"
            )
            runs.context.complain(f"Not begun: the deletion of {left}. {AGAIN}")
    return results


def _sum_up(context: CliContext, dataset: str, results: list[DeletionResult]) -> None:
    deleted = sum(result.deleted or 0 for result in results)
    gone, failed = sum(result.gone for result in results), sum(result.failed for result in results)
    line = f"Deleted {count_of(deleted, 'asset')} of {dataset}"
    line += f", {count(gone)} were gone already" if gone else ""
    line += f", {count(failed)} failed" if failed else ""
    context.say(f"{line}.")
    for result in results:
        if not result.complete:
            left = "" if result.left is None else f", {count(result.left)} left"
            context.complain(f"The deletion is not complete ({result.ended}{left}): the report says why.")
        context.say(f"Report: s3://{result.bucket}/{result.csv_key or result.report_key}")
