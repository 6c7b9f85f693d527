"""Something watched to its end, or until Ctrl+C: the same for one export and for several."""

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
    """What is watched and how: each call of *looks* and *view* begins anew, after a question was answered."""

    looks: Callable[[], Iterable[S]]
    view: Callable[[], View[S]]
    stopping: ExecutionStopper
    again: str
    what: str = "export"

    def run(self, context: CliContext) -> S:
        """Show it to its end and return the last that was seen.

        Raises:
            typer.Exit: the operator wants no more of it.
            CommandFailed: AWS does not let us go on watching.
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
            context.complain(f"\nStopped watching; the {self.what} goes on.")
            context.complain(f"Watch it again: {self.again}")
            raise typer.Exit(INTERRUPTED)
        if wish is InterruptChoice.STOP:
            try:
                stopped = self.stopping.stop(context.complain)
            except (BotoCoreError, ClientError) as error:
                raise self._cut_off(error) from error
            # One that had ended before it could be stopped is shown as it ended.
            if stopped:
                raise typer.Exit(FAILED)

    def _cut_off(self, error: BotoCoreError | ClientError) -> CommandFailed:
        return CommandFailed(
            f"{explain(error)}\nThe watching ends; the {self.what} does not. Watch it again: {self.again}"
        )
