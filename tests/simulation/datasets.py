"""Downloads and deletions, simulated: executions and their invocations, a dataset that changes, and what goes wrong.

The functions are the real ones, on an account in memory and an emulated Vi. The machines `download_assets` and
`delete_assets` are played here as generators: each yields what it invokes, and is sent what that returns.
"""

import json
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial, partialmethod
from types import SimpleNamespace
from typing import Any

import pytest

from assetline.assets import dependencies as connections
from assetline.assets import listing
from assetline.deletion import delete_ids as delete_ids_module
from assetline.deletion import staging as deletion_staging
from assetline.download import close_download as close_download_module
from assetline.download import download_slice as download_slice_module
from assetline.download import fetch_file
from assetline.download import staging as download_staging
from assetline.errors import Permanent
from assetline.http.signed_url_requests import SignedRequests
from assetline.vi import client as vi_client
from functions.close_deletion import app as close_deletion
from functions.close_download import app as close_download
from functions.delete_ids import app as delete_ids
from functions.download_slice import app as download_slice
from functions.list_assets import app as list_assets
from functions.open_deletion import app as open_deletion
from functions.poll_deletion import app as poll_deletion
from local.emulators.vi.scenario import ApiFault, DownloadFault, LostDeletion, Scenario
from local.emulators.vi.server import Emulator
from tests.handlers.conftest import lambda_context
from tests.handlers.dataset.download_stage import BUCKET, DATASET, DownloadStage, download_stage, held
from tests.simulation.account import Account, account_of_nobody
from tests.simulation.ingestion import Current, Simulated, Simulates
from tests.simulation.world import InOrder, Invocation, World

STEPS = 120
ASSETS = 12
KEPT, DOOMED = "keep", "doomed"
LAMBDA_SECONDS = 900.0
REPEATS = {"lost": 5, "failed": 12}
TROUBLES = ("kills", "repeats", "stops", "faults", "changes", "pauses")
FAULTS = (
    DownloadFault(what="short", times=1),
    DownloadFault(what="wrong", times=1),
    DownloadFault(what="expired", times=1),
    ApiFault(status=503, times=2),
    LostDeletion(times=1),
)

type Task = tuple[Any, dict[str, Any]]
type Machine = Generator[Task, Any, dict[str, Any]]


class TaskFailed(Exception):  # noqa: N818
    """What a machine catches: the error of a task that was not to be repeated, or was repeated too often."""


@dataclass
class Execution:
    """An execution of a machine. `output` is what it returned, `failed` what it failed with."""

    name: str
    request: dict[str, Any]
    machine: Machine
    task: Task | None = None
    repeats: dict[str, int] = field(default_factory=dict)
    not_before: float = 0.0
    invocation: Invocation | None = None
    output: dict[str, Any] | None = None
    ended: bool = False

    def goes_on(self, answer: Any = None, error: TaskFailed | None = None) -> None:
        """Take what the task came to, and go on to the next one."""
        self.repeats = {}
        try:
            self.task = self.machine.throw(error) if error is not None else self.machine.send(answer)
        except StopIteration as end:
            self.output, self.ended = end.value, True
        except TaskFailed:
            self.ended = True


def downloads(name: str, request: dict[str, Any]) -> Machine:
    """Play `download_assets`; its slices go one after the other."""
    about = {"execution_arn": f"arn:aws:states:us-east-1:123456789012:execution:download_assets:{name}"}
    turn, cursor, download, error = 1, None, None, None
    while True:
        try:
            asked = about | {"started_at": "2026-11-21T03:00:00.123Z", "input": request, "turn": turn, "cursor": cursor}
            listed = yield list_assets, asked
            download, cursor = listed["download"], listed["cursor"]
            for address in listed["slices"]:
                while (yield download_slice, address)["left"]:
                    pass
        except TaskFailed as failed:
            error = {"Error": str(failed), "Cause": "{}"}
            if download is None:
                raise
        if error is not None or cursor is None:
            closing = {"download": download, "input": request, "turns": turn, "error": error}
            output: dict[str, Any] = yield close_download, about | closing
            return output if error is None else output | {"ended_with": error["Error"]}
        turn += 1


