"""The looking: once a second, where an execution is and how far its export."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from assetline_cli.errors import ExecutionMissing, is_no_answer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from assetline.export.progress import Progress
    from assetline_cli.clock import Clock
    from assetline_cli.execution import Execution, Executions
    from assetline_cli.exports import Exports

LOOK_EVERY_SECONDS = 1.0  # the export writes its item once a second
SILENCE_SECONDS = 120.0  # ours: how long AWS may give no answer before the watching ends; the export goes on anyway
APPEARING_SECONDS = 15.0  # Step Functions: a new execution may be described a little later than it is started


class Stage(StrEnum):
    """Where an export is, in the operator's words."""

    OPENING = "opening"
    EXPORTING = "exporting"
    WAITING = "waiting for the feed"
    CLOSING = "closing the file"
    COMPLETE = "complete"
    INCOMPLETE = "incomplete"
    FAILED = "failed"
    UNHEARD = "no answer from AWS, trying again"


@dataclass(frozen=True)
class Snapshot:
    """What one look saw; `progress` is None while the export opens."""

    execution: Execution
    progress: Progress | None
    stage: Stage

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
        self._last: Snapshot | None = None

    def snapshots(self, arn: str, *, just_started: bool = False) -> Iterator[Snapshot]:
        """Yield a snapshot a second, the last one of the execution ended.

        Silence of AWS is borne for a while once it has been heard; anything else it refuses is raised.
        """
        if just_started:
            self._await(arn)
        heard_at = self._clock.now()
        while True:
            try:
                snapshot = self._last = self._look(arn)
                heard_at = self._clock.now()
            except (BotoCoreError, ClientError) as error:
                silence = (self._clock.now() - heard_at).total_seconds()
                if self._last is None or not is_no_answer(error) or silence > SILENCE_SECONDS:
                    raise
                snapshot = replace(self._last, stage=Stage.UNHEARD)
            yield snapshot
            if snapshot.execution.ended:
                return
            self._clock.sleep(LOOK_EVERY_SECONDS)

    def _await(self, arn: str) -> None:
        started_at = self._clock.now()
        while (self._clock.now() - started_at).total_seconds() < APPEARING_SECONDS:
            try:
                self._executions.describe(arn)
            except ExecutionMissing:
                self._clock.sleep(LOOK_EVERY_SECONDS)
            else:
                return

    def _look(self, arn: str) -> Snapshot:
        # The execution first: once it has ended, the item read after it is the last word.
        execution = self._executions.describe(arn)
        progress = self._exports.progress_of(execution)
        return Snapshot(execution=execution, progress=progress, stage=_stage(execution, progress))


def _stage(execution: Execution, progress: Progress | None) -> Stage:
    if execution.ended:
        ended_well = Stage.COMPLETE if execution.complete else Stage.INCOMPLETE
        return Stage.FAILED if execution.failure else ended_well
    if progress is None:
        return Stage.OPENING
    if progress.pause_seconds:
        return Stage.WAITING
    # A feed that does not say how much is left is shown exporting while its file is closed.
    return Stage.CLOSING if progress.remaining == 0 else Stage.EXPORTING
