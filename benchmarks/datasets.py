"""Lists and downloads of a Vi dataset, beside the official SDK, against the same emulated Vi.

The command and the SDK are programs of their own, and so is the emulator. A local stack stands beside them: it makes
the list, and the command reads Vi's origin and key from it. Files a second are counted from the first request to
the last file, by the emulator's journal: the start of either program is not included.

Both write to a file system in memory, if the machine has one. On a disk the figure varies from run to run: ext4 skips
every inode that was freed within the last minutes for each new file, and may take longer than the program.
"""

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import httpx

from benchmarks.memory_folder import memory_folder
from local.emulators.vi.scenario import LOCAL_KEY, LOCAL_ORGANIZATION, ViScenario
from local.paths import LOCAL, PYTHON_COMMANDS
from local.stack.lifecycle import running_stack
from local.stack.ministack import free_port
from local.stack.outputs import DeployedStack
from local.stack.settings import StackSettings

FILES = 900  # a page of the official SDK's: it stops after one
ROUNDS = 5
PAGES, PAGE_SIZE, PAGE_SECONDS = 50, 10, 0.05

_SDK = """
import sys, vi
client = vi.Client(secret_key=sys.argv[2], organization_id=sys.argv[3], endpoint=sys.argv[1])
client.assets.download(dataset_id="ds1", save_dir=sys.argv[4], show_progress=False)
"""


def measure() -> dict[str, float]:
    """Return files a second over those of the SDK, and the wall of a list of many pages over that of its pages."""
    with (
        tempfile.TemporaryDirectory() as folder,
        memory_folder() as files,
        running_stack(StackSettings(free_port(), Path(folder) / "stack")) as stack,
    ):
        return _downloads(stack, files) | _lists(stack)


def _downloads(stack: DeployedStack, folder: Path) -> dict[str, float]:
    vi = stack.emulators["vi"]
    _play(vi, ViScenario(holds={"ds1": FILES}))
    rates, sdk_rates = [], []
    for number in range(ROUNDS):
        sdk_rates.append(_per_second(vi, folder / f"sdk-{number}", lambda to: _sdk(vi, folder, to)))
        rates.append(_per_second(vi, folder / f"command-{number}", lambda to: _command(stack, to)))
    return {
        "download_vs_sdk": round(max(rates) / max(sdk_rates), 2),
        "files_per_second": round(max(rates)),
        "sdk_files_per_second": round(max(sdk_rates)),
    }


def _per_second(vi: str, to: Path, download: Callable[[Path], None]) -> float:
    """Return the files per second of *download*."""
    httpx.delete(f"{vi}/_emulator/requests", timeout=60)
    download(to)
    arrived = sum(path.is_file() for path in to.rglob("*.png"))
    times = [request["at"] for request in httpx.get(f"{vi}/_emulator/requests", timeout=60).json()["requests"]]
    if arrived != FILES:
        raise RuntimeError(f"{arrived} files of {FILES}")
    seconds: float = max(times) - min(times)
    return FILES / seconds


def _command(stack: DeployedStack, to: Path) -> None:
    subprocess.run(
        [PYTHON_COMMANDS / "assetline", "assets", "download", "ds1", str(to), "--no-progress"],
        check=True,
        stdout=subprocess.DEVNULL,
        env=os.environ | stack.environment,
    )


def _sdk(vi: str, home: Path, to: Path) -> None:
    subprocess.run(
        [LOCAL / "tools/visdk/bin/python", "-c", _SDK, vi, LOCAL_KEY, LOCAL_ORGANIZATION, str(to)],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], "HOME": str(home), "VI_ENABLE_FILE": "false"},
    )


def _lists(stack: DeployedStack) -> dict[str, float]:
    """Return the wall of a list, from the start of its execution to its end, over that of its pages."""
    vi = stack.emulators["vi"]
    _play(vi, ViScenario(holds={"ds1": PAGES * PAGE_SIZE}))
    _list(stack)  # the functions start, the emulator inspects its images
    _play(vi, ViScenario(latency_seconds=PAGE_SECONDS), keep=True)
    wall = min(_list(stack) for _ in range(ROUNDS))
    return {"list_pages_vs_floor": round(wall / (PAGES * PAGE_SECONDS), 3), "list_seconds": round(wall, 3)}


def _list(stack: DeployedStack) -> float:
    machines: Any = boto3.client("stepfunctions", **stack.connection)
    request = {"source": "vi", "dataset_id": "ds1", "page_size": PAGE_SIZE}
    arn = machines.start_execution(stateMachineArn=stack.outputs["ExportStateMachineArn"], input=json.dumps(request))[
        "executionArn"
    ]
    while (described := machines.describe_execution(executionArn=arn))["status"] == "RUNNING":
        time.sleep(0.05)
    if described["status"] != "SUCCEEDED" or json.loads(described["output"])["pages"] != PAGES:
        raise RuntimeError(f"the list ended with {described['status']}: {described.get('cause', '')[:200]}")
    seconds: float = (described["stopDate"] - described["startDate"]).total_seconds()
    return seconds


def _play(vi: str, scenario: ViScenario, *, keep: bool = False) -> None:
    params = {"keep": "y"} if keep else {}
    content = scenario.model_dump_json()
    httpx.put(f"{vi}/_emulator/scenario", params=params, content=content, timeout=60).raise_for_status()


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))  # noqa: T201 - the figures are the output
