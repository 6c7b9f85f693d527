"""Stop exports permanently, and print the partial files."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING

from assetline.export.export_names import partial_key
from assetline_cli.context import CliContext
from assetline_cli.errors import CommandFailed, ExecutionMissing
from assetline_cli.executions import Executions, Status, has_ended
from assetline_cli.exit_codes import COMPLETE, FAILED
from assetline_cli.exports.names import execution_arn_of
from assetline_cli.exports.table import PARTIAL, ExportsReader
from assetline_cli.stack import find_stack
from assetline_cli.terminal.formatting import count, rows_of
from assetline_cli.terminal.progress_bar import waiting_on
from assetline_cli.terminal.prompts import confirmed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from assetline_cli.clock import Clock
    from assetline_cli.exports.table import ExportItem
    from assetline_cli.stack import Stack

CAUSE = "Stopped by the operator, with the command assetline."
SALVAGE_SECONDS = 30.0  # ours: longest wait for the partial file, which appears without it too
LOOK_EVERY_SECONDS = 1.0


class ExecutionStopper:
    """Stops one execution of one or several exports; *items* returns their items."""

    def __init__(  # noqa: PLR0913, PLR0917 - connections of the caller
        self,
        executions: Executions,
        arn: str,
        items: Callable[[], Sequence[ExportItem]],
        clock: Clock,
        nested: Executions | None = None,
        waiting: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self._executions = executions
        self._arn = arn
        self._items = items
        self._clock = clock
        self._nested = nested
        self._waiting = waiting

    @property
    def status(self) -> Status:
        """The status of the execution."""
        return self._executions.described(self._arn)["status"]

    @property
    def has_ended(self) -> bool:
        """Whether the execution has ended."""
        return has_ended(self.status)

    def stop(self, report: Callable[[str], None]) -> bool:
        """Stop the execution and the exports it started, and *report* the partial files.

        Returns False if the execution ended in another way.

        Raises:
            CommandFailed: exports that it started still run.
        """
        self._executions.stop(self._arn, CAUSE)
        report("Stopping. The checkpointed rows become a partial file.")
        try:
            with self._waiting():
                items = self._settled()
        except KeyboardInterrupt:
            items = self._items()
        if has_ended(self.status) and self.status != "ABORTED":
            return False
        running = [*self._running_children()]
        for line in leftover_lines([item for item in items if item.execution_arn not in running]):
            report(line)
        if running:
            names = ", ".join(arn.rpartition(":")[2] for arn in running)
            raise CommandFailed(f"Still running: {names}. Run the command again.")
        return True

    def _running_children(self) -> Iterator[str]:
        if self._nested is not None:
            yield from self._nested.running_children(self._arn)

    def _stop_children(self) -> int:
        """Stop the running exports that the execution started; return their number."""
        nested = self._nested
        if nested is None:
            return 0
        running = [*self._running_children()]
        for arn in running:
            with suppress(ExecutionMissing):
                nested.stop(arn, CAUSE)
        return len(running)

    def _settled(self) -> Sequence[ExportItem]:
        began_at = self._clock.now()
        while True:
            # The execution is read first: after its end it opens no export.
            ended, stopping, items = has_ended(self.status), self._stop_children(), self._items()
            late = (self._clock.now() - began_at).total_seconds() >= SALVAGE_SECONDS
            if late or (ended and not stopping and not any(item.running for item in items)):
                return items
            self._clock.sleep(LOOK_EVERY_SECONDS)


def leftover_lines(items: Sequence[ExportItem]) -> list[str]:
    """Return the figures and the files of stopped exports, one per line."""
    if not items:
        return ["Stopped before a file was opened. No partial file exists."]
    return [line for item in items for line in _leftover(item)]


def _leftover(item: ExportItem) -> list[str]:
    if not (item.running or item.state == PARTIAL):
        return [f"{item.export_id} was already {item.state}."]
    noun = rows_of(item.feed)
    lines = [f"Stopped {item.export_id} after page {count(item.pages)}, {count(item.rows)} {noun}."]
    if item.partial_key:
        return [*lines, f"Partial file: s3://{item.bucket}/{item.partial_key}"]
    if item.state == PARTIAL:
        return [*lines, "Nothing was checkpointed. No partial file exists."]
    key = partial_key(item.feed, item.export_id, item.format)
    return [*lines, f"The partial file appears within a minute, if anything was checkpointed: s3://{item.bucket}/{key}"]


def export_stopper(context: CliContext, stack: Stack, arn: str) -> ExecutionStopper:
    """Return the stopper of the execution *arn*."""
    executions = Executions(context.aws.stepfunctions, stack.machine_arn)
    exports = ExportsReader(context.aws.table(stack.table))

    def items() -> list[ExportItem]:
        item = exports.progress_of(executions.describe(arn))
        return [item] if item else []

    return ExecutionStopper(executions, arn, items, context.clock, waiting=lambda: waiting_on(context.out))


def feeds_stopper(context: CliContext, stack: Stack, arn: str) -> ExecutionStopper:
    """Return the stopper of the execution *arn* and of the exports that it has started."""
    executions = Executions(context.aws.stepfunctions, stack.machine_of_feeds())
    exports = ExportsReader(context.aws.table(stack.table))
    nested = Executions(context.aws.stepfunctions, stack.machine_arn)
    return ExecutionStopper(
        executions, arn, lambda: exports.children_of(arn), context.clock, nested, lambda: waiting_on(context.out)
    )


def stop_export(context: CliContext, stack_name: str, name: str, *, sure: bool) -> int:
    """Stop the execution or the export *name*, asking first unless *sure*; return the exit status of the command.

    Raises:
        CommandFailed, ExecutionMissing: it does not exist, or ended in another way.
    """
    stack = find_stack(context.aws.cloudformation, stack_name)
    arn = execution_arn_of(name, stack, ExportsReader(context.aws.table(stack.table)))
    several = stack.exports_feeds(arn)
    stopping = feeds_stopper(context, stack, arn) if several else export_stopper(context, stack, arn)
    status = stopping.status
    if has_ended(status) and status != "ABORTED":
        raise CommandFailed(f"{name} has already ended ({status}). Nothing was stopped.")
    if status == "ABORTED":
        context.print_line(f"{name} was already stopped.")
    elif not sure and not confirmed(context, f"Stop {name} permanently? A stopped export cannot be resumed."):
        context.print_line("Nothing was stopped.")
        return FAILED
    if not stopping.stop(context.print_line):
        raise CommandFailed(f"{name} ended before it could be stopped. See its result: assetline exports watch {arn}")
    return COMPLETE
