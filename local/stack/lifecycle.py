"""A local stack from nothing to ready, and back.

    with running_stack(StackSettings(port=free_port(), state_dir=tmp_path, wait_scale=0)) as stack:
        boto3.client("stepfunctions", **stack.connection).start_execution(…)

The state folder of a stack records its servers, its deployment and its logs. So `up` and `down` work
from any process, and stacks are independent of one another.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
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
from local.stack.state_file import Record, state_lock

type Report = Callable[[str], None]

# The default of a minute would delay the first session of a demo.
LOCAL_PARAMETERS = {"GatherSeconds": "3"}


def silent(_: str) -> None:
    """Print nothing."""


def up(settings: StackSettings, report: Report = silent) -> DeployedStack:
    """Return the stack of *settings*, ready; missing, dead and outdated parts are started or deployed again."""
    with state_lock(settings.folder):
        record = Record.read(settings.folder)
        try:
            return _up(settings, record, report)
        except BaseException:
            # A stack that was complete is left unchanged; an incomplete one is removed.
            if not record.deployed:
                _down(settings, record)
            raise


def down(settings: StackSettings) -> bool:
    """Stop all that `up` started for the stack of *settings*; return whether anything ran."""
    if not settings.folder.exists():
        return False
    with state_lock(settings.folder):
        return _down(settings, Record.read(settings.folder))


@contextmanager
def running_stack(settings: StackSettings, report: Report = silent) -> Iterator[DeployedStack]:
    """Run the stack of *settings* for the block; it is stopped afterwards, also if this process is killed.

    Its functions do not watch their code.
    """
    with stopped_with_this_process(settings.folder):
        try:
            yield up(replace(settings, watches_code=False), report)
        finally:
            down(settings)


def is_running(folder: Path) -> bool:
    """Return whether any server of the stack in *folder* runs."""
    return any(server.processes() for server in Record.read(folder).servers.values())


def is_complete(folder: Path) -> bool:
    """Return whether the stack in *folder* is deployed, and all its servers run."""
    record = Record.read(folder)
    return bool(record.deployed) and all(server.alive() for server in record.servers.values())


def _up(settings: StackSettings, record: Record, report: Report) -> DeployedStack:
    folder, url = settings.folder, endpoint(settings.port)
    _have_servers(settings, record, report)
    parameters = {"SafetyCultureApiUrl": record.urls["safetyculture"], "ViApiUrl": record.urls["vi"]}
    name = settings.stack_name
    deployable = deploy.prepare(
        name, {**LOCAL_PARAMETERS, **parameters, **settings.parameters}, folder, watched=settings.watches_code
    )
    outputs = deploy.outputs(name, url) if record.deployed.get(name) == deployable.digest else None
    if outputs is None:
        report("Deploying the template with sam deploy.")
        outputs = deploy.deploy(deployable, url, folder)
        record.deployed[name] = deployable.digest
        record.write(folder)
    deploy.put_secret(LOCAL_TOKEN, outputs["SafetyCultureSecretArn"], url)
    key = {"secret_key": LOCAL_KEY, "organization_id": LOCAL_ORGANIZATION}
    deploy.put_secret(json.dumps(key), outputs["ViSecretArn"], url)
    stack = DeployedStack(url, environment.REGION, name, outputs, record.urls)
    stack.write(folder)
    return stack


def _have_servers(settings: StackSettings, record: Record, report: Report) -> None:
    """Start missing servers side by side, and wait until all answer. *record* is current at every moment."""
    folder = settings.folder
    aws = MiniStack(settings.port, settings.wait_scale, folder, settings.forks_functions)
    feeds = emulator.safetyculture(settings.rows, settings.latency_seconds, folder)

    if not aws.is_served_by(record.servers.get(aws.NAME)):
        _stop(record, aws.NAME)
        record.deployed = {}  # the deployment was in its memory
        record.servers[aws.NAME] = aws.start()
        record.write(folder)
        report(f"Starting MiniStack on port {settings.port}.")
    started = []
    for api, url, about in (
        (feeds, settings.safetyculture_url, f"SafetyCulture API, {settings.rows:,} assets"),
        (emulator.vi(folder), settings.vi_url, "Vi API"),
    ):
        if _start(record, api, url, folder):
            report(f"Starting the emulated {about}.")
            started.append(api)
    aws.wait_until_ready(record.servers[aws.NAME])
    for api in started:
        record.urls[api.name] = api.wait_until_ready(record.servers[api.name])
    record.write(folder)


def _start(record: Record, api: emulator.EmulatorProgram, url: str | None, folder: Path) -> bool:
    """Run an emulated API, unless *url* replaces it; return whether this call started it."""
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
    """Stop the servers of *record* and delete the stack's state, except its logs."""
    was_running = is_running(settings.folder)
    stop(record.servers.values())
    for entry in settings.folder.iterdir():
        if entry.is_dir() and entry.name != "logs":
            shutil.rmtree(entry)
        elif entry.name not in {"logs", "lock"}:
            entry.unlink()
    return was_running
