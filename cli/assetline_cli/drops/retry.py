"""Queue rejected drops for a new ingestion session."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from assetline_cli.context import CliContext
from assetline_cli.drops.ingestion_runs import IngestionStarter
from assetline_cli.drops.table import DropsTable
from assetline_cli.errors import CommandFailed
from assetline_cli.exit_codes import COMPLETE, FAILED
from assetline_cli.stack import find_stack
from assetline_cli.suggested_commands import drops_command
from assetline_cli.terminal.formatting import count_of
from assetline_cli.terminal.prompts import confirmed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assetline.ingest.drop import Drop
    from assetline_cli.stack import Stack


type Over = Literal["rejected", "ingested"]


@dataclass(frozen=True)
class RetrySelection:
    """The drops in *state* to retry: those named, or all of a dataset and for a reason."""

    drop_ids: Sequence[str] = ()
    dataset_id: str | None = None
    reason: str | None = None
    state: Over = "rejected"

    def chosen(self, drops: DropsTable) -> list[Drop]:
        """Return the selected drops.

        Raises:
            CommandFailed: a named drop does not exist, or is in another state.
        """
        if self.drop_ids:
            return self._named(drops)
        over = drops.newest(self.dataset_id, [self.state])
        return [drop for drop in over if self.reason in {None, drop.reason}]

    def _named(self, drops: DropsTable) -> list[Drop]:
        found = drops.get(self.drop_ids)
        for drop_id in self.drop_ids:
            if drop_id not in found:
                raise CommandFailed(
                    f"Drop {drop_id!r} does not exist in this stack. List the drops with `assetline drops list --json`."
                )
            if found[drop_id].state != self.state:
                state = f"{found[drop_id].state}, not {self.state}"
                raise CommandFailed(f"Drop {drop_id} is {state}. Nothing was queued.")
        return list(found.values())


def can_be_retried(drop: Drop) -> bool:
    """Return whether a rejected drop may be ingested later: one rejected for its content never is."""
    return drop.mime is not None  # the type is set once a drop was read and accepted


def retry_drops(context: CliContext, stack_name: str, selection: RetrySelection, *, sure: bool) -> int:
    """Queue the selected drops again, asking first unless *sure*; return the exit status of the command.

    Raises:
        CommandFailed: none of the named drops can be retried.
        CommandFailed: the drops are queued, but their run did not start; the sweeper starts it.
    """
    stack = find_stack(context.aws.cloudformation, stack_name)
    drops = DropsTable.of(context, stack)
    chosen = selection.chosen(drops)
    retried = [drop for drop in chosen if can_be_retried(drop)]
    _print_unfit(context, chosen)
    if not retried:
        if selection.drop_ids:
            raise CommandFailed("None of these drops can be retried. Fix the files and upload them again.")
        context.print_line("No drops to retry.")
        return COMPLETE
    if not sure and not confirmed(context, _question(retried)):
        context.print_line("Nothing was queued.")
        return FAILED
    _requeue(context, stack, drops, retried, selection.state)
    return COMPLETE


def _requeue(context: CliContext, stack: Stack, drops: DropsTable, retried: Sequence[Drop], state: Over) -> None:
    waiting = drops.retry(retried, state)
    context.print_line(f"Queued {count_of(len(waiting), 'drop')}.")
    if len(waiting) < len(retried):
        context.print_message(
            f"Skipped {count_of(len(retried) - len(waiting), 'drop')}, which changed in the meantime."
        )
    runs = IngestionStarter(context.aws.stepfunctions, stack.ingestion().machine_arn, context.clock)
    failures = []
    for dataset_id in sorted({drop.dataset_id for drop in retried if drop.drop_id in waiting}):
        try:
            runs.start(dataset_id)
        except CommandFailed as error:  # the drops of the other datasets are queued as well
            failures.append(error)
        else:
            context.print_line(f"See their progress: {drops_command(stack.name, dataset_id)}")
    if failures:
        raise failures[0]


def _print_unfit(context: CliContext, chosen: Sequence[Drop]) -> None:
    unfit = Counter(drop.reason or "no reason" for drop in chosen if not can_be_retried(drop))
    if unfit:
        reasons = ", ".join(f"{reason} {number:,}" for reason, number in unfit.most_common())
        verb = "was" if unfit.total() == 1 else "were"
        context.print_message(
            f"{count_of(unfit.total(), 'drop')} {verb} rejected for the content ({reasons}). Fix the "
            "files and upload them again."
        )


def _question(retried: Sequence[Drop]) -> str:
    datasets = sorted({drop.dataset_id for drop in retried})
    where = datasets[0] if len(datasets) == 1 else count_of(len(datasets), "dataset")
    return f"Retry {count_of(len(retried), 'drop')} of {where}?"
