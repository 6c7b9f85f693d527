"""A local stack from nothing to ready, and back.

    with running_stack(StackSettings(port=free_port(), state_dir=tmp_path, wait_scale=0)) as stack:
        boto3.client("stepfunctions", **stack.connection).start_execution(…)

All that a stack is lies in its state folder: which servers run, what was deployed, its logs. So `up` and `down` work
from any process, and one stack knows nothing of another.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from local.emulators.safetyculture.scenario import LOCAL_TOKEN
from local.emulators.vi.scenario import LOCAL_KEY, LOCAL_ORGANIZATION
from local.stack import deploy, environment
from local.stack import emulator_server as emulator
from local.stack.ministack import MiniStack, endpoint
from local.stack.outputs import DeployedStack
from local.stack.processes import stop
from local.stack.reaper import stopped_with_this_process
from local.stack.settings import StackSettings
from local.stack.state_file import Record, alone

type Say = Callable[[str], None]

# Whoever tries it out does not want to wait a minute for the first session.
LOCAL_PARAMETERS = {"GatherSeconds": "3"}


def silent(_: str) -> None:
    """Say nothing."""


def up(settings: StackSettings, say: Say = silent) -> DeployedStack:
    """Return the stack of *settings*, ready: whatever of it is missing, dead or out of date is put right."""
    with alone(settings.folder):
        record = Record.read(settings.folder)
        try:
            return _up(settings, record, say)
        except BaseException:
            # A stack that was whole before stays as it was; one that never was is not left half-built.
            if not record.deployed:
                _down(settings, record)
            raise


def down(settings: StackSettings) -> bool:
    """Stop all that `up` started for the stack of *settings*; returns whether there was anything to stop."""
    if not settings.folder.exists():
        return False
    with alone(settings.folder):
        return _down(settings, Record.read(settings.folder))


@contextmanager
def running_stack(settings: StackSettings, say: Say = silent) -> Iterator[DeployedStack]:
    """Have the stack of *settings* for a while; it is down afterwards, also when this process is killed."""
    with stopped_with_this_process(settings.folder):
        try:
            yield up(settings, say)
        finally:
            down(settings)


def is_running(folder: Path) -> bool:
    """Tell whether anything runs of the stack whose state *folder* is."""
    return any(server.processes() for server in Record.read(folder).servers.values())


def is_whole(folder: Path) -> bool:
    """Tell whether the stack whose state *folder* is came up, and all its servers still run."""
    record = Record.read(folder)
    return bool(record.deployed) and all(server.alive() for server in record.servers.values())


def _up(settings: StackSettings, record: Record, say: Say) -> DeployedStack:
    folder, url = settings.folder, endpoint(settings.port)
    _have_servers(settings, record, say)
    parameters = {"SafetyCultureApiUrl": record.urls["safetyculture"], "ViApiUrl": record.urls["vi"]}
    name = settings.stack_name
    deployable = deploy.prepare(name, {**LOCAL_PARAMETERS, **parameters, **settings.parameters}, folder)
    outputs = deploy.outputs(name, url) if record.deployed.get(name) == deployable.digest else None
    if outputs is None:
        say("Deploying the template with sam deploy.")
        outputs = deploy.deploy(deployable, url, folder)
        record.deployed[name] = deployable.digest
        record.write(folder)
    deploy.put_secret(LOCAL_TOKEN, outputs["SafetyCultureSecretArn"], url)
    key = {"secret_key": LOCAL_KEY, "organization_id": LOCAL_ORGANIZATION}
    deploy.put_secret(json.dumps(key), outputs["ViSecretArn"], url)
    stack = DeployedStack(url, environment.REGION, name, outputs, record.urls)
    stack.write(folder)
    return stack


def _have_servers(settings: StackSettings, record: Record, say: Say) -> None:
    """Have all servers answering; those that are missing start side by side. *record* is true at every moment."""
    folder = settings.folder
    aws = MiniStack(settings.port, settings.wait_scale, folder)
    feeds = emulator.safetyculture(settings.rows, settings.latency_seconds, folder)

    if not aws.is_served_by(record.servers.get(aws.NAME)):
        _stop(record, aws.NAME)
        record.deployed = {}  # what was deployed was in its memory
        record.servers[aws.NAME] = aws.start()
        record.write(folder)
        say(f"Starting MiniStack on port {settings.port}.")
    started = []
    for api, url, about in (
        (feeds, settings.safetyculture_url, f"SafetyCulture API, {settings.rows:,} assets"),
        (emulator.vi(folder), settings.vi_url, "Vi API"),
    ):
        if _start(record, api, url, folder):
            say(f"Starting the emulated {about}.")
            started.append(api)
    aws.wait_until_ready(record.servers[aws.NAME])
    for api in started:
        record.urls[api.name] = api.wait_until_ready(record.servers[api.name])
    record.write(folder)


def _start(record: Record, api: emulator.EmulatorProgram, url: str | None, folder: Path) -> bool:
    """Have an emulated API running, unless *url* is to be used in its place; say whether it was started just now."""
    if url:
        _stop(record, api.name)
        record.urls[api.name] = url
        return False
    if api.is_served_by(record.servers.get(api.name), record.urls.get(api.name, "")):
        return False
    _stop(record, api.name)
    record.servers[api.name] = api.start()
    record.urls.pop(api.name, None)
    record.write(folder)
    return True


def _stop(record: Record, name: str) -> None:
    if server := record.servers.pop(name, None):
        stop([server])


def _down(settings: StackSettings, record: Record) -> bool:
    """Stop the servers of *record* and forget the stack; its logs stay, to be read."""
    was_running = is_running(settings.folder)
    stop(record.servers.values())
    for entry in settings.folder.iterdir():
        if entry.is_dir() and entry.name != "logs":
            shutil.rmtree(entry)
        elif entry.name not in {"logs", "lock"}:
            entry.unlink()
    return was_running
