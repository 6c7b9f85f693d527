"""Observe executions of exports, and the progress of each export."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ValidationError

from assetline_cli.executions import (
    ExecutionFailure,
    Executions,
    ExportOutput,
    Status,
    failure_of,
    has_ended,
    input_of,
    read_output,
)
from assetline_cli.exports.request import EVERY_FEED
from assetline_cli.polling import await_appearance, looks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from mypy_boto3_stepfunctions.type_defs import DescribeExecutionOutputTypeDef

    from assetline_cli.clock import Clock
    from assetline_cli.executions import Execution
    from assetline_cli.exports.table import ExportItem, ExportsReader

LOOK_EVERY_SECONDS = 1.0  # the export writes its item once a second


class Stage(StrEnum):
    """The stage of an export, as it is shown."""

    OPENING = "opening"
    EXPORTING = "exporting"
    WAITING = "waiting for the feed"
    CLOSING = "closing the file"
    COMPLETE = "complete"
    INCOMPLETE = "incomplete"
    FAILED = "failed"
    STOPPED = "stopped"
    NO_ANSWER = "no answer from AWS, retrying"


@dataclass(frozen=True)
class Snapshot:
    """One observation; `progress` is None while the export opens."""

    execution: Execution
    progress: ExportItem | None
    stage: Stage

    @property
    def ended(self) -> bool:
        """Whether the execution has ended."""
        return self.execution.ended

    def without_answer(self) -> Self:
        """Return the same observation, marked as without an answer from AWS."""
        return replace(self, stage=Stage.NO_ANSWER)

    def elapsed_seconds(self, now: datetime) -> float:
        """Return how long the execution has run, or ran; the operator's clock may differ a little from AWS's."""
        until = self.execution.stopped_at or now
        return max(0.0, (until - self.execution.started_at).total_seconds())


class ExportWatcher:
    """Polls one execution until it has ended."""

    def __init__(self, executions: Executions, exports: ExportsReader, clock: Clock) -> None:
        self._executions = executions
        self._exports = exports
        self._clock = clock

    def snapshots(self, arn: str, *, just_started: bool = False) -> Iterator[Snapshot]:
        """Yield a snapshot a second until the execution has ended; raises as `looks`."""
        if just_started:
            await_appearance(lambda: self._executions.described(arn), self._clock, LOOK_EVERY_SECONDS)
        yield from looks(lambda: self._look(arn), self._clock, LOOK_EVERY_SECONDS)

    def _look(self, arn: str) -> Snapshot:
        # The execution is read first: an item read after its end is final.
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
    """Return the stage of a running export."""
    if running.pause_seconds:
        return Stage.WAITING
    # Without a remaining count, an export shows as exporting while its file is closed.
    return Stage.CLOSING if running.remaining == 0 else Stage.EXPORTING


LOOK_AT_FEEDS_EVERY_SECONDS = 3.0  # ours: each poll scans the complete table


class FeedResult(BaseModel, frozen=True):
    """The result of one feed: a file, or a failure."""

    feed: str
    result: ExportOutput | None = None
    failure: ExecutionFailure | None = None

    @property
    def complete(self) -> bool:
        """Whether the file has all rows of the feed."""
        return self.result is not None and self.result.complete

    @classmethod
    def read(cls, answer: dict[str, Any]) -> Self:
        """Read a result of an execution; without a file or an error it is an unexplained failure."""
        feed = str(answer.get("feed", "?"))
        try:
            return cls(feed=feed, result=ExportOutput.model_validate(answer))
        except ValidationError:
            error, message = (str(answer[name]) if answer.get(name) else None for name in ("error", "message"))
            return cls(feed=feed, failure=ExecutionFailure.from_answer("FAILED", error, message))


class FeedsOutput(BaseModel, frozen=True):
    """The output of an execution that succeeded, even if exports of its feeds failed."""

    complete: bool
    results: list[dict[str, Any]]


@dataclass(frozen=True)
class FeedsSnapshot:
    """One observation: the execution, and the items of the exports it has started."""

    arn: str
    status: Status
    started_at: datetime
    stopped_at: datetime | None
    feeds: tuple[str, ...]
    items: tuple[ExportItem, ...]
    results: tuple[FeedResult, ...]
    failure: ExecutionFailure | None
    answered: bool = True

    @property
    def ended(self) -> bool:
        """Whether the execution has ended."""
        return has_ended(self.status)

    @property
    def complete(self) -> bool:
        """Whether the file of every feed is complete."""
        return self.status == "SUCCEEDED" and bool(self.results) and all(result.complete for result in self.results)

    def without_answer(self) -> Self:
        """Return the same observation, marked as without an answer from AWS."""
        return replace(self, answered=False)

    def elapsed_seconds(self, now: datetime) -> float:
        """Return how long the execution has run, or ran."""
        return max(0.0, ((self.stopped_at or now) - self.started_at).total_seconds())

    def item_of(self, feed: str) -> ExportItem | None:
        """Return the item of *feed*, or None before it starts."""
        return next((item for item in reversed(self.items) if item.feed == feed), None)

    def all_feeds(self) -> list[str]:
        """Return the requested feeds, and for `all` those that have started."""
        shown = [item.feed for item in self.items] + [result.feed for result in self.results]
        return list(dict.fromkeys([*self.feeds, *shown]))


class FeedsWatcher:
    """Polls an execution of several feeds until it has ended."""

    def __init__(self, executions: Executions, exports: ExportsReader, clock: Clock) -> None:
        self._executions = executions
        self._exports = exports
        self._clock = clock

    def snapshots(self, arn: str, *, just_started: bool = False) -> Iterator[FeedsSnapshot]:
        """Yield a snapshot every few seconds until the execution has ended; raises as `looks`."""
        if just_started:
            await_appearance(lambda: self._executions.described(arn), self._clock, LOOK_AT_FEEDS_EVERY_SECONDS)
        yield from looks(lambda: self._look(arn), self._clock, LOOK_AT_FEEDS_EVERY_SECONDS)

    def _look(self, arn: str) -> FeedsSnapshot:
        found = self._executions.described(arn)
        return _snapshot(found, self._exports.children_of(arn))


def _snapshot(found: DescribeExecutionOutputTypeDef, items: list[ExportItem]) -> FeedsSnapshot:
    output = read_output(found, FeedsOutput)
    return FeedsSnapshot(
        arn=found["executionArn"],
        status=found["status"],
        started_at=found["startDate"],
        stopped_at=found.get("stopDate"),
        feeds=_feeds_named(input_of(found).get("feeds")),
        items=tuple(items),
        results=tuple(map(FeedResult.read, output.results)) if output else (),
        failure=failure_of(found),
    )


def _feeds_named(answer: Any) -> tuple[str, ...]:
    """Return the feeds in an input, a list or a comma-separated text; `all` names none."""
    if isinstance(answer, str):
        answer = [] if answer == EVERY_FEED else [name.strip() for name in answer.split(",")]
    return tuple(dict.fromkeys(map(str, answer))) if isinstance(answer, list) else ()
