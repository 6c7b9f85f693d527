"""The looking: once a second, where an execution is and how far its export."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Self

from assetline_cli.polling import await_appearance, looks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from assetline_cli.clock import Clock
    from assetline_cli.executions import Execution, Executions
    from assetline_cli.exports.table import Exports
    from assetline_cli.item import ExportItem

LOOK_EVERY_SECONDS = 1.0  # the export writes its item once a second


class Stage(StrEnum):
    """Where an export is, in the operator's words."""

    OPENING = "opening"
    EXPORTING = "exporting"
    WAITING = "waiting for the feed"
    CLOSING = "closing the file"
    COMPLETE = "complete"
    INCOMPLETE = "incomplete"
    FAILED = "failed"
    STOPPED = "stopped"
    UNHEARD = "no answer from AWS, trying again"


@dataclass(frozen=True)
class Snapshot:
    """What one look saw; `progress` is None while the export opens."""

    execution: Execution
    progress: ExportItem | None
    stage: Stage

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.execution.ended

    def unheard(self) -> Self:
        """Return the same, of a moment in which AWS gives no answer."""
        return replace(self, stage=Stage.UNHEARD)

    def elapsed_seconds(self, now: datetime) -> float:
        """Return how long the execution has run, or ran; the operator's clock may differ a little from AWS's."""
        until = self.execution.stopped_at or now
        return max(0.0, (until - self.execution.started_at).total_seconds())


class Watch:
    """Looks at one execution until it has ended."""

    def __init__(self, executions: Executions, exports: Exports, clock: Clock) -> None:
        self._executions = executions
        self._exports = exports
        self._clock = clock

    def snapshots(self, arn: str, *, just_started: bool = False) -> Iterator[Snapshot]:
        """Yield a snapshot a second, the last one of the execution ended; `looks` says what of AWS's silence."""
        if just_started:
            await_appearance(lambda: self._executions.described(arn), self._clock, LOOK_EVERY_SECONDS)
        yield from looks(lambda: self._look(arn), self._clock, LOOK_EVERY_SECONDS)

    def _look(self, arn: str) -> Snapshot:
        # The execution first: once it has ended, the item read after it is the last word.
        execution = self._executions.describe(arn)
        progress = self._exports.progress_of(execution)
        return Snapshot(execution=execution, progress=progress, stage=_stage(execution, progress))


def _stage(execution: Execution, progress: ExportItem | None) -> Stage:
    if execution.ended:
        return _ending(execution)
    return stage_of(progress) if progress else Stage.OPENING


def _ending(execution: Execution) -> Stage:
    if execution.failure:
        return Stage.STOPPED if execution.status == "ABORTED" else Stage.FAILED
    return Stage.COMPLETE if execution.complete else Stage.INCOMPLETE


def stage_of(running: ExportItem) -> Stage:
    """Return where an export is whose execution runs."""
    if running.pause_seconds:
        return Stage.WAITING
    # A feed that does not say how much is left is shown exporting while its file is closed.
    return Stage.CLOSING if running.remaining == 0 else Stage.EXPORTING
