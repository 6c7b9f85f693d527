"""Downloads and deletions, simulated: executions and their invocations, a dataset that changes, and what goes wrong.

The functions are the real ones, on an account in memory and an emulated Vi. The machines `download_assets` and
`delete_assets` are played here as generators: each yields a task, and is sent the answer.
"""

import csv
import io
import json
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial, partialmethod
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from assetline.assets import dependencies as connections
from assetline.assets import listing
from assetline.deletion import delete_ids as delete_ids_module
from assetline.deletion import staging as deletion_staging
from assetline.download import close_download as close_download_module
from assetline.download import download_slice as download_slice_module
from assetline.download import s3_target
from assetline.download import staging as download_staging
from assetline.vi import client as vi_client
from functions.close_deletion import app as close_deletion
from functions.close_download import app as close_download
from functions.delete_ids import app as delete_ids
from functions.download_slice import app as download_slice
from functions.list_assets import app as list_assets
from functions.open_deletion import app as open_deletion
from functions.poll_deletion import app as poll_deletion
from local.emulators.vi.scenario import (
    LOCAL_KEY,
    LOCAL_ORGANIZATION,
    ApiFault,
    DownloadFault,
    LostDeletion,
    ViScenario,
)
from local.emulators.vi.server import ViEmulator
from tests.simulation.account import MemoryAccount, function_environment
from tests.simulation.simulation import Simulated, SimulatedExecution, Simulates, Simulation, SimulationStage
from tests.simulation.vi_in_process import URL, vi_in_process
from tests.simulation.world import InOrder, Task, World
from tests.support.connections import forget_aws

BUCKET, DATASET = "assetline-exports", "ds1"
ASSETS = 12
MOST_EXECUTIONS = 3
KEPT, DOOMED = "keep", "doomed"
TROUBLES = ("kills", "repeats", "stops", "faults", "changes", "pauses")
FAULTS = (
    DownloadFault(what="short", times=1),
    DownloadFault(what="wrong", times=1),
    DownloadFault(what="expired", times=1),
    ApiFault(status=503, times=2),
    LostDeletion(times=1),
)
ENVIRONMENT = {"EXPORT_BUCKET": BUCKET, "VI_API_URL": URL, "VI_SECRET_ARN": "vi"}

type Machine = Generator[Task, Any, dict[str, Any]]


class TaskFailed(Exception):  # noqa: N818
    """The error of a task that the machine does not retry, or no longer retries; a machine may catch it."""


@dataclass(eq=False, kw_only=True)
class MachineExecution(SimulatedExecution):
    """An execution of a machine. `output` is None while it runs, and where it failed."""

    machine: Machine
    current: Task | None = None
    output: dict[str, Any] | None = None

    def task(self) -> Task:
        """Return the task it is at."""
        if self.current is None:
            self.current = next(self.machine)
        return self.current

    def succeed(self, answer: Any, now: float) -> None:
        """Send the machine an answer."""
        del now
        self._advance(lambda: self.machine.send(answer))

    def fail(self, error: BaseException) -> None:
        """Raise an error in the machine."""
        self._advance(lambda: self.machine.throw(TaskFailed(type(error).__name__)))

    def _advance(self, step: Callable[[], Task]) -> None:
        try:
            self.current = step()
        except StopIteration as end:
            self.output, self.ended = end.value, True
        except TaskFailed:
            self.ended = True


def downloads(name: str, request: dict[str, Any]) -> Machine:
    """Play `download_assets`, with its slices one after the other."""
    about = {"execution_arn": f"arn:aws:states:us-east-1:123456789012:execution:download_assets:{name}"}
    turn, cursor, download, error = 1, None, None, None
    while True:
        try:
            opening = about | {
                "started_at": "2026-11-21T03:00:00.123Z",
                "input": request,
                "turn": turn,
                "cursor": cursor,
            }
            listed = yield list_assets, opening
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
            poll = yield poll_deletion, {"deletion": opened["deletion"], "polls": polls}
            seen |= {name: poll[name] for name in seen}
            polls += 1
    except TaskFailed as failed:
        error = {"Error": str(failed), "Cause": "{}"}
    output: dict[str, Any] = yield close_deletion, about | {"dataset_id": DATASET, "error": error} | seen
    return output if error is None else output | {"ended_with": error["Error"]}


