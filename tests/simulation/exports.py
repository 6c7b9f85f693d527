"""Exports, simulated: executions, an operator who stops, resumes and redrives, and a feed that changes.

The functions are the real ones, on an account in memory. The machine `export_feed` is played here, by its definition.
The feed is a list of records in the order of their last change. The seed decides which kinds of trouble there
are, which invocation runs, is killed or is repeated beside itself, and when a sweep runs.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, ClassVar

import pytest

from assetline.aws import join_objects
from assetline.export import close_export, file_formats, open_export, part_writer, progress_reporter, staging
from assetline.export import dependencies as connections
from assetline.paging import reader
from assetline.paging.page import Page
from functions.close_export import app as close_export_app
from functions.open_export import app as open_export_app
from functions.salvage_export import app as salvage_export_app
from functions.sweep_exports import app as sweep_exports_app
from functions.write_pages import app as write_pages_app
from tests.simulation.account import MemoryAccount, function_environment
from tests.simulation.export_checks import DAMAGED, Published, Version
from tests.simulation.s3 import StoredObject
from tests.simulation.simulation import (
    TO_THE_END,
    Simulated,
    SimulatedExecution,
    Simulates,
    Simulation,
    SimulationStage,
)
from tests.simulation.world import InOrder, Invocation, Task, World
from tests.support.connections import forget_aws

BUCKET = "assetline-exports"
PAGE_ROWS, FEED_ROWS, MOST_EXPORTS = 4, 24, 3
MIN_PART_BYTES, PART_BYTES, GATHERED_BYTES = 40, 90, 120
LOST_SECONDS = 900.0
TROUBLES = (
    "kills", "repeats", "stops", "failures", "resumes", "redrives", "edits", "missed events", "damages", "stalls",
    "pauses",
)  # fmt: skip
FUNCTIONS = {"open": open_export_app, "write": write_pages_app, "close": close_export_app}
STATUS = {"failed": "FAILED", "stopped": "ABORTED"}


@dataclass
class SimulatedFeed:
    """Records in the order of their last change; a page begins after the change that its cursor names."""

    call: Callable[[str], None]
    changes: int = 0
    rows: dict[str, Version] = field(default_factory=dict)

    def edit(self, id_: str) -> None:
        """Add or change a record, which moves it to the end."""
        self.changes += 1
        self.rows.pop(id_, None)
        self.rows[id_] = (self.changes, f"version {self.changes} of {id_}")

    def first_cursor(self, page_size: int | None, modified_after: str | None) -> str:
        """Return the cursor of the first page."""
        del page_size, modified_after
        return "0"

    def admit(self) -> None:
        """Accept any credentials."""

    def columns(self) -> None:
        """Return no columns: none are known before the first page."""

    def ask(self, cursor: str) -> Callable[[Callable[[str], None]], Page]:
        """Return the function that waits for the page at *cursor*."""

        def wait(_: Callable[[str], None]) -> Page:
            self.call(f"page after {cursor}")
            after = [(change, id_, text) for id_, (change, text) in self.rows.items() if change > int(cursor)]
            page = after[:PAGE_ROWS]
            following = str(page[-1][0]) if len(after) > PAGE_ROWS else None
            return Page([{"id": id_, "text": text} for _, id_, text in page], following, None)

        return wait


@dataclass(eq=False, kw_only=True)
class ExportExecution(SimulatedExecution):
    """An execution of `export_feed`; `state` is the one it is in, `ended_in` the one it failed or was stopped in.

    `versions` are the records of the feed when it started.
    """

    started: float
    request: dict[str, Any]
    versions: dict[str, Version]
    state: str = "open"
    ended_in: str = "open"
    result: dict[str, Any] | None = None
    carried: dict[str, Any] = field(default_factory=dict)
    on_failure: Callable[["ExportExecution", BaseException], None]

    @property
    def started_at(self) -> datetime:
        """When it started."""
        return datetime.fromtimestamp(self.started, UTC)

    def task(self) -> Task:
        """Return the function of its state and its input."""
        opening = {"execution_arn": self.name, "started_at": self.started_at.isoformat(), "input": self.request}
        return FUNCTIONS[self.state], opening if self.state == "open" else self.carried

    def succeed(self, answer: Any, now: float) -> None:
        """Move to the next state."""
        if self.state == "close":
            self.state, self.ended, self.result = "done", True, answer
            return
        self.carried = answer if self.state == "open" else self.carried | {"checkpoint": answer}
        checkpoint = self.carried["checkpoint"]
        self.not_before = now + checkpoint["pause_seconds"]
        self.state = "write" if checkpoint["cursor"] is not None else "close"

    def fail(self, error: BaseException) -> None:
        """End with the error."""
        self.on_failure(self, error)

    def end(self, state: str) -> None:
        """End in the state it is in."""
        self.ended_in, self.state, self.ended = self.state, state, True

    def redrive(self, now: float) -> None:
        """Continue in the state it ended in."""
        self.state, self.ended, self.not_before = self.ended_in, False, now
        self.attempts.clear()


@dataclass(kw_only=True)
class Exports(Simulation[ExportExecution]):
    """The exports of one seed. `damaged` are the ids of those whose staged objects were damaged."""

    STEPS: ClassVar[int] = 120
    MESSAGE_SECONDS: ClassVar[float] = 60.0

    account: MemoryAccount
    feed: SimulatedFeed
    damaged: set[str] = field(default_factory=set)
    swept_at: float = 0.0

    # ---- what an operator does

    def start(self, request: dict[str, Any]) -> None:
        """Start an execution."""
        execution = ExportExecution(
            f"arn:{len(self.executions)}",
            started=self.world.now,
            request=request,
            versions=dict(self.feed.rows),
            on_failure=lambda execution, error: self._end(execution, "failed", type(error).__name__),
        )
        self.world.note(f"STARTED {execution.name} {request}")
        self.executions.append(execution)
        self.account.executions[execution.name] = {"status": "RUNNING", "startDate": execution.started_at}

    def start_export(self) -> None:
        """Start an export of the feed, unless there are enough."""
        if sum("resume" not in execution.request for execution in self.executions) < MOST_EXPORTS:
            form = self.world.random.choice(("csv", "jsonl"))
            turn = self.world.random.choice((1e-9, 5.0, 800.0))
            self.start({"feed": "users", "format": form, "max_turn_seconds": turn})

    def resume(self, item: dict[str, Any]) -> None:
        """Resume an export that failed."""
        self.start({"resume": item["export_id"]})

    def redrive(self, execution: ExportExecution) -> None:
        """Redrive an execution from the state it ended in."""
        self.world.note(f"REDRIVEN {execution.name}")
        execution.redrive(self.world.now)
        self.account.executions[execution.name] = {"status": "RUNNING", "startDate": execution.started_at}

    def _end(self, execution: ExportExecution, state: str, error: str | None = None) -> None:
        """End an execution badly and send the event of it, unless that goes missing."""
        execution.end(state)
        detail = {"status": STATUS[state], "error": error, "input": json.dumps(execution.request)}
        self.account.executions[execution.name] = {name: value for name, value in detail.items() if value} | {
            "startDate": execution.started_at
        }
        if "missed events" in self.troubles and self.world.random.random() < 0.4:
            self.world.note(f"MISSED the event of {execution.name}")
            return
        started = int(execution.started * 1000)
        event = {"detail": detail | {"executionArn": execution.name, "startDate": started}}
        delay = self.world.random.choice((0.0, 0.0, 30.0))
        self.messages.append((self.world.now + delay, f"salvage {execution.name}", event))

    # ---- what AWS does

    def message_task(self, message: dict[str, Any]) -> Task:
        """Return the salvage that an event starts."""
        return salvage_export_app, message

    def sweep(self) -> None:
        """Start a sweep."""
        self.swept_at = self.world.now
        self.invoke("sweep", (sweep_exports_app, {}))

    # ---- what goes wrong

    def to_stop(self, live: list[ExportExecution], seen: list[Invocation]) -> list[ExportExecution]:
        """Return the executions that are publishing a file, or all if there are none."""
        return [each for each in live if each.state == "close" and each.invocation in seen] or live

    def stop(self, execution: ExportExecution) -> None:
        """Stop an execution; its invocation continues."""
        self._end(execution, "stopped")

    def cause(self, trouble: str) -> None:
        """Cause one of the troubles of exports."""
        world = self.world
        match trouble:
            case "failures":
                if live := [each for each in self.executions if not each.ended]:
                    execution = world.random.choice(live)
                    world.note(f"FAILED {execution.name} in {execution.state}")
                    self.abandon(execution)
                    self._end(execution, "failed", "Lambda.Unknown")
            case "resumes":
                if failed := [item for item in self.items() if item["state"] == "failed"]:
                    self.resume(world.random.choice(failed))
            case "redrives":
                if over := [each for each in self.executions if each.state in STATUS]:
                    self.redrive(world.random.choice(over))
            case "edits":
                id_ = f"r{world.random.randrange(FEED_ROWS + 6)}"
                world.note(f"EDITED {id_}")
                self.feed.edit(id_)
            case "damages":
                self.damage()

    def damage(self) -> None:
        """Replace a staged object by other bytes, of the same size or one byte fewer.

        Once an export is being published, its parts are read for the last time: damage is not recovered from then.
        """
        published = {item["export_id"] for item in self.items() if item.get("closing")}
        keys = sorted(key for key in self._objects() if key.startswith("staging/export/"))
        keys = [key for key in keys if key.split("/")[2] not in published]
        if not keys or self.world.random.random() < 0.5:
            return
        key = self.world.random.choice(keys)
        body = self._objects()[key].body
        other = bytes([body[0] ^ 1]) + body[1:] if self.world.random.random() < 0.5 else body[1:]
        self.world.note(f"DAMAGED {key}")
        self.account.buckets.put_object(connections.s3(), {"Bucket": BUCKET, "Key": key, "Body": other})
        self.damaged.add(key.split("/")[2])

    # ---- the course of it

    def step(self) -> None:
        """Let one event happen."""
        world, chance = self.world, self.world.random.random()
        if chance < 0.05 or not self.executions:
            self.start_export()
        elif chance < 0.2:
            self.deliver()
        elif chance < 0.38 and self.troubles:
            self.cause_trouble()
        elif chance < 0.42 and world.now - self.swept_at > LOST_SECONDS:
            self.sweep()
        else:
            self.run_machines()

    def come_to_rest(self) -> None:
        """Run what is left, sweep, and resume what failed, until nothing is left to do."""
        for _ in range(8):
            self.drain()
            self.world.advance(LOST_SECONDS)
            self.sweep()
            while self.world.in_progress:
                self.run_some(TO_THE_END)
            failed = [item for item in self.items() if item["state"] == "failed" and "export" in item]
            failed = [item for item in failed if not self._ends_damaged(item)]
            if not failed:
                return
            for item in failed:
                self.resume(item)

    # ---- what must hold in the end

    def items(self) -> list[dict[str, Any]]:
        """Return the exports in the table."""
        found = [item for item in self.account.tables.items["exports"].values() if "state" in item]
        return sorted(found, key=lambda item: str(item["export_id"]))

    def broken_promises(self) -> list[str]:
        """Return what is not as it must be in the end."""
        items = self.items()
        # The lifecycle of the bucket aborts the uploads of damaged parts, and of a closing killed behind another one.
        published = {item["key"] for item in items if item["state"] == "complete"}
        damaged = tuple(f"exports/users/{item['export_id']}." for item in items if self._ends_damaged(item))
        uploads = {upload.about["Key"] for upload in self.account.buckets.uploads.values()} - published
        return [
            *(f"Executions have completed {export_id} differently" for export_id in self._completed_differently()),
            *(f"An upload is unfinished: {key}" for key in sorted(uploads) if not key.startswith(damaged)),
            *filter(None, [self._wrong_with(item) for item in items]),
            *filter(None, [Published(self._objects()).wrong_latest(items)]),
        ]

    def _completed_differently(self) -> list[str]:
        """Return the exports that executions have completed with other results: two may publish the same file."""
        results = defaultdict[str, set[str]](set)
        for execution in self.executions:
            if execution.result:
                results[execution.result["export_id"]].add(str(execution.result | {"turns": None}))
        return [export_id for export_id, found in results.items() if len(found) > 1]

    def _objects(self) -> dict[str, StoredObject]:
        return self.account.buckets.objects[BUCKET]

    def _ends_damaged(self, item: dict[str, Any]) -> bool:
        """Return whether a damage ended an export before its file appeared."""
        known = item["export_id"] in self.damaged and item.get("error") in DAMAGED
        return known and item["key"] not in self._objects()

    def _wrong_with(self, item: dict[str, Any]) -> str | None:
        if self._ends_damaged(item):
            return None
        published = Published(self._objects())
        if wrong := published.wrong_state(item):
            return wrong
        first = next(each for each in self.executions if self._began(each, item))
        return published.wrong_file(item, first.versions, self.feed.rows)

    @staticmethod
    def _began(execution: ExportExecution, item: dict[str, Any]) -> bool:
        started = datetime.fromisoformat(str(item["started_at"])).timestamp()
        return "resume" not in execution.request and abs(execution.started - started) < 1e-3


@contextmanager
def simulated_exports() -> Iterator[Simulates]:
    """Give out the function that plays the world of a seed, in an account that is empty each time."""
    account, stage = MemoryAccount(), SimulationStage()
    account.called = stage.call
    account.buckets.min_part_bytes = MIN_PART_BYTES
    account.buckets.objects[BUCKET] = {}
    environment = {
        "EXPORT_BUCKET": BUCKET,
        "EXPORTS_TABLE": "exports",
        "SAFETYCULTURE_API_URL": "http://127.0.0.1:9",
        "SAFETYCULTURE_SECRET_ARN": "none",
        "VI_API_URL": "http://127.0.0.1:9",
        "VI_SECRET_ARN": "none",
        "PUBLISH_LATEST_FILE": "true",
        "EXPORT_STATE_MACHINE_ARN": "arn:machine",
    }
    with pytest.MonkeyPatch.context() as patch, function_environment(patch):
        account.takes_calls(patch)
        for name, value in environment.items():
            patch.setenv(name, value)
        _forget_connections()
        feed = SimulatedFeed(stage.call)
        _prepare_functions(feed, patch)
        yield partial(_simulate, stage, account, feed)
        _forget_connections()


def _simulate(stage: SimulationStage, account: MemoryAccount, feed: SimulatedFeed, seed: int) -> Simulated:
    account.empty()
    feed.changes = 0
    feed.rows.clear()
    for number in range(FEED_ROWS):
        feed.edit(f"r{number}")

    def begin(world: World) -> Exports:
        troubles = {trouble for trouble in TROUBLES if world.random.random() < 0.5}
        return Exports(world, troubles, account=account, feed=feed)

    return stage.play(seed, begin)


def _prepare_functions(feed: SimulatedFeed, patch: pytest.MonkeyPatch) -> None:
    """Let the functions read the feed, write small parts, and run nothing in threads of their own."""
    for module in (reader, part_writer, progress_reporter, open_export, close_export, staging, join_objects):
        patch.setattr(module, "ThreadPoolExecutor", InOrder)
    for app in (open_export_app, write_pages_app):
        patch.setattr(app, "source_of", lambda _: feed)
    patch.setattr(part_writer, "part_bytes", lambda _: PART_BYTES)
    patch.setattr(part_writer, "MIN_PART_BYTES", MIN_PART_BYTES)
    patch.setattr(file_formats, "GATHERED_BYTES", GATHERED_BYTES)
    patch.setattr(progress_reporter, "INTERVAL_SECONDS", 1e9)
    patch.setattr(connections.exports_table(), "_lock", nullcontext())  # a paused invocation must not block the others


def _forget_connections() -> None:
    forget_aws()
    for connection in vars(connections).values():
        if hasattr(connection, "cache_clear"):
            connection.cache_clear()
