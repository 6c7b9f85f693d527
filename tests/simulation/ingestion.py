"""The complete ingestion, simulated: users who drop, runs and their invocations, sweeps, and what goes wrong.

The functions are the real ones, on an account in memory and an emulated Vi. The machine `ingest_drops` is played here,
by its definition. The seed decides the kinds of trouble, and which invocation runs, is killed or is repeated beside
itself. It also decides when users put, overwrite and correct, and when a sweep runs.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace
from typing import Any, ClassVar

import boto3
import pytest

from assetline.ingest import conditional_writes, drop, ledger, reject_drops, settle_session, upload_assets
from assetline.ingest import dependencies as connections
from assetline.ingest.drop import OVER, drop_id
from assetline.ingest.fast_dynamodb_updates import ItemUpdates
from assetline.ingest.fast_s3_reads import SmallObjects
from assetline.ingest.sessions_table import UNFINISHED
from assetline.vi import client as vi_client
from functions.open_session import app as open_session_app
from functions.poll_session import app as poll_session_app
from functions.record_drop import app as record_drop_app
from functions.settle_session import app as settle_session_app
from functions.sweep_drops import app as sweep_drops_app
from functions.upload_assets import app as upload_assets_app
from local.emulators.vi.scenario import LOCAL_KEY, LOCAL_ORGANIZATION, LostAnswer, PutFault, SessionFails, ViScenario
from local.emulators.vi.server import ViEmulator
from tests.simulation.account import MemoryAccount, function_environment
from tests.simulation.simulation import (
    TO_THE_END,
    Simulated,
    SimulatedExecution,
    Simulates,
    Simulation,
    SimulationStage,
)
from tests.simulation.vi_in_process import URL, vi_in_process
from tests.simulation.world import InOrder, Task, World
from tests.support.connections import forget_aws

STAGING, DROPS, DATASET = "assetline-exports", "assetline-drops", "ds1"
EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:ingest_drops"
PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452")
MOST_KEYS = 6
GATHER_SECONDS = 62.0  # before the first state of a run
LEASE_SECONDS = 1300.0
SWEEP_SECONDS = 300.0
REASONS_OF_TROUBLE = {"UploadFailed", "SessionFailed", "UploadExpired"}  # the rejections that repeated trouble causes
FAULTS = (LostAnswer(times=1), PutFault(times=1), SessionFails(times=1))
TROUBLES = ("kills", "repeats", "stops", "faults", "overwrites", "metadata", "copies", "backfills", "pauses")
ENVIRONMENT = {
    "EXPORT_BUCKET": STAGING,
    "DROPS_TABLE": "drops",
    "SESSIONS_TABLE": "sessions",
    "VI_API_URL": URL,
    "DEFAULT_DATASET_ID": "",
    "FAILURE_MODE": "FailAfterAll",
    "ON_ASSET_OVERWRITTEN": "RemoveLinkedResource",
    "MAX_IMAGE_BYTES": "268435456",
    "SESSIONS_PER_WINDOW": "5",
    "SESSION_WINDOW_SECONDS": "300",
    "GATHER_SECONDS": "60",
    "TAG_OBJECTS": "Rejected",
    "LONGEST_GATHER_SECONDS": "600",
    "DROP_RETENTION_DAYS": "30",
    "INGEST_STATE_MACHINE_ARN": "arn:aws:states:us-east-1:123456789012:stateMachine:ingest_drops",
    "DROP_QUEUE_URL": "https://queue/",
}


@dataclass(eq=False)
class Run(SimulatedExecution):
    """An execution of `ingest_drops`; `state` is the one it is in."""

    state: str = "open"
    round: int = 1
    opened: dict[str, Any] = field(default_factory=dict)
    slices: list[Any] = field(default_factory=list)
    polls: int = 0
    progress: str = ""
    caught: dict[str, str] | None = None

    def task(self) -> Task:
        """Return the function of its state and its input."""
        if self.state == "open":
            names = {"execution_arn": f"{EXECUTION}:{self.name}", "execution_name": self.name}
            return open_session_app, {"dataset_id": DATASET, **names, "round": self.round}
        if self.state == "upload":
            return upload_assets_app, self.slices[0]
        session = {"session": self.opened["session"], "error": self.caught}
        if self.state == "poll":
            return poll_session_app, session | {"polls": self.polls}
        return settle_session_app, session | {"progress": self.progress}

    def succeed(self, answer: Any, now: float) -> None:
        """Move to the next state."""
        match self.state:
            case "open":
                self._open(answer, now)
            case "upload":
                self._drop_slice()
            case "poll":
                self.polls, self.progress = self.polls + 1, answer["progress"]
                self.not_before = now + (answer["wait_seconds"] or 0)
                self.state = "poll" if self.progress == "running" else "settle"
            case _:
                self.round, self.state, self.ended = self.round + 1, "open", bool(self.caught)

    def _open(self, answer: dict[str, Any], now: float) -> None:
        if answer["outcome"] == "opened":
            self.opened, self.slices, self.polls, self.state = answer, [*answer["slices"]], 0, "upload"
        elif answer["outcome"] in {"no_drops", "owned"}:
            self.ended = True
        else:
            self.not_before = now + answer["wait_seconds"]

    def _drop_slice(self) -> None:
        self.slices = self.slices[1:]
        self.state = "upload" if self.slices else "poll"

    def fail(self, error: BaseException) -> None:
        """Catch an error as the machine does, or end with it."""
        caught = {"Error": type(error).__name__, "Cause": "{}"}
        if self.state == "upload":
            self.caught = caught
            self._drop_slice()
        elif self.state == "poll":
            self.caught, self.progress, self.state = caught, "broken", "settle"
        else:
            self.ended = True


@dataclass(kw_only=True)
class IngestionSimulation(Simulation[Run]):
    """The ingestion of one seed. `objects` are those that users put: their bytes and metadata, by key."""

    STEPS: ClassVar[int] = 220
    PAUSES: ClassVar[tuple[float, ...]] = (30.0, 300.0, 1500.0)

    account: MemoryAccount
    vi: ViEmulator
    s3: Any
    objects: dict[str, tuple[bytes, dict[str, str]]] = field(default_factory=dict)
    sequence: int = 0
    swept_at: float = 0.0

    # ---- what users do

    def put(self) -> None:
        """Put a new object, or other bytes or other metadata under a key that exists."""
        random = self.world.random
        new = {"new"} if len(self.objects) < MOST_KEYS else set()
        kinds = sorted(({"overwrites", "metadata", "copies"} & self.troubles if self.objects else set()) | new)
        if not kinds:
            return
        kind = random.choice(kinds)
        key = f"{DATASET}/{len(self.objects)}.png" if kind == "new" else random.choice([*self.objects])
        body, metadata = self.objects.get(key, (b"", {"number": "0"}))
        self.sequence += 1
        if kind == "metadata":
            metadata = {"number": str(self.sequence)}
        elif kind != "copies":
            body = PNG + random.choice([random.randbytes(16), b"the same of old"])
        self.world.note(f"user puts {key} ({kind})")
        self.objects[key] = (body, metadata)
        etag = self.s3.put_object(Bucket=DROPS, Key=key, Body=body, Metadata=metadata)["ETag"].strip('"')
        listed = {"key": key, "size": len(body), "etag": etag, "sequencer": f"{self.sequence:06X}"}
        message = {"detail": {"bucket": {"name": DROPS}, "object": listed}}
        for _ in range(1 + (random.random() < 0.15)):  # at least once
            self.messages.append((self.world.now + random.random() * 20, f"record {key}", message))

    def backfill(self) -> None:
        """List the bucket, and record what it holds."""
        listed = self.s3.list_objects_v2(Bucket=DROPS).get("Contents", [])
        objects = [{"Key": each["Key"], "Size": each["Size"], "Etag": each["ETag"]} for each in listed]
        items = [{"object": each, "bucket": DROPS, "dataset_id": ""} for each in objects]
        self.invoke("backfill", (record_drop_app, {"Items": items}))

    # ---- what AWS does

    def message_task(self, message: dict[str, Any]) -> Task:
        """Return the recording of a drop, as SQS starts it."""
        record = {"messageId": "1", "receiptHandle": "1", "attributes": {"ApproximateReceiveCount": "1"}}
        return record_drop_app, {"Records": [record | {"body": json.dumps(message), "eventSource": "aws:sqs"}]}

    def start_tasks(self) -> None:
        """Begin the runs that were started, each name once, and invoke the functions of all runs that are due."""
        known = {run.name for run in self.executions}
        for name in dict.fromkeys(self.account.started):
            if name not in known:
                self.executions.append(Run(name, self.world.now + GATHER_SECONDS))
        super().start_tasks()

    def sweep(self) -> None:
        """Start a sweep."""
        self.swept_at = self.world.now
        self.invoke("sweep", (sweep_drops_app, {}))

    # ---- what goes wrong

    def stop(self, execution: Run) -> None:
        """Stop a run."""
        execution.ended = True

    def cause(self, trouble: str) -> None:
        """Cause one of the troubles of the ingestion; those of `put` happen there."""
        if trouble == "faults":
            fault = self.world.random.choice(FAULTS)
            self.world.note(f"FAULT {fault!r}")
            self.vi.plays(scenario(fault))
        elif trouble == "backfills":
            self.backfill()

    # ---- the course of it

    def step(self) -> None:
        """Let one event happen."""
        world, chance = self.world, self.world.random.random()
        if chance < 0.06:
            self.put()
        elif chance < 0.16:
            self.deliver()
        elif chance < 0.2 and self.troubles:
            self.cause_trouble()
        elif world.now - self.swept_at > SWEEP_SECONDS and chance < 0.3:
            self.sweep()
        else:
            self.run_machines()

    def come_to_rest(self) -> None:
        """Run what is left, and sweep, until no promise is broken."""
        self.vi.plays(scenario())
        for _ in range(60):
            self.drain()
            self.world.advance(LEASE_SECONDS)
            self.sweep()
            while self.world.in_progress:
                self.run_some(TO_THE_END)
            started = {*self.account.started} - {run.name for run in self.executions}
            if not started and all(run.ended for run in self.executions) and not self.broken_promises():
                return

    # ---- what must hold in the end

    def broken_promises(self) -> list[str]:
        """Return what is not as it must be in the end."""
        items = [item for item in self.account.tables.items["drops"].values() if "state" in item]
        drops = [item for item in items if item["state"] not in OVER]
        sessions = [each for each in connections.sessions_table().sessions() if each.state in UNFINISHED]
        in_vi = [each.session_id for each in self.vi.stage.sessions.values() if not each.is_over()]
        return [
            *(f"A drop is not over: {item['key']}, {item['state']} of {item.get('session_key')}" for item in drops),
            *(f"A session is not over: {each.session_key}, {each.state}" for each in sessions),
            *(f"A session is open in Vi: {session_id}" for session_id in in_vi),
            *filter(None, [self._wrong_in_vi(key, items) for key in self.objects]),
        ]

    def _wrong_in_vi(self, key: str, items: list[dict[str, Any]]) -> str | None:
        body, metadata = self.objects[key]
        etag = self.account.buckets.objects[DROPS][key].etag
        item = next((each for each in items if each["drop_id"] == drop_id(DROPS, key, etag)), None)
        if item is None:
            return f"An object is not known: {key}"
        if item["state"] == "rejected" and item["reason"] not in REASONS_OF_TROUBLE:
            return f"An object is rejected: {key} as {item['reason']}"
        if item["state"] != "ingested":
            return None
        asset = self.vi.assets(DATASET).get(item["asset_filename"])
        if asset is None:
            return f"Vi has no asset of {key}"
        compared = {"bytes": (asset.content.read(), body), "metadata": (asset.custom_metadata or {}, metadata)}
        wrong = [what for what, (held, expected) in compared.items() if held != expected]
        return f"Vi has other {' and '.join(wrong)} of {key}" if wrong else None


def scenario(*faults: Any) -> ViScenario:
    """Return how Vi behaves, with *faults* to come."""
    return ViScenario(sessions_per_window=None, shows_spec_assets=True, faults=faults)


@contextmanager
def simulated_ingestion() -> Iterator[Simulates]:
    """Give out the function that plays the world of a seed, in an account and a Vi that are empty each time."""
    account, stage = MemoryAccount(), SimulationStage()
    account.called = stage.call
    account.buckets.objects |= {STAGING: {}, DROPS: {}}
    account.secrets["vi"] = json.dumps({"secret_key": LOCAL_KEY, "organization_id": LOCAL_ORGANIZATION})
    with (
        pytest.MonkeyPatch.context() as patch,
        function_environment(patch),
        vi_in_process(stage.call) as (vi, transport),
    ):
        account.takes_calls(patch)
        for name, value in (ENVIRONMENT | {"VI_SECRET_ARN": "vi"}).items():
            patch.setenv(name, value)
        _forget_connections()
        transport.take_requests(connections.vi_client(), patch)
        _prepare_functions(stage, patch)
        s3 = boto3.client("s3")

        def simulate(seed: int) -> Simulated:
            account.empty()
            vi.has(scenario())
            vi.forget()
            for warm in (connections.recorder, connections.runs):
                warm.cache_clear()
            return stage.play(seed, partial(_begin, account, vi, s3))

        yield simulate
        _forget_connections()


def _begin(account: MemoryAccount, vi: ViEmulator, s3: Any, world: World) -> IngestionSimulation:
    troubles = {trouble for trouble in TROUBLES if world.random.random() < 0.4}
    return IngestionSimulation(world, troubles, account=account, vi=vi, s3=s3)


def _prepare_functions(stage: SimulationStage, patch: pytest.MonkeyPatch) -> None:
    """Let the functions sleep in the world, and run nothing in threads of their own."""
    for module in (ledger, drop):
        patch.setattr(module, "SHARDS", 2)  # a Query each, for every look for drops
    for module in (ledger, settle_session, conditional_writes, reject_drops, upload_assets):
        patch.setattr(module, "ThreadPoolExecutor", InOrder)
    patch.setattr(vi_client, "time", SimpleNamespace(sleep=stage.sleep))
    for fast, method in ((SmallObjects, "read"), (ItemUpdates, "update")):  # which do not go through boto3
        patch.setattr(fast, method, lambda *_: None)
    slice_upload = connections.slice_upload
    patch.setattr(upload_assets_app, "slice_upload", lambda: _sleeping(slice_upload(), stage.sleep))


def _sleeping(upload: upload_assets.SliceUpload, sleep: Callable[[float], None]) -> upload_assets.SliceUpload:
    upload.sleep = sleep
    return upload


def _forget_connections() -> None:
    forget_aws()
    for connection in vars(connections).values():
        if hasattr(connection, "cache_clear"):
            connection.cache_clear()
