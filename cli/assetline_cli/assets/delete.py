"""Delete assets of a dataset, after a confirmation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assetline.assets.asset_file import id_of
from assetline.assets.listing import Listing
from assetline.deletion.report import DeletionResult
from assetline.deletion.request import DeletionRequest
from assetline.vi.assets import Assets
from assetline_cli.assets.run_execution import INPUT_BYTES, AssetRuns, input_bytes
from assetline_cli.assets.selection_options import (
    AssetSelection,
    selection_errors,
)
from assetline_cli.context import CliContext
from assetline_cli.errors import CommandFailed
from assetline_cli.exit_codes import COMPLETE, FAILED
from assetline_cli.stack import find_stack
from assetline_cli.terminal.formatting import count, count_of
from assetline_cli.terminal.prompts import confirmed
from assetline_cli.vi_client import open_vi_client

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assetline.assets.selection import Selection
    from assetline.vi.client import ViClient

RUN_AGAIN = "Run the command again, with a new --expect-count if you gave one; deleted assets are skipped."


@dataclass(frozen=True)
class _DeletionPlan:
    """The number of assets to delete, whether they are `all` of the dataset, and the inputs of the runs."""

    found: int
    inputs: Sequence[dict[str, Any]]
    all: bool = False


def _plan(client: ViClient, dataset: str, ids: tuple[str, ...], selection: AssetSelection) -> _DeletionPlan:
    """Return the assets to delete.

    Raises:
        CommandFailed: no assets are selected, or the selection is invalid.
    """
    if ids and selection.given:
        raise CommandFailed("Asset IDs and conditions exclude each other. Give either IDs or conditions.")
    if not ids and not selection.given:
        raise CommandFailed("No assets selected. Give asset IDs, a filter or other conditions.")
    selected = selection.of(dataset)
    if ids:
        return _DeletionPlan(len(ids), _inputs_of(dataset, ids))
    if selected.where is not None:
        return _listed(client, selected)
    _input(
        {"dataset_id": dataset, **selection.vi_query(), "expect_count": 0}
    )  # refuses an empty filter before Vi counts
    found = Assets(client, dataset).count(selected.query)
    return _DeletionPlan(found, [_input({"dataset_id": dataset, **selection.vi_query(), "expect_count": found})])


def _listed(client: ViClient, selected: Selection) -> _DeletionPlan:
    """List the assets that meet the conditions which are checked after Vi has answered."""
    listing, ids, excluded = Listing(client, selected, contents=False), list[str](), 0
    listing.admit()
    for page in listing.pages():
        ids += filter(None, map(id_of, page.records))
        excluded += page.excluded
    everything = not excluded and len(ids) >= Assets(client, selected.dataset_id).count()
    return _DeletionPlan(len(ids), _inputs_of(selected.dataset_id, ids), everything)


def _inputs_of(dataset: str, ids: Sequence[str]) -> list[dict[str, Any]]:
    return [_input({"dataset_id": dataset, "ids": some}) for some in _fitting(dataset, ids)]


def _fitting(dataset: str, ids: Sequence[str]) -> list[list[str]]:
    """Return *ids* in lists, each small enough for the input of one run."""
    empty = input_bytes({"dataset_id": dataset, "ids": []})
    lists: list[list[str]] = []
    size = INPUT_BYTES
    for asset_id in ids:
        added = len(f'"{asset_id}", ')  # an id is ASCII
        if size + added > INPUT_BYTES:
            lists.append([])
            size = empty
        lists[-1].append(asset_id)
        size += added
    return lists


def _input(run_input: dict[str, Any]) -> dict[str, Any]:
    with selection_errors():
        DeletionRequest.model_validate(run_input)
    return run_input


def _refuse_other_count(plan: _DeletionPlan, dataset: str, expected: int | None, *, yes: bool) -> None:
    """Raise `CommandFailed` if the number of assets is not the expected one."""
    found = count_of(plan.found, "asset")
    if expected is not None and plan.found != expected:
        raise CommandFailed(f"{found} match, not {count(expected)}. Nothing was deleted.")
    if yes and plan.found and plan.all and expected is None:
        raise CommandFailed(
            f"These conditions match all {found} in {dataset}. Nothing was deleted. To delete them all, "
            f"add --expect-count {plan.found}."
        )


def _deleted(runs: AssetRuns, dataset: str, plan: _DeletionPlan) -> list[DeletionResult]:
    """Run the deletions one after another; print their results, those of failed runs too."""
    results: list[DeletionResult] = []
    title, ahead = f"Deleting {count_of(plan.found, 'asset')} of {dataset}", [*plan.inputs]
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
                sum(len(run_input["ids"]) if "ids" in run_input else run_input["expect_count"] for run_input in ahead),
                "asset",
            )
            runs.context.print_message(f"Not started: the deletion of {left}. {RUN_AGAIN}")
    return results


def _sum_up(context: CliContext, dataset: str, results: list[DeletionResult]) -> None:
    deleted = sum(result.deleted or 0 for result in results)
    unknown, failed = sum(result.gone for result in results), sum(result.failed for result in results)
    line = f"Deleted {count_of(deleted, 'asset')} of {dataset}"
    line += f", {count(unknown)} did not exist" if unknown else ""
    line += f", {count(failed)} failed" if failed else ""
    context.print_line(f"{line}.")
    for result in results:
        if not result.complete:
            left = "" if result.left is None else f", {count(result.left)} left"
            context.print_message(
                f"The deletion is not complete ({result.ended}{left}). See the report for the reasons."
            )
        context.print_line(f"Report: s3://{result.bucket}/{result.csv_key or result.report_key}")


def delete_assets(  # noqa: PLR0913 - each is an option of the command
    context: CliContext,
    stack: str,
    selection: AssetSelection,
    dataset: str,
    asset_ids: Sequence[str],
    *,
    expected: int | None,
    yes: bool,
    progress: bool,
) -> int:
    """Delete assets, asking first unless *yes*, and return the exit status of the command.

    Raises:
        CommandFailed: the selection is invalid, or its number is not the expected one; nothing was deleted.
    """
    with open_vi_client(context, stack) as client:
        runs = AssetRuns(context, find_stack(context.aws.cloudformation, stack).machine_of_deletions(), progress)
        plan = _plan(client, dataset, tuple(dict.fromkeys(asset_ids)), selection)
    _refuse_other_count(plan, dataset, expected, yes=yes)
    if not plan.found:
        context.print_line("No assets to delete.")
        return COMPLETE
    found = f"{'all ' if plan.all else ''}{count_of(plan.found, 'asset')}"
    if not yes and not confirmed(context, f"Delete {found} of {dataset} permanently?"):
        context.print_line("Nothing was deleted.")
        return FAILED
    results = _deleted(runs, dataset, plan)
    return COMPLETE if all(result.complete for result in results) else FAILED
