"""The demo of failures: an export is killed, fails, is resumed, and equals an undisturbed one."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
import httpx

from local.errors import LocalStackFailed
from local.stack.ministack import MiniStack
from local.stack.outputs import DeployedStack
from local.stack.state_file import Record

PATIENCE_SECONDS = 60
KILLED_AT_PAGE = 6
REVOKED_AT_PAGE = 13


class Disturbance:
    """Disturbs exports of a stack whose state is in *folder* and whose feed is the emulated one."""

    def __init__(self, stack: DeployedStack, folder: Path) -> None:
        self._stack = stack
        self._folder = folder
        self._emulator = httpx.Client(base_url=stack.emulators["safetyculture"])
        self._machines = boto3.client("stepfunctions", **stack.connection)

    def close(self) -> None:
        """Close the connections to the emulated API."""
        self._emulator.close()

    def failed_export(self, request: dict[str, Any], report: Callable[[str], None]) -> str:
        """Start an export, kill its function, revoke its token, and return the export's ID after it has failed."""
        self._emulator.delete("/_emulator/requests")
        arn = self._machines.start_execution(
            stateMachineArn=self._stack.outputs["ExportStateMachineArn"], input=json.dumps(request)
        )["executionArn"]
        _until(lambda: self._pages() >= KILLED_AT_PAGE)
        report(f"Page {KILLED_AT_PAGE}: killing the function process; work since the last checkpoint is lost.")
        self._kill_functions()
        _until(lambda: self._pages() >= REVOKED_AT_PAGE)
        report(f"Page {REVOKED_AT_PAGE}: the API refuses the token from now on.")
        with self._token_revoked():
            _until(lambda: self._machines.describe_execution(executionArn=arn)["status"] == "FAILED")
            item = _until(lambda: self._failed_item(arn))
        report(f"The export failed. {item['error']}: {item['message']}")
        return str(item["export_id"])

    def _pages(self) -> int:
        requests = self._emulator.get("/_emulator/requests").json()["requests"]
        return max((request["page"] or 0 for request in requests if request["status"] == 200), default=0)

    def _kill_functions(self) -> None:
        server = Record.read(self._folder).servers[MiniStack.NAME]
        for process in server.processes():
            if process.pid != server.pid:
                with suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGKILL)

    def _token_revoked(self) -> _Scenario:
        return _Scenario(self._emulator, token="scapi_another")  # noqa: S106 - the secret has another token

    def _failed_item(self, execution_arn: str) -> dict[str, Any] | None:
        table = boto3.resource("dynamodb", **self._stack.connection).Table(self._stack.outputs["ExportsTableName"])
        items = table.scan(ConsistentRead=True)["Items"]
        failed = [item for item in items if item.get("execution_arn") == execution_arn and item["state"] == "failed"]
        return failed[0] if failed else None


class _Scenario:
    """The emulated API plays another scenario for a while."""

    def __init__(self, emulator: httpx.Client, **changes: Any) -> None:
        self._emulator = emulator
        self._usual = emulator.get("/_emulator/scenario").json()
        self._changed = self._usual | changes

    def __enter__(self) -> None:
        self._emulator.put("/_emulator/scenario", json=self._changed).raise_for_status()

    def __exit__(self, *_: object) -> None:
        self._emulator.put("/_emulator/scenario", json=self._usual).raise_for_status()


def _until[T](look: Callable[[], T | None]) -> T:
    """Poll *look* until it returns something, and return that."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := look()):
        if time.monotonic() > deadline:
            raise LocalStackFailed(f"the disturbed export did not reach its next step within {PATIENCE_SECONDS} s")
        time.sleep(0.02)
    return found
