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
        """Return the drops that are selection.

        Raises:
            CommandFailed: one that is named is not there, or in another state.
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
                what = f"{found[drop_id].state}, not {self.state}"
                raise CommandFailed(f"Drop {drop_id} is {what}. Nothing was queued.")
        return list(found.values())


def can_be_retried(drop: Drop) -> bool:
    """Return whether a rejected drop may be ingested later: one rejected for its content never is."""
    return drop.mime is not None  # the type is set once a drop was read and accepted


def retry_drops(context: CliContext, stack_name: str, selection: RetrySelection, *, sure: bool) -> int:
    """Re-queue what is selected, asking first unless *sure*; return the exit status of the command.

    Raises:
        CommandFailed: there is nothing that can be.
        CommandFailed: the drops wait again, and are taken a little later.
    """
    stack = find_stack(context.aws.cloudformation, stack_name)
    drops = DropsTable.of(context, stack.ingestion())
    chosen = selection.chosen(drops)
    again = [drop for drop in chosen if can_be_retried(drop)]
    _tell_of_unfit(context, chosen)
    if not again:
        if selection.drop_ids:
            raise CommandFailed("None of these drops can be retried. Fix the files and upload them again.")
        context.say("No drops to retry.")
        return COMPLETE
    if not sure and not confirmed(context, _question(again)):
        context.say("Nothing was queued.")
        return FAILED
    _requeue(context, stack, drops, again, selection.state)
    return COMPLETE


def _requeue(context: CliContext, stack: Stack, drops: DropsTable, again: Sequence[Drop], state: Over) -> None:
    waiting = drops.retry(again, state)
    context.say(f"Queued {count_of(len(waiting), 'drop')}.")
    if len(waiting) < len(again):
        context.complain(f"Skipped {count_of(len(again) - len(waiting), 'drop')}, which changed in the meantime.")
    runs = IngestionStarter(context.aws.stepfunctions, stack.ingestion().machine_arn, context.clock)
    failures = []
    for dataset_id in sorted({drop.dataset_id for drop in again if drop.drop_id in waiting}):
        try:
            runs.start(dataset_id)
        except CommandFailed as error:  # the drops of the other datasets wait as well
            failures.append(error)
        else:
            context.say(f"See their progress: {drops_command(stack.name, dataset_id)}")
    if failures:
        raise failures[0]


def _tell_of_unfit(context: CliContext, chosen: Sequence[Drop]) -> None:
    unfit = Counter(drop.reason or "no reason" for drop in chosen if not can_be_retried(drop))
    if unfit:
        reasons = ", ".join(f"{reason} {number:,}" for reason, number in unfit.most_common())
        verb = "was" if unfit.total() == 1 else "were"
        context.complain(
            f"{count_of(unfit.total(), 'drop')} {verb} rejected for the content ({reasons}). Fix the "
            "files and upload them again."
        )


def _question(again: Sequence[Drop]) -> str:
    datasets = sorted({drop.dataset_id for drop in again})
    where = datasets[0] if len(datasets) == 1 else count_of(len(datasets), "dataset")
    return f"Retry {count_of(len(again), 'drop')} of {where}?"
