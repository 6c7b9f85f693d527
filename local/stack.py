"""A local stack from nothing to ready, and back.

    with running_stack(StackSettings(port=free_port(), state_dir=tmp_path, wait_scale=0)) as stack:
        boto3.client("stepfunctions", **stack.connection).start_execution(…)

All that a stack is lies in its state folder: which servers run, what was deployed, its logs. So `up` and `down` work
from any process, and one stack knows nothing of another.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from local import deploy, environment
from local.emulator import Emulator
from local.emulators.safetyculture.scenario import LOCAL_TOKEN
from local.ministack import MiniStack, endpoint
from local.outputs import Stack
from local.record import Record, alone
from local.servers import stop
from local.settings import StackSettings

type Say = Callable[[str], None]


def silent(_: str) -> None:
    """Say nothing."""


def up(settings: StackSettings, say: Say = silent) -> Stack:
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
def running_stack(settings: StackSettings, say: Say = silent) -> Iterator[Stack]:
    """Have the stack of *settings* for a while; it is down afterwards, whatever happens."""
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


def _up(settings: StackSettings, record: Record, say: Say) -> Stack:
    folder, url = settings.folder, endpoint(settings.port)
    _have_servers(settings, record, say)
    deployable = deploy.prepare({"SafetyCultureApiUrl": record.safetyculture_url}, folder)
    outputs = deploy.outputs(url) if record.deployed == deployable.digest else None
    if outputs is None:
        say("Deploying the template with sam deploy.")
        outputs = deploy.deploy(deployable, url, folder)
        record.deployed = deployable.digest
        record.write(folder)
    deploy.put_token(LOCAL_TOKEN, outputs["SafetyCultureSecretArn"], url)
    stack = Stack(url, environment.REGION, deploy.STACK_NAME, outputs, {"safetyculture": record.safetyculture_url})
    stack.write(folder)
    return stack


def _have_servers(settings: StackSettings, record: Record, say: Say) -> None:
    """Have all servers answering; those that are missing start side by side. *record* is true at every moment."""
    folder = settings.folder
    aws = MiniStack(settings.port, settings.wait_scale, folder)
    feeds = Emulator(settings.rows, settings.latency_seconds, folder)

    if not aws.is_served_by(record.servers.get(aws.NAME)):
        _stop(record, aws.NAME)
        record.deployed = ""  # what was deployed was in its memory
        record.servers[aws.NAME] = aws.start()
        record.write(folder)
        say(f"Starting MiniStack on port {settings.port}.")
    if settings.safetyculture_url:
        _stop(record, feeds.NAME)
        record.safetyculture_url = settings.safetyculture_url
    elif not feeds.is_served_by(record.servers.get(feeds.NAME), record.safetyculture_url):
        _stop(record, feeds.NAME)
        record.servers[feeds.NAME] = feeds.start()
        record.safetyculture_url = ""
        record.write(folder)
        say(f"Starting the emulated SafetyCulture API, {settings.rows:,} assets.")

    aws.wait_until_ready(record.servers[aws.NAME])
    if not record.safetyculture_url:
        record.safetyculture_url = feeds.wait_until_ready(record.servers[feeds.NAME])
    record.write(folder)


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
