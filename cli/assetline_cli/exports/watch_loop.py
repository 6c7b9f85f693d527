"""Watch one or several exports to their end, or until Ctrl+C."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer
from botocore.exceptions import BotoCoreError, ClientError

from assetline_cli.aws_errors import explain
from assetline_cli.context import CliContext
from assetline_cli.errors import CommandFailed
from assetline_cli.exit_codes import FAILED, INTERRUPTED
from assetline_cli.polling import Observation
from assetline_cli.terminal.prompts import InterruptChoice, ask_interrupt_choice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from assetline_cli.exports.stop import ExecutionStopper
    from assetline_cli.terminal.progress_bar import View


@dataclass(frozen=True)
class WatchLoop[S: Observation]:
    """A watch; it calls *looks* and *view* again after the operator has answered a question."""

    looks: Callable[[], Iterable[S]]
    view: Callable[[], View[S]]
    stopping: ExecutionStopper
    command: str
    what: str = "export"

    def run(self, context: CliContext) -> S:
        """Show it to its end and return the last observation.

        Raises:
            typer.Exit: the operator stopped the watching or the export.
            CommandFailed: AWS did not answer, or refused to.
        """
        while True:
            try:
                return self._show()
            except KeyboardInterrupt:
                self._interrupted(context)
            except (BotoCoreError, ClientError) as error:
                raise self._cut_off(error) from error

    def _show(self) -> S:
        last: S | None = None
        with self.view() as view:
            for last in self.looks():
                view.show(last)
        if last is None:
            raise AssertionError("a watch ends with a snapshot")
        return last

    def _interrupted(self, context: CliContext) -> None:
        wish = ask_interrupt_choice(context, self.what)
        if wish is InterruptChoice.WATCHING_ONLY:
            context.print_message(f"\nStopped watching. AWS continues the {self.what}.")
            context.print_message(f"Watch it again: {self.command}")
            raise typer.Exit(INTERRUPTED)
        if wish is InterruptChoice.STOP:
            try:
                stopped = self._stopped(context)
            except (BotoCoreError, ClientError) as error:
                raise self._cut_off(error) from error
            # An export that ended before it could be stopped is shown with its result.
            if stopped:
                raise typer.Exit(FAILED)

    def _stopped(self, context: CliContext) -> bool:
        """Stop the execution; return False if it ended meanwhile: the question may have waited for long."""
        if self.stopping.has_ended:
            return False
        try:
            return self.stopping.stop(context.print_message)
        except ClientError:
            if self.stopping.has_ended:
                return False
            raise

    def _cut_off(self, error: BotoCoreError | ClientError) -> CommandFailed:
        return CommandFailed(
            f"{explain(error)}\nStopped watching. AWS continues the {self.what}. Watch it again: {self.command}"
        )