MACHINES: dict[str, Callable[[str, dict[str, Any]], Machine]] = {"download": downloads, "delete": deletes}


@dataclass(kw_only=True)
class DatasetSimulation(Simulation[MachineExecution]):
    """The dataset of one seed, and the executions that download and delete its assets.

    `named` has the IDs of assets that deletions name, `deleted_in_vi` those of assets that users delete in Vi, and
    `seen` those of all assets.
    """

    STEPS: ClassVar[int] = 120
    LAMBDA_SECONDS: ClassVar[float] = 900.0

    account: MemoryAccount
    vi: ViEmulator
    named: set[str] = field(default_factory=set)
    deleted_in_vi: set[str] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)
    number: int = 0

    # ---- what users do

    def add(self) -> None:
        """Add an asset to the dataset; its name may exist already."""
        self.number += 1
        kind = self.world.random.choice((KEPT, DOOMED))
        name = f"{kind}{self.world.random.randrange(ASSETS)}.png"
        content = self.vi.stage.content()
        content.append(f"{name} {self.number}".encode())
        assets = self.vi.stage.datasets[DATASET]
        asset = assets.put(f"unique-{len(assets.assets)}", "Image", "image/png", content, {})
        assets.rename(asset, name)

    def delete_in_vi(self) -> None:
        """Delete an asset in Vi, past the product."""
        assets = self.assets()
        if assets:
            asset_id = self.world.random.choice(sorted(assets))
            self.world.note(f"somebody deletes {assets[asset_id].filename} ({asset_id}) in Vi")
            self.deleted_in_vi.add(asset_id)
            self.vi.stage.datasets[DATASET].remove(asset_id)

    def start(self, kind: str, ids: list[str] | None = None) -> None:
        """Start a download of all assets, or a deletion of some by their ids."""
        request: dict[str, Any] = {"dataset_id": DATASET}
        if kind == "delete":
            doomed = sorted(id_ for id_, asset in self.assets().items() if asset.filename.startswith(DOOMED))
            request["ids"] = ids or self.world.random.sample(doomed, min(len(doomed), 3))
            if not request["ids"]:
                return
            self.named |= {*request["ids"]}
        name = f"{kind}-{len(self.executions)}"
        self.world.note(f"{name} starts: {request}")
        self.executions.append(MachineExecution(name, machine=MACHINES[kind](name, request)))

    def assets(self) -> dict[str, Any]:
        """Return the assets that Vi holds, by id."""
        return dict(self.vi.stage.datasets[DATASET].assets)

    # ---- what goes wrong

    def stop(self, execution: MachineExecution) -> None:
        """Stop an execution."""
        execution.ended = True

    def cause(self, trouble: str) -> None:
        """Cause one of the troubles of datasets."""
        if trouble == "faults":
            fault = self.world.random.choice(FAULTS)
            self.world.note(f"FAULT {fault!r}")
            self.vi.plays(ViScenario(faults=(fault,)))
        else:
            self.world.random.choice((self.add, self.delete_in_vi))()

    # ---- the course of it

    def step(self) -> None:
        """Let one event happen."""
        self.seen |= self.assets().keys()
        chance = self.world.random.random()
        live = sum(not each.ended for each in self.executions)
        if chance < 0.05 and live < MOST_EXECUTIONS:
            self.start(self.world.random.choice(sorted(MACHINES)))
        elif chance < 0.1 and self.troubles:
            self.cause_trouble()
        else:
            self.run_machines()

    def come_to_rest(self) -> None:
        """Run what is left; delete what is left to delete, and download the rest, to the end."""
        self.vi.plays(ViScenario())
        self.drain()
        if left := sorted(self.named & self.assets().keys()):
            self.start("delete", left)
            self.drain()
        self.start("download")
        self.drain()

    # ---- what must hold in the end

    def broken_promises(self) -> list[str]:
        """Return what is not as it must be in the end."""
        assets, output = self.assets(), self.executions[-1].output
        if output is None or "ended_with" in output:
            return [f"The last download failed: {output}"]
        rows = {row["asset_id"]: row for row in csv.DictReader(io.StringIO(self._object(output["files_key"]).decode()))}
        kept = {asset_id for asset_id, asset in assets.items() if asset.filename.startswith(KEPT)}
        lost = self.seen - assets.keys() - self.named - self.deleted_in_vi
        return [
            *(f"An asset of a deletion still exists: {id_}" for id_ in self.named & assets.keys()),
            *(f"An asset was deleted that nobody named: {id_}" for id_ in lost),
            *(f"An asset is in no row of the download: {id_}" for id_ in assets.keys() - rows.keys()),
            *filter(None, [self._wrong_file(assets[id_], rows[id_]) for id_ in kept & rows.keys()]),
            *(f"An upload is unfinished: {upload.about['Key']}" for upload in self.account.buckets.uploads.values()),
        ]

    def _wrong_file(self, asset: Any, row: dict[str, str]) -> str | None:
        if row["state"] == "failed":
            return f"A file was not downloaded: {asset.filename}, {row}"
        content = self._object(row["key"])
        return None if content == asset.content.read() else f"A file has other bytes: {asset.filename}"

    def _object(self, key: str) -> bytes:
        return self.account.buckets.objects[BUCKET][key].body


