"""Exports, simulated: executions and their invocations, an operator who stops, resumes and redrives, a changing feed.

The functions are the real ones, on an account of moto. The machine `export_feed` is played here, as its definition
says, and the feed is a list of records in the order of their last change. The seed decides what happens: which kinds of
trouble there are, who goes on, who is killed, which invocation is repeated beside itself, and when a sweep runs.
"""

import csv
import io
import json
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from moto.s3 import models as moto_s3

from assetline.aws import join_objects
from assetline.errors import Permanent
from assetline.export import close_export, file_formats, open_export, part_writer, progress_reporter
from assetline.export import dependencies as connections
from assetline.paging import reader
from assetline.paging.page import Page
from functions.close_export import app as close_export_app
from functions.open_export import app as open_export_app
from functions.salvage_export import app as salvage_export_app
from functions.sweep_exports import app as sweep_exports_app
from functions.write_pages import app as write_pages_app
from tests.handlers.conftest import BUCKET, Aws, lambda_context
from tests.simulation.world import InOrder, Invocation, World

STEPS = 120  # things that happen before trouble ends
PAGE_ROWS, FEED_ROWS, MOST_EXPORTS = 4, 24, 3
LAMBDA_SECONDS, LOST_SECONDS = 600.0, 900.0
REPEATS = {"lost": 5, "failed": 12}  # how often the machine repeats what was lost, or may be tried again
TROUBLES = ("kills", "repeats", "stops", "failures", "resumes", "redrives", "edits", "missed events", "pauses")
FUNCTIONS = {"open": open_export_app, "write": write_pages_app, "close": close_export_app}
STATUS = {"failed": "FAILED", "stopped": "ABORTED"}


@dataclass
class Feed:
    """Records in the order of their last change; a page begins after the change that its cursor names."""

    world: World
    changes: int = 0
    rows: dict[str, tuple[int, str]] = field(default_factory=dict)

    def edits(self, id_: str) -> None:
        """Add a record, or change it: it comes last then."""
        self.changes += 1
        self.rows.pop(id_, None)
        self.rows[id_] = (self.changes, f"version {self.changes} of {id_}")

    def first_cursor(self, page_size: int | None, modified_after: str | None) -> str:
        """Return where the first page is."""
        del page_size, modified_after
        return "0"

    def admit(self) -> None:
        """Let everybody in."""

    def columns(self) -> None:
        """Know no columns before the first page."""

    def ask(self, cursor: str) -> Callable[[Callable[[str], None]], Page]:
        """Return what waits for the page at *cursor*."""

        def waits(_: Callable[[str], None]) -> Page:
            self.world.call(f"page after {cursor}")
            after = [(change, id_, text) for id_, (change, text) in self.rows.items() if change > int(cursor)]
            page = after[:PAGE_ROWS]
            following = str(page[-1][0]) if len(after) > PAGE_ROWS else None
            return Page([{"id": id_, "text": text} for _, id_, text in page], following, None)

        return waits


@dataclass
class Execution:
    """An execution of the machine; `state` is the one it is in, `at` the one it failed or was stopped in."""

    arn: str
    started: float
    asked: dict[str, Any]
    state: str = "open"
    at: str = "open"
    not_before: float = 0.0
    carried: dict[str, Any] = field(default_factory=dict)
    repeats: Counter[str] = field(default_factory=Counter)
    invocation: Invocation | None = None

    @property
    def ended(self) -> bool:
        """Whether it is over, well or not."""
        return self.state in {"done", "failed", "stopped"}

    def payload(self) -> dict[str, Any]:
        """Return the input of the function of its state."""
        started = datetime.fromtimestamp(self.started, UTC)
        opening = {"execution_arn": self.arn, "started_at": started.isoformat(), "input": self.asked}
        return opening if self.state == "open" else self.carried

    def goes_on(self, answer: dict[str, Any], now: float) -> None:
        """Go to the next state, by the answer of the function of this one."""
        self.repeats.clear()
        if self.state == "close":
            self.state = "done"
            return
        self.carried = answer if self.state == "open" else self.carried | {"checkpoint": answer}
        checkpoint = self.carried["checkpoint"]
        self.not_before = now + checkpoint["pause_seconds"]
        self.state = "write" if checkpoint["cursor"] is not None else "close"

    def ends(self, state: str) -> None:
        """End where it is."""
        self.at, self.state = self.state, state


