"""The whole ingestion, simulated: users who drop, runs and their invocations, sweeps, and what goes wrong.

The functions are the real ones, on an account in memory and an emulated Vi. The machine `ingest_drops` is played here,
as its definition says. The seed decides what happens: which kinds of trouble there are, who goes on, who is killed,
which invocation is repeated beside itself, when users put, overwrite and correct, and when a sweep runs.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from assetline.errors import Permanent
from assetline.ingest import conditional_writes, drop, ledger, reject_drops, settle_session, upload_assets
from assetline.ingest import dependencies as connections
from assetline.ingest.drop import OVER, drop_id
from assetline.ingest.sessions_table import UNFINISHED
from assetline.vi import client as vi_client
from assetline.vi.file_upload import Uploader
from functions.open_session import app as open_session_app
from functions.poll_session import app as poll_session_app
from functions.record_drop import app as record_drop_app
from functions.settle_session import app as settle_session_app
from functions.sweep_drops import app as sweep_drops_app
from functions.upload_assets import app as upload_assets_app
from local.emulators.vi.scenario import LostAnswer, PutFault, Scenario, SessionFails
from local.emulators.vi.server import Emulator
from tests.handlers.conftest import lambda_context
from tests.handlers.ingest.session_stage import DATASET, DROPS, SessionStage, execution_arn, session_stage
from tests.simulation.account import Account, account_of_nobody
from tests.simulation.world import InOrder, Invocation, World

PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452")
STEPS = 220  # things that happen before trouble ends
MOST_KEYS = 6
LAMBDA_SECONDS = 600.0
EVENT_SECONDS = 300.0  # until a message that failed comes again
REPEATS = {"lost": 5, "failed": 12}  # how often the machine repeats what was lost, or may be tried again
REASONS_OF_TROUBLE = {"UploadFailed", "SessionFailed", "UploadExpired"}  # what repeated trouble may come to
FAULTS = (LostAnswer(times=1), PutFault(times=1), SessionFails(times=1))
TROUBLES = ("kills", "repeats", "stops", "faults", "overwrites", "metadata", "copies", "backfills", "pauses")

type Invoked = tuple[Any, dict[str, Any]]


@dataclass
class Run:
    """An execution of the machine; `state` is the one it is in."""

    name: str
    not_before: float
    state: str = "open"
    round: int = 1
    opened: dict[str, Any] = field(default_factory=dict)
    slices: list[Any] = field(default_factory=list)
    polls: int = 0
    progress: str = ""
    error: dict[str, str] | None = None
    repeats: dict[str, int] = field(default_factory=dict)
    invocation: Invocation | None = None

    @property
    def ended(self) -> bool:
        """Whether it is over, well or not."""
        return self.state in {"done", "failed", "stopped"}

    def invoked(self) -> Invoked:
        """Return the function of its state, and the payload."""
        if self.state == "open":
            arn = execution_arn(self.name)
            names = {"execution_arn": arn, "execution_name": self.name}
            return open_session_app, {"dataset_id": DATASET, **names, "round": self.round}
        if self.state == "upload":
            return upload_assets_app, self.slices[0]
        session = {"session": self.opened["session"], "error": self.error}
        if self.state == "poll":
            return poll_session_app, session | {"polls": self.polls}
        return settle_session_app, session | {"progress": self.progress}

    def goes_on(self, answer: dict[str, Any], now: float) -> None:
        """Go to the next state, by the answer of the function of this one."""
        self.repeats = {}
        match self.state:
            case "open":
                self._has_opened(answer, now)
            case "upload":
                self.slices = self.slices[1:]
                self.state = "upload" if self.slices else "poll"
            case "poll":
                self.polls, self.progress = self.polls + 1, answer["progress"]
                self.not_before = now + (answer["wait_seconds"] or 0)
                self.state = "poll" if self.progress == "running" else "settle"
            case _:
                self.round, self.state = self.round + 1, "failed" if self.error else "open"

    def _has_opened(self, answer: dict[str, Any], now: float) -> None:
        if answer["outcome"] == "opened":
            self.opened, self.slices, self.polls, self.state = answer, [*answer["slices"]], 0, "upload"
        elif answer["outcome"] in {"no_drops", "owned"}:
            self.state = "done"
        else:
            self.not_before = now + answer["wait_seconds"]

    def fails(self, error: BaseException) -> None:
        """Do what the machine does where an error was not to be repeated, or was repeated too often."""
        caught = {"Error": type(error).__name__, "Cause": "{}"}
        if self.state == "upload":
            self.error, self.slices = caught, self.slices[1:]
            self.state = "upload" if self.slices else "poll"
        elif self.state == "poll":
            self.error, self.progress, self.state = caught, "broken", "settle"
        else:
            self.state = "failed"


@dataclass
class Ingestion:
    """A simulated ingestion of one seed."""

    world: World
    stage: SessionStage
    troubles: set[str]
    runs: list[Run] = field(default_factory=list)
    objects: dict[str, tuple[bytes, dict[str, str]]] = field(default_factory=dict)
    messages: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    sequence: int = 0
    swept_at: float = 0.0

    # ---- what users do

    def puts(self) -> None:
        """Put an object that is new, or other bytes or other metadata under a key that is there."""
        new = {"new"} if len(self.objects) < MOST_KEYS else set()
        kinds = sorted(({"overwrites", "metadata", "copies"} & self.troubles if self.objects else set()) | new)
        if not kinds:
            return
        kind = self.world.random.choice(kinds)
        key = f"{DATASET}/{len(self.objects)}.png" if kind == "new" else self.world.random.choice([*self.objects])
        body, metadata = self.objects.get(key, (b"", {"number": "0"}))
        self.sequence += 1
        if kind == "metadata":
            metadata = {"number": str(self.sequence)}
        elif kind != "copies":
            body = PNG + self.world.random.choice([self.world.random.randbytes(16), b"the same of old"])
        self.world.happens(f"user puts {key} ({kind})")
        self.objects[key] = (body, metadata)
        etag = self.stage.s3.put_object(Bucket=DROPS, Key=key, Body=body, Metadata=metadata)["ETag"].strip('"')
        listed = {"key": key, "size": len(body), "etag": etag, "sequencer": f"{self.sequence:06X}"}
        message = {"detail": {"bucket": {"name": DROPS}, "object": listed}}
        for _ in range(1 + (self.world.random.random() < 0.15)):  # at least once
            self.messages.append((self.world.now + self.world.random.random() * 20, message))

    def backfills(self) -> None:
        """List the bucket, and note what it has."""
        listed = self.stage.s3.list_objects_v2(Bucket=DROPS).get("Contents", [])
        objects = [{"Key": one["Key"], "Size": one["Size"], "Etag": one["ETag"]} for one in listed]
        items = [{"object": one, "bucket": DROPS, "dataset_id": ""} for one in objects]
        self.invokes("backfill", record_drop_app, {"Items": items})

    # ---- what AWS does

    def invokes(self, name: str, function: Any, payload: Any) -> Invocation:
        """Invoke a function, as AWS does."""
        seconds, body, world = LAMBDA_SECONDS, json.dumps(payload), self.world

        def work() -> Any:
            context = lambda_context(one.deadline - world.now)
            return json.loads(json.dumps(function.lambda_handler(json.loads(body), context)))

        one = world.invokes(name, work, seconds)
        return one

    def delivers(self) -> None:
        """Hand a message that is due to Record Drop."""
        due = [one for one in self.messages if one[0] <= self.world.now]
        if not due:
            return
        one = self.world.random.choice(due)
        self.messages.remove(one)
        record = {"messageId": "1", "receiptHandle": "1", "attributes": {"ApproximateReceiveCount": "1"}}
        record |= {"body": json.dumps(one[1]), "eventSource": "aws:sqs"}
        invocation = self.invokes(f"record {one[1]['detail']['object']['key']}", record_drop_app, {"Records": [record]})
        invocation.message = one[1]  # type: ignore[attr-defined] # comes again where this fails

    def starts_runs(self) -> None:
        """Begin the runs that were started since, each name once."""
        known = {run.name for run in self.runs}
        for name in dict.fromkeys(self.stage.started):
            if name not in known:
                self.runs.append(Run(name, self.world.now + 62))

    def sweeps(self) -> None:
        """Run a sweep."""
        self.swept_at = self.world.now
        self.invokes("sweep", sweep_drops_app, {})

    def is_over(self, one: Invocation) -> None:
        """Go on with what waits for an invocation."""
        if isinstance(one.error, AssertionError):
            raise one.error
        run = next((run for run in self.runs if run.invocation is one), None)
        if run is not None:
            run.invocation = None
            self._answered(run, one)
        elif one.error is not None and (message := getattr(one, "message", None)) is not None:
            self.messages.append((self.world.now + EVENT_SECONDS, message))

    def _answered(self, run: Run, one: Invocation) -> None:
        if one.error is None:
            run.goes_on(one.result, self.world.now)
            self.world.happens(f"{run.name}: {one.result.get('outcome', one.result.get('progress'))}, is {run.state}")
            return
        kind = "failed" if isinstance(one.error, Exception) else "lost"
        run.repeats[kind] = run.repeats.get(kind, 0) + 1
        run.not_before = self.world.now + min(120.0, 2.0 ** run.repeats[kind])
        if isinstance(one.error, Permanent) or run.repeats[kind] > REPEATS[kind]:
            run.fails(one.error)
            self.world.happens(f"{run.name} gives up: {type(one.error).__name__}, is {run.state}")

    # ---- what goes wrong

    def goes_wrong(self) -> None:
        """Let one kind of trouble happen."""
        world = self.world
        live = [run for run in self.runs if not run.ended]
        seen = [one for one in world.under_way if one.called]
        match world.random.choice(sorted(self.troubles)):
            case "kills" if seen:
                one = world.random.choice(seen)
                world.kills(one)
                world.under_way.remove(one)
                self.is_over(one)
            case "repeats" if under_way := [run for run in live if run.invocation in seen]:
                run = world.random.choice(under_way)
                world.happens(f"LOST SIGHT of {run.name}.{run.state}")
                run.invocation = None
            case "stops" if live:
                run = world.random.choice(live)
                world.happens(f"STOPPED {run.name}")
                run.state, run.invocation = "stopped", None
            case "faults":
                fault = world.random.choice(FAULTS)
                world.happens(f"FAULT {fault!r}")
                self.stage.plays(fault, shows_spec_assets=True)
            case "backfills":
                self.backfills()
            case "pauses":
                world.passes(world.random.choice([30.0, 300.0, 1500.0]))

    # ---- the course of it

    def step(self) -> None:
        """Let one thing happen."""
        world, chance = self.world, self.world.random.random()
        if chance < 0.06:
            self.puts()
        elif chance < 0.16:
            self.delivers()
        elif chance < 0.2 and self.troubles:
            self.goes_wrong()
        elif world.now - self.swept_at > 300 and chance < 0.3:
            self.sweeps()
        else:
            self.machines_go_on()
            self.somebody_goes_on(world.random.choice((1, 1, 2, 5, 20)))

    def machines_go_on(self) -> None:
        """Let each run that waits for nothing invoke its function."""
        self.starts_runs()
        for run in self.runs:
            if run.invocation is None and not run.ended and run.not_before <= self.world.now:
                function, payload = run.invoked()
                run.invocation = self.invokes(f"{run.name}.{run.round}.{run.state}", function, payload)

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
        """Let nothing go wrong any more, until nothing is left to do."""
        self.troubles = set()
        self.stage.plays(shows_spec_assets=True)
        for _ in range(60):
            for _ in range(3000):
                self.machines_go_on()
                if not self.world.under_way and not self.messages and all(run.ended for run in self.runs):
                    break
                self.delivers()
                self.somebody_goes_on(1000)
            self.world.passes(1300.0)  # leases end
            self.sweeps()
            while self.world.under_way:
                self.somebody_goes_on(1000)
            self.starts_runs()
            if all(run.ended for run in self.runs) and not self.broken_promises():
                return

    # ---- what must hold in the end

    def broken_promises(self) -> list[str]:
        """Return what is not as it must be when all has come to rest."""
        items: list[dict[str, Any]] = [
            dict(one) for one in connections.ledger().table.scan()["Items"] if "state" in one
        ]
        drops = [
            f"{one['key']}, {one['state']} of {one.get('session_key')}" for one in items if one["state"] not in OVER
        ]
        sessions = [one for one in connections.sessions_table().sessions() if one.state in UNFINISHED]
        in_vi = [one.session_id for one in self.stage.vi.stage.sessions.values() if not one.is_over()]
        return [
            *(f"A drop is not over: {one}" for one in drops),
            *(f"A session is not over: {one.session_key}, {one.state}" for one in sessions),
            *(f"A session is open in Vi: {one}" for one in in_vi),
            *filter(None, [self._wrong_in_vi(key, items) for key in self.objects]),
        ]

    def _wrong_in_vi(self, key: str, items: list[dict[str, Any]]) -> str | None:
        body, metadata = self.objects[key]
        etag = self.stage.s3.head_object(Bucket=DROPS, Key=key)["ETag"].strip('"')
        item = next((one for one in items if one["drop_id"] == drop_id(DROPS, key, etag)), None)
        if item is None:
            return f"an object is not known: {key}"
        if item["state"] == "rejected" and item["reason"] not in REASONS_OF_TROUBLE:
            return f"an object is rejected: {key} as {item['reason']}"
        if item["state"] != "ingested":
            return None
        asset = self.stage.vi.assets(DATASET).get(item["asset_filename"])
        if asset is None:
            return f"Vi has no asset of {key}"
        told = {"bytes": (asset.content.read(), body), "metadata": (asset.custom_metadata or {}, metadata)}
        wrong = [what for what, (held, wanted) in told.items() if held != wanted]
        return f"Vi has other {' and '.join(wrong)} of {key}" if wrong else None


@dataclass(frozen=True)
class Simulated:
    """How the world of a seed ended."""

    seed: int
    broken: list[str]
    trace: list[str]


type Simulates = Callable[[int], Simulated]


@dataclass
class Current:
    """The world that is played now, if one is."""

    world: World | None = None

    def call(self, label: str) -> None:
        """Let the world go on before a call."""
        if self.world is not None:
            self.world.call(label)

    def sleep(self, seconds: float) -> None:
        """Sleep in the world."""
        if self.world is not None:
            self.world.sleep(seconds)


@contextmanager
def simulated_ingestions(vi: Emulator) -> Iterator[Simulates]:
    """Give out what plays the world of a seed, in an account that is empty each time, and returns how it ended."""
    account, current = Account(), Current()
    account.called = current.call
    with pytest.MonkeyPatch.context() as patch, account_of_nobody(patch):
        account.takes_calls(patch)
        patch.setenv("SESSIONS_PER_WINDOW", "5")
        with session_stage(vi, patch) as stage:
            stage.announced, stage.started = account.announced, account.started
            _hand_over(current, patch)
            yield partial(_simulate, stage, account, current)


def _simulate(stage: SessionStage, account: Account, current: Current, seed: int) -> Simulated:
    account.empty()
    stage.vi.has(Scenario(sessions_per_window=None, shows_spec_assets=True))
    stage.vi.forget()
    for warm in (connections.recorder, connections.runs):
        warm.cache_clear()
    with World(seed) as world:
        current.world = world
        try:
            ingestion = Ingestion(world, stage, {one for one in TROUBLES if world.random.random() < 0.4})
            world.happens(f"troubles: {sorted(ingestion.troubles)}")
            for _ in range(STEPS):
                ingestion.step()
            ingestion.comes_to_rest()
            return Simulated(seed, ingestion.broken_promises(), world.trace)
        finally:
            current.world = None


def _hand_over(current: Current, patch: pytest.MonkeyPatch) -> None:
    """Let every call of the functions to Vi stand still first, too, and nothing else run beside it."""
    for module in (ledger, drop):
        patch.setattr(module, "SHARDS", 2)  # a Query each, whenever somebody looks for drops
    for module in (ledger, settle_session, conditional_writes, reject_drops, upload_assets):
        patch.setattr(module, "ThreadPoolExecutor", InOrder)
    patch.setattr(vi_client, "time", SimpleNamespace(sleep=current.sleep))
    slice_upload = connections.slice_upload
    patch.setattr(upload_assets_app, "slice_upload", lambda: _sleeping(slice_upload(), current.sleep))
    connections.vi_client()._http.event_hooks = {
        "request": [lambda request: current.call(f"Vi {request.method} {request.url.path.rpartition('/')[2]}")]
    }
    put = Uploader.put

    def stands_still(uploader: Uploader, *given: Any, **more: Any) -> Any:
        current.call("PUT to Vi")
        return put(uploader, *given, **more)

    patch.setattr(Uploader, "put", stands_still)


def _sleeping(upload: upload_assets.SliceUpload, sleep: Callable[[float], None]) -> upload_assets.SliceUpload:
    upload.sleep = sleep
    return upload