def deletes(name: str, request: dict[str, Any]) -> Machine:
    """Play `delete_assets`."""
    about = {
        "execution_arn": f"arn:aws:states:us-east-1:123456789012:execution:delete_assets:{name}",
        "started_at": "2026-11-21T03:00:00.123Z",
    }
    seen: dict[str, Any] = {"progress": "running", "count_after": None, "failure": ""}
    error = None
    try:
        opened = yield open_deletion, about | {"input": request}
        seen |= {"progress": opened["progress"], "count_after": opened["count_after"]}
        cursor: int | None = 0 if opened["deletion"]["by"] == "ids" else None
        while seen["progress"] == "running" and cursor is not None:
            turn = yield delete_ids, {"deletion": opened["deletion"], "cursor": cursor}
            cursor = turn["cursor"]
            seen |= {"progress": "running" if cursor is not None else "finished", "count_after": turn["count_after"]}
        polls = 0
        while seen["progress"] == "running":
            looked = yield poll_deletion, {"deletion": opened["deletion"], "polls": polls}
            seen |= {name: looked[name] for name in seen}
            polls += 1
    except TaskFailed as failed:
        error = {"Error": str(failed), "Cause": "{}"}
    output: dict[str, Any] = yield close_deletion, about | {"dataset_id": DATASET, "error": error} | seen
    return output if error is None else output | {"ended_with": error["Error"]}


MACHINES: dict[str, Callable[[str, dict[str, Any]], Machine]] = {"download": downloads, "delete": deletes}