@dataclass
class Exports:
    """The simulated exports of one seed."""

    world: World
    aws: Aws
    feed: Feed
    troubles: set[str]
    executions: list[Execution] = field(default_factory=list)
    events: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    versions: dict[str, dict[str, tuple[int, str]]] = field(default_factory=dict)
    swept_at: float = 0.0

    # ---- what an operator does

    def starts(self, asked: dict[str, Any]) -> None:
        """Start an execution."""
        one = Execution(f"arn:{len(self.executions)}", self.world.now, asked)
        self.world.happens(f"STARTED {one.arn} {asked}")
        self.executions.append(one)
        self.versions[one.arn] = dict(self.feed.rows)

    def starts_export(self) -> None:
        """Start an export of the feed, if there are not enough of them."""
        if sum("resume" not in one.asked for one in self.executions) < MOST_EXPORTS:
            form = self.world.random.choice(("csv", "jsonl"))
            turn = self.world.random.choice((1e-9, 5.0, 800.0))
            self.starts({"feed": "users", "format": form, "max_turn_seconds": turn})

    def resumes(self, item: dict[str, Any]) -> None:
        """Resume an export that failed."""
        self.starts({"resume": item["export_id"]})

    def redrives(self, one: Execution) -> None:
        """Let an execution go on in the state it ended in."""
        self.world.happens(f"REDRIVEN {one.arn}")
        one.state, one.not_before = one.at, self.world.now
        one.repeats.clear()
        self.aws.executions.pop(one.arn, None)

    def ends(self, one: Execution, state: str, error: str | None = None) -> None:
        """End an execution badly, and tell of it, unless the event goes missing."""
        one.ends(state)
        detail = {"executionArn": one.arn, "status": STATUS[state], "error": error, "input": json.dumps(one.asked)}
        started = datetime.fromtimestamp(one.started, UTC)
        self.aws.executions[one.arn] = {k: v for k, v in detail.items() if v} | {"startDate": started}
        if "missed events" in self.troubles and self.world.random.random() < 0.4:
            self.world.happens(f"MISSED the event of {one.arn}")
            return
        event = {"detail": detail | {"startDate": int(one.started * 1000)}}
        self.events.append((self.world.now + self.world.random.choice((0.0, 0.0, 30.0)), event))

    # ---- what AWS does

    def invokes(self, name: str, function: Any, payload: Any) -> Invocation:
        """Invoke a function, as AWS does."""
        body, world = json.dumps(payload), self.world

        def work() -> Any:
            context = lambda_context(one.deadline - world.now)
            return json.loads(json.dumps(function.lambda_handler(json.loads(body), context)))

        one = world.invokes(name, work, LAMBDA_SECONDS)
        return one

    def delivers(self) -> None:
        """Hand an event that is due to Salvage Export."""
        due = [one for one in self.events if one[0] <= self.world.now]
        if due:
            one = self.world.random.choice(due)
            self.events.remove(one)
            arn = one[1]["detail"]["executionArn"]
            self.invokes(f"salvage {arn}", salvage_export_app, one[1]).event = one[1]  # type: ignore[attr-defined]

    def sweeps(self) -> None:
        """Run a sweep."""
        self.swept_at = self.world.now
        self.invokes("sweep", sweep_exports_app, {})

    def is_over(self, done: Invocation) -> None:
        """Go on with what waits for an invocation."""
        if isinstance(done.error, AssertionError):
            raise done.error
        one = next((one for one in self.executions if one.invocation is done), None)
        if one is not None:
            one.invocation = None
            self._answered(one, done)
        elif done.error is not None and (event := getattr(done, "event", None)) is not None:
            self.events.append((self.world.now + 60.0, event))

    def _answered(self, one: Execution, done: Invocation) -> None:
        if done.error is None:
            one.goes_on(done.result, self.world.now)
            self.world.happens(f"{one.arn} is {one.state}")
            return
        kind = "failed" if isinstance(done.error, Exception) else "lost"
        one.repeats[kind] += 1
        one.not_before = self.world.now + min(120.0, 2.0 ** one.repeats[kind])
        if isinstance(done.error, Permanent) or one.repeats[kind] > REPEATS[kind]:
            self.world.happens(f"{one.arn} fails in {one.state}: {type(done.error).__name__}: {done.error}")
            self.ends(one, "failed", type(done.error).__name__)

    # ---- what goes wrong

    def goes_wrong(self) -> None:
        """Let one kind of trouble happen."""
        world = self.world
        live = [one for one in self.executions if not one.ended]
        seen = [one for one in world.under_way if one.called]
        over = [one for one in self.executions if one.state in STATUS]
        match world.random.choice(sorted(self.troubles)):
            case "kills" if seen:
                done = world.random.choice(seen)
                world.kills(done)
                world.under_way.remove(done)
                self.is_over(done)
            case "repeats" if under_way := [one for one in live if one.invocation in seen]:
                one = world.random.choice(under_way)
                world.happens(f"LOST SIGHT of {one.arn}.{one.state}")
                one.invocation = None
            case "stops" if live:
                # Where it matters most, for a start: while the file is published.
                closing = [one for one in live if one.state == "close" and one.invocation in seen]
                one = world.random.choice(closing or live)
                world.happens(f"STOPPED {one.arn} in {one.state}")
                self.ends(one, "stopped")
                one.invocation = None
            case "failures" if live:
                one = world.random.choice(live)
                world.happens(f"FAILED {one.arn} in {one.state}")
                self.ends(one, "failed", "Lambda.Unknown")
                one.invocation = None  # which goes on
            case "resumes" if failed := [item for item in self.items() if item["state"] == "failed"]:
                self.resumes(world.random.choice(failed))
            case "redrives" if over:
                self.redrives(world.random.choice(over))
            case "edits":
                id_ = f"r{world.random.randrange(FEED_ROWS + 6)}"
                self.feed.edits(id_)
                world.happens(f"EDITED {id_}")
            case "pauses":
                world.passes(world.random.choice([30.0, 300.0]))

    # ---- the course of it

    def step(self) -> None:
        """Let one thing happen."""
        world, chance = self.world, self.world.random.random()
        if chance < 0.05 or not self.executions:
            self.starts_export()
        elif chance < 0.15:
            self.delivers()
        elif chance < 0.3 and self.troubles:
            self.goes_wrong()
        elif chance < 0.34 and world.now - self.swept_at > LOST_SECONDS:
            self.sweeps()
        else:
            self.machines_go_on()
            self.somebody_goes_on(world.random.choice((1, 1, 2, 5, 20)))

    def machines_go_on(self) -> None:
        """Let each execution that waits for nothing invoke its function."""
        for one in self.executions:
            if one.invocation is None and not one.ended and one.not_before <= self.world.now:
                one.invocation = self.invokes(f"{one.arn}.{one.state}", FUNCTIONS[one.state], one.payload())

    def somebody_goes_on(self, calls: int) -> None:
        """Let an invocation make some calls; where there is none, time passes."""
        if not self.world.under_way:
            self.world.passes(5.0)
            return
        one = self.world.random.choice(self.world.under_way)
        for _ in range(calls):
            if self.world.goes_on(one):
                self.is_over(one)
                return

    def comes_to_rest(self) -> None:
        """Let nothing go wrong any more, and resume what failed, until nothing is left to do."""
        self.troubles = set()
        for _ in range(8):
            for _ in range(2000):
                self.machines_go_on()
                if not self.world.under_way and not self.events and all(one.ended for one in self.executions):
                    break
                self.delivers()
                self.somebody_goes_on(1000)
            self.world.passes(LOST_SECONDS)
            self.sweeps()
            while self.world.under_way:
                self.somebody_goes_on(1000)
            failed = [item for item in self.items() if item["state"] == "failed" and "export" in item]
            if not failed:
                return
            for item in failed:
                self.resumes(item)

    # ---- what must hold in the end

    def items(self) -> list[dict[str, Any]]:
        """Return the exports in the table."""
        found = self.aws.table.scan()["Items"]
        return sorted((one for one in found if "state" in one), key=lambda item: str(item["export_id"]))

    def broken_promises(self) -> list[str]:
        """Return what is not as it must be when all has come to rest."""
        uploads = self.aws.s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
        return [
            *(f"An upload is unfinished: {one['Key']}" for one in uploads),
            *filter(None, [self._wrong_with(item) for item in self.items()]),
        ]

    def _wrong_with(self, item: dict[str, Any]) -> str | None:
        export_id, state = item["export_id"], item["state"]
        kept = set(self.aws.keys("exports/"))
        whole, part = item["key"] in kept, any(key.startswith(f"exports/users/{export_id}.partial") for key in kept)
        if whole and part:
            return f"{export_id} is published whole and partial"
        if state not in {"complete", "partial"} and "export" in item:
            return f"{export_id} is {state}"
        if item.get("error") and "export" in item:
            return f"{export_id} ended with {item['error']}: {item.get('message')}"
        if (state == "complete") != whole or (state != "partial" and part):
            return f"{export_id} is {state}, and its files are {whole=} {part=}"
        return self._wrong_rows(item) if whole else None

    def _wrong_rows(self, item: dict[str, Any]) -> str | None:
        text = self.aws.text(item["key"])
        rows = (
            [json.loads(line) for line in text.splitlines()]
            if item["format"] == "jsonl"
            else [*csv.DictReader(io.StringIO(text, newline=""))]
        )
        manifest = json.loads(self.aws.text(item["manifest_key"]))
        if (manifest["rows"], manifest["bytes"]) != (len(rows), len(text.encode())) or not manifest["complete"]:
            return f"the manifest of {item['export_id']} says otherwise than its file"
        often = Counter(row["id"] for row in rows)
        if twice := [id_ for id_, times in often.items() if times > 1]:
            return f"{item['export_id']} has twice: {twice}"
        first = next(one for one in self.executions if self._began(one, item))
        before, texts = self.versions[first.arn], {row["id"]: row["text"] for row in rows}
        lost = [
            id_ for id_, version in before.items() if self.feed.rows[id_] == version and texts.get(id_) != version[1]
        ]
        return f"{item['export_id']} lacks rows that did not change: {lost}" if lost else None

    @staticmethod
    def _began(one: Execution, item: dict[str, Any]) -> bool:
        started = datetime.fromisoformat(str(item["started_at"])).timestamp()
        return "resume" not in one.asked and abs(one.started - started) < 1e-3