@contextmanager
def simulated_datasets() -> Iterator[Simulates]:
    """Give out the function that plays the world of a seed, in an account and a Vi that are empty each time."""
    account, stage = MemoryAccount(), SimulationStage()
    account.called = stage.call
    account.buckets.objects[BUCKET] = {}
    account.secrets["vi"] = json.dumps({"secret_key": LOCAL_KEY, "organization_id": LOCAL_ORGANIZATION})
    with (
        pytest.MonkeyPatch.context() as patch,
        function_environment(patch),
        vi_in_process(stage.call) as (vi, transport),
    ):
        account.takes_calls(patch)
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        _forget_connections()
        transport.take_requests(connections.vi_client(), patch)
        _prepare_functions(stage, patch)

        def simulate(seed: int) -> Simulated:
            account.empty()
            vi.has(ViScenario())
            vi.forget()
            return stage.play(seed, partial(_begin, account, vi))

        yield simulate
        _forget_connections()


def _begin(account: MemoryAccount, vi: ViEmulator, world: World) -> DatasetSimulation:
    troubles = {trouble for trouble in TROUBLES if world.random.random() < 0.4}
    dataset = DatasetSimulation(world, troubles, account=account, vi=vi)
    for _ in range(ASSETS):
        dataset.add()
    return dataset


def _prepare_functions(stage: SimulationStage, patch: pytest.MonkeyPatch) -> None:
    """Let the functions sleep in the world, and run nothing in threads of their own."""
    for module in (listing, close_download_module, download_slice_module, delete_ids_module, deletion_staging):
        patch.setattr(module, "ThreadPoolExecutor", InOrder)
    patch.setattr(close_download_module.IN_PARTS, "use_threads", False)
    patch.setattr(download_staging, "SLICE_FILES", 4)
    patch.setattr(vi_client, "time", SimpleNamespace(sleep=stage.sleep))
    for sleeper in (s3_target.BucketFetch, delete_ids_module.IdsDeletion):
        patch.setattr(sleeper, "__init__", partialmethod(_asleep_in, stage, vars(sleeper)["__init__"]))


def _asleep_in(sleeper: Any, stage: SimulationStage, init: Callable[..., None], *given: Any, **named: Any) -> None:
    """Make *sleeper* sleep by the clock of the world."""
    init(sleeper, *given, **named)
    object.__setattr__(sleeper, "sleep", stage.sleep)


def _forget_connections() -> None:
    forget_aws()
    for connection in vars(connections).values():
        if hasattr(connection, "cache_clear"):
            connection.cache_clear()
