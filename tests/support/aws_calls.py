"""The AWS calls that each function makes in the handler tests, as IAM actions.

`tests/contract/aws_calls.json` is the table of them, which `make record-calls` renews from all handler tests. A handler
test that makes a call which is neither in the table nor granted fails.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

TABLE = Path(__file__).parents[1] / "contract" / "aws_calls.json"
RECORDING = "ASSETLINE_RECORD_CALLS"  # a folder: each test process writes a file of its own in it

# IAM: actions whose name is not that of the operation (Service Authorization Reference)
_ACTIONS = {
    "s3:CreateMultipartUpload": ("s3:PutObject",),
    "s3:UploadPart": ("s3:PutObject",),
    "s3:CompleteMultipartUpload": ("s3:PutObject",),
    "s3:CopyObject": ("s3:GetObject", "s3:PutObject"),
    "s3:UploadPartCopy": ("s3:GetObject", "s3:PutObject"),
    "s3:HeadObject": ("s3:GetObject",),
    "s3:ListObjectsV2": ("s3:ListBucket",),
    "s3:DeleteObjects": ("s3:DeleteObject",),
    "s3:ListMultipartUploads": ("s3:ListBucketMultipartUploads",),
    "s3:ListParts": ("s3:ListMultipartUploadParts",),
    # every item of ours is an update, or the guard of some
    "dynamodb:TransactWriteItems": ("dynamodb:UpdateItem",),
}
_PREFIXES = {"stepfunctions": "states"}


def actions(service: str, operation: str) -> tuple[str, ...]:
    """Return the IAM actions that an operation of a service needs."""
    name = f"{_PREFIXES.get(service, service)}:{operation}"
    return _ACTIONS.get(name, (name,))


def actions_of_call(service: str, operation: str, params: dict[str, Any]) -> tuple[str, ...]:
    """Return the IAM actions of a call: those on tags of a version, and guards, have names of their own."""
    if any("ConditionCheck" in entry for entry in params.get("TransactItems", ())):
        return (*actions(service, operation), "dynamodb:ConditionCheckItem")
    if service == "s3" and "VersionId" in params and operation.endswith("ObjectTagging"):
        return (f"s3:{operation.replace('Object', 'ObjectVersion')}",)
    return actions(service, operation)


class CallRecorder:
    """Notes which function makes which call; calls while several functions run side by side belong to no one.

    A test asks for it. Tests that run functions for other purposes, and read the account meanwhile, are not recorded.
    """

    def __init__(self) -> None:
        self.calls: dict[str, set[str]] = {}
        self._of_test: dict[str, set[str]] | None = None
        self._running: list[str] = []
        self._lock = Lock()

    def of_function(self, name: str, handler: Callable[..., Any]) -> Callable[..., Any]:
        """Return *handler* that notes its calls under *name*."""

        def invoked(event: Any, context: Any) -> Any:
            with self._lock:
                self._running.append(name)
            try:
                return handler(event, context)
            finally:
                with self._lock:
                    self._running.remove(name)

        return invoked

    def of_client(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return botocore's *call* that notes what it is asked for."""

        def called(client: Any, operation: str, params: dict[str, Any]) -> Any:
            running = {*self._running}
            if self._of_test is not None and len(running) == 1:
                found = actions_of_call(client.meta.service_model.service_name, operation, params)
                self._of_test.setdefault(next(iter(running)), set()).update(found)
            return call(client, operation, params)

        return called

    @contextmanager
    def of_a_test(self) -> Iterator[dict[str, set[str]]]:
        """Note the calls that follow, and give them by function: they are complete when the context ends."""
        noted = self._of_test = {}
        try:
            yield noted
        finally:
            self._of_test = None
            for name, calls in noted.items():
                self.calls.setdefault(name, set()).update(calls)

    def write(self) -> None:
        """Write the calls into the folder of a recording, if one is under way."""
        if folder := os.environ.get(RECORDING):
            text = json.dumps({name: sorted(calls) for name, calls in self.calls.items()})
            (Path(folder) / f"{os.getpid()}.json").write_text(text)


def known_calls() -> dict[str, list[str]]:
    """Return the table: the IAM actions of each function, sorted."""
    table: dict[str, list[str]] = json.loads(TABLE.read_text())
    return table


def outside_the_table(noted: Mapping[str, set[str]]) -> dict[str, list[str]]:
    """Return the calls that the table lacks, by function."""
    table = known_calls()
    missing = {name: sorted(calls - {*table.get(name, ())}) for name, calls in noted.items()}
    return {name: calls for name, calls in missing.items() if calls}


def merged(folder: Path) -> dict[str, list[str]]:
    """Return the table of a recording, from the files of all test processes."""
    found: dict[str, set[str]] = {}
    for file in folder.glob("*.json"):
        for name, calls in json.loads(file.read_text()).items():
            found.setdefault(name, set()).update(calls)
    return {name: sorted(calls) for name, calls in sorted(found.items())}