@dataclass
class Dataset:
    """A simulated dataset of one seed, and the executions that download and delete."""

    world: World
    stage: DownloadStage
    troubles: set[str]
    executions: list[Execution] = field(default_factory=list)
    asked_to_go: set[str] = field(default_factory=set)  # ids of assets that somebody had deleted
    taken_away: set[str] = field(default_factory=set)  # ids of assets that somebody deleted in Vi
    seen: set[str] = field(default_factory=set)  # ids of all assets that there ever were
    number: int = 0

    # ---- what users do

    def adds(self) -> None:
        """Let Vi hold another asset, be it of a name that there is already."""
        self.number += 1
        kind = self.world.random.choice((KEPT, DOOMED))
        name = f"{kind}{self.world.random.randrange(ASSETS)}.png"
        held(self.stage.vi, name, f"{name} {self.number}".encode())

    def takes_away(self) -> None:
        """Delete an asset in Vi, beside us."""
        assets = self.assets()
        if assets:
            asset_id = self.world.random.choice(sorted(assets))
            self.world.happens(f"somebody deletes {assets[asset_id].filename} ({asset_id}) in Vi")
            self.taken_away.add(asset_id)
            self.stage.vi.stage.datasets[DATASET].remove(asset_id)

    def starts(self, kind: str) -> None:
        """Start an execution: a download of all, or a deletion of some by their ids."""
        request: dict[str, Any] = {"dataset_id": DATASET}
        if kind == "delete":
            doomed = sorted(one for one, asset in self.assets().items() if asset.filename.startswith(DOOMED))
            request["ids"] = self.world.random.sample(doomed, min(len(doomed), 3))
            if not request["ids"]:
                return
            self.asked_to_go |= {*request["ids"]}
        name = f"{kind}-{len(self.executions)}"
        self.world.happens(f"{name} starts: {request}")
        execution = Execution(name, request, MACHINES[kind](name, request))
        execution.goes_on()
        self.executions.append(execution)

    def assets(self) -> dict[str, Any]:
        """Return what Vi holds, by id."""
        return dict(self.stage.vi.stage.datasets[DATASET].assets)

    # ---- what AWS does

    def machines_go_on(self) -> None:
        """Let each execution that waits for nothing invoke its function."""
        for one in self.executions:
            if one.invocation is None and not one.ended and one.not_before <= self.world.now and one.task is not None:
                one.invocation = self._invokes(one.name, *one.task)

    def _invokes(self, name: str, function: Any, payload: dict[str, Any]) -> Invocation:
        body, world = json.dumps(payload), self.world

        def work() -> Any:
            context = lambda_context(invocation.deadline - world.now)
            return json.loads(json.dumps(function.lambda_handler(json.loads(body), context)))

        invocation = world.invokes(f"{name}.{function.__name__.split('.')[1]}", work, LAMBDA_SECONDS)
        return invocation

    def is_over(self, invocation: Invocation) -> None:
        """Go on with the execution that waits for an invocation."""
        if isinstance(invocation.error, AssertionError):
            raise invocation.error
        one = next((one for one in self.executions if one.invocation is invocation), None)
        if one is None:
            return
        one.invocation = None
        if invocation.error is None:
            one.goes_on(invocation.result)
            return
        kind = "failed" if isinstance(invocation.error, Exception) else "lost"
        one.repeats[kind] = one.repeats.get(kind, 0) + 1
        one.not_before = self.world.now + min(120.0, 2.0 ** one.repeats[kind])
        if isinstance(invocation.error, Permanent) or one.repeats[kind] > REPEATS[kind]:
            self.world.happens(f"{one.name} fails: {invocation.error!r}")
            one.goes_on(error=TaskFailed(type(invocation.error).__name__))

    def somebody_goes_on(self, calls: int) -> None:
        """Let an invocation make some calls; where there is none, time passes."""
        if not self.world.under_way:
            self.world.passes(5.0)
            return
        invocation = self.world.random.choice(self.world.under_way)
        for _ in range(calls):
            if self.world.goes_on(invocation):
                self.is_over(invocation)
                return

    # ---- what goes wrong

    def goes_wrong(self) -> None:
        """Let one kind of trouble happen."""
        world = self.world
        live = [one for one in self.executions if not one.ended]
        seen = [one for one in world.under_way if one.called]
        match world.random.choice(sorted(self.troubles)):
            case "kills" if seen:
                invocation = world.random.choice(seen)
                world.kills(invocation)
                world.under_way.remove(invocation)
                self.is_over(invocation)
            case "repeats" if under_way := [one for one in live if one.invocation in seen]:
                one = world.random.choice(under_way)
                world.happens(f"LOST SIGHT of {one.name}")
                one.invocation = None
            case "stops" if live:
                one = world.random.choice(live)
                world.happens(f"STOPPED {one.name}")
                one.ended, one.invocation = True, None
            case "faults":
                fault = world.random.choice(FAULTS)
                world.happens(f"FAULT {fault!r}")
                self.stage.plays(fault)
            case "changes":
                world.random.choice((self.adds, self.takes_away))()
            case "pauses":
                world.passes(world.random.choice([30.0, 300.0]))

    # ---- the course of it

    def step(self) -> None:
        """Let one thing happen."""
        chance = self.world.random.random()
        live = sum(not one.ended for one in self.executions)
        if chance < 0.05 and live < 3:
            self.starts(self.world.random.choice(sorted(MACHINES)))
        elif chance < 0.1 and self.troubles:
            self.goes_wrong()
        else:
            self.machines_go_on()
            self.somebody_goes_on(self.world.random.choice((1, 1, 2, 5, 20)))

    def comes_to_rest(self) -> None:
        """Let nothing go wrong any more; what is left is deleted and downloaded once more, to the end."""
        self.troubles = set()
        self.stage.plays()
        self._ends()
        left = sorted(self.asked_to_go & self.assets().keys())
        if left:
            request = {"dataset_id": DATASET, "ids": left}
            self.executions.append(Execution("last-delete", request, deletes("last-delete", request)))
            self.executions[-1].goes_on()
            self._ends()
        self.starts("download")
        self._ends()

    def _ends(self) -> None:
        while not all(one.ended for one in self.executions) or self.world.under_way:
            self.machines_go_on()
            self.somebody_goes_on(1000)

    # ---- what must hold in the end

    def broken_promises(self) -> list[str]:
        """Return what is not as it must be when all has come to rest."""
        assets, last = self.assets(), self.executions[-1]
        if last.output is None or "ended_with" in last.output:
            return [f"The last download failed: {last.output}"]
        rows = {row["asset_id"]: row for row in self.stage.files(last.output)}
        parts = self.stage.s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
        kept = {asset_id for asset_id, asset in assets.items() if asset.filename.startswith(KEPT)}
        gone = self.seen - assets.keys()
        return [
            *(f"An asset that was to go is there: {one}" for one in self.asked_to_go & assets.keys()),
            *(f"An asset went that nobody named: {one}" for one in gone - self.asked_to_go - self.taken_away),
            *(f"An asset is in no row of the download: {one}" for one in assets.keys() - rows.keys()),
            *filter(None, [self._wrong_file(assets[one], rows[one]) for one in kept & rows.keys()]),
            *(f"An upload is left: {part['Key']}" for part in parts),
        ]

    def notes_assets(self) -> None:
        """Remember which assets there are now."""
        self.seen |= self.assets().keys()

    def _wrong_file(self, asset: Any, row: dict[str, str]) -> str | None:
        if row["state"] == "failed":
            return f"A file was not downloaded: {asset.filename}, {row}"
        content = self.stage.bytes(row["key"].removeprefix(f"downloads/{DATASET}/"))
        return None if content == asset.content.read() else f"A file has other bytes: {asset.filename}"