@dataclass(frozen=True)
class Simulated:
    """How the world of a seed ended."""

    seed: int
    broken: list[str]
    trace: list[str]


def simulate(aws: Aws, seed: int, monkeypatch: pytest.MonkeyPatch) -> Simulated:
    """Play the world of a seed on a fresh account, and return which promises it broke."""
    with World(seed) as world:
        feed = Feed(world)
        for number in range(FEED_ROWS):
            feed.edits(f"r{number}")
        _hand_over(world, feed, monkeypatch)
        exports = Exports(world, aws, feed, {one for one in TROUBLES if world.random.random() < 0.5})
        world.happens(f"troubles: {sorted(exports.troubles)}")
        for _ in range(STEPS):
            exports.step()
        exports.comes_to_rest()
        return Simulated(seed, exports.broken_promises(), world.trace)


def _hand_over(world: World, feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every call of the functions to AWS or the feed stand still first, and nothing else run beside it."""
    for module in (reader, part_writer, progress_reporter, open_export, close_export, join_objects):
        monkeypatch.setattr(module, "ThreadPoolExecutor", InOrder)
    for app in (open_export_app, write_pages_app):
        monkeypatch.setattr(app, "source_of", lambda _: feed)
    monkeypatch.setattr(part_writer, "part_bytes", lambda _: 90)
    monkeypatch.setattr(part_writer, "MIN_PART_BYTES", 40)
    monkeypatch.setattr(moto_s3, "S3_UPLOAD_PART_MIN_SIZE", 1)
    monkeypatch.setattr(file_formats, "GATHERED_BYTES", 120)
    monkeypatch.setattr(progress_reporter, "INTERVAL_SECONDS", 1e9)
    monkeypatch.setenv("EXPORT_STATE_MACHINE_ARN", "arn:machine")
    table = connections.exports_table()
    monkeypatch.setattr(table, "_alone", nullcontext())  # who stands still in a call may not hold up the others
    for client in (connections.s3(), connections.events(), table.table.meta.client):
        client.meta.events.register_first("before-call", partial(_aws_call, world))


def _aws_call(world: World, model: Any, **_: Any) -> None:
    world.call(model.name)