@contextmanager
def simulated_datasets(vi: Emulator) -> Iterator[Simulates]:
    """Give out what plays the world of a seed, in an account that is empty each time, and returns how it ended."""
    account, current = Account(), Current()
    account.called = current.call
    with pytest.MonkeyPatch.context() as patch, account_of_nobody(patch):
        account.takes_calls(patch)
        with download_stage(vi, patch) as stage:
            stage.announced = account.announced
            _hand_over(current, patch)
            yield partial(_simulate, stage, account, current)


def _simulate(stage: DownloadStage, account: Account, current: Current, seed: int) -> Simulated:
    account.empty()
    stage.vi.has(Scenario())
    stage.vi.forget()
    with World(seed) as world:
        current.world = world
        try:
            dataset = Dataset(world, stage, {one for one in TROUBLES if world.random.random() < 0.4})
            world.happens(f"troubles: {sorted(dataset.troubles)}")
            for _ in range(ASSETS):
                dataset.adds()
            for _ in range(STEPS):
                dataset.notes_assets()
                dataset.step()
            dataset.comes_to_rest()
            return Simulated(seed, dataset.broken_promises(), world.trace)
        finally:
            current.world = None


def _hand_over(current: Current, patch: pytest.MonkeyPatch) -> None:
    """Let every call of the functions to Vi stand still first, too, and nothing else run beside it."""
    for module in (listing, close_download_module, download_slice_module, delete_ids_module, deletion_staging):
        patch.setattr(module, "ThreadPoolExecutor", InOrder)
    patch.setattr(download_staging, "SLICE_FILES", 4)
    patch.setattr(vi_client, "time", SimpleNamespace(sleep=current.sleep))
    for sleeper in (fetch_file.Fetch, delete_ids_module.IdsDeletion):
        patch.setattr(sleeper, "__init__", partialmethod(_asleep_in, current, vars(sleeper)["__init__"]))
    connections.vi_client()._http.event_hooks = {
        "request": [lambda request: current.call(f"Vi {request.method} {request.url.path[-40:]}")]
    }
    sent = SignedRequests.sent

    def stands_still(requests: SignedRequests, method: str, *given: Any, **named: Any) -> Any:
        current.call(f"{method} a file of Vi")
        return sent(requests, method, *given, **named)

    patch.setattr(SignedRequests, "sent", stands_still)


def _asleep_in(sleeper: Any, current: Current, init: Callable[..., None], *given: Any, **named: Any) -> None:
    """Make *sleeper* sleep by the clock of the world."""
    init(sleeper, *given, **named)
    object.__setattr__(sleeper, "sleep", current.sleep)
