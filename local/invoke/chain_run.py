"""A payload with the stack's own names in place of its samples, and with values from the answers of earlier runs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from local.invoke.errors import FunctionFailed
from local.invoke.payloads import Payload

# The machines of the sample executions, and the outputs that name those of the stack.
MACHINES = {
    "ExportFeedStateMachine": "ExportStateMachineArn",
    "delete_assets": "DeleteStateMachineArn",
    "download_assets": "DownloadStateMachineArn",
    "ingest_drops": "IngestStateMachineArn",
}
EXECUTION = re.compile(r"arn:aws:states:[\w-]+:\d{12}:(execution|stateMachine):(\w+)(?:-\w+)?(?::([\w-]+))?(?=\")")
STARTED_AT = re.compile(r"2026-11-21T03:00:00\.123(?:000)?Z")
STARTED_MS = "1795230000123"
SESSION_RUN = re.compile(r"\bds1-1795236000\b")


@dataclass(frozen=True)
class ChainRun:
    """One run of a chain of payloads: what its payloads share, and the answers so far.

    `values` are further samples with their replacements; preparations add to it.
    """

    outputs: Mapping[str, str]
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    suffix: str = field(default_factory=lambda: uuid4().hex[:8])
    values: dict[str, str] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)

    def filled(self, payload: Payload) -> Any:
        """Return the payload for this run.

        Raises:
            FunctionFailed: an earlier run did not return a value that the payload takes.
        """
        content = json.loads(self._with_names(json.dumps(payload.read(), ensure_ascii=False)))
        for path, source in payload.take.items():
            function, _, place = source.partition(":")
            taken = self._taken(payload, function, place)
            if taken is None and at(content, path) is not None:
                raise _nothing_to_take(payload, function, place, self.answers.get(function))
            put(content, path, taken)
        return content

    def _with_names(self, text: str) -> str:
        moment = f"{self.started_at:%Y-%m-%dT%H:%M:%S}.{self.started_at.microsecond // 1000:03}Z"
        milliseconds = int(self.started_at.timestamp() * 1000)
        samples: list[tuple[str | re.Pattern[str], str | Callable[[re.Match[str]], str]]] = [
            (EXECUTION, self._execution),
            (STARTED_AT, moment),
            (STARTED_MS, str(milliseconds)),
            (SESSION_RUN, f"ds1-{self.suffix}"),
            (r"assetline-exportbucket-1a2b3c4d5e6f|assetline-exports\b", self.outputs["ExportBucketName"]),
            (r"assetline-drops\b", self.outputs["DropBucketName"]),
            *((re.escape(sample), value) for sample, value in self.values.items()),
        ]
        for sample, value in samples:
            text = re.sub(sample, value, text)
        return text

    def _execution(self, found: re.Match[str]) -> str:
        machine = self.outputs[MACHINES[found[2]]]
        if found[1] == "stateMachine":
            return machine
        return f"{machine.replace(':stateMachine:', ':execution:')}:{found[3]}-{self.suffix}"

    def _taken(self, payload: Payload, function: str, place: str) -> Any:
        try:
            return at(self.answers[function], place)
        except (KeyError, IndexError, TypeError):
            raise _nothing_to_take(payload, function, place, self.answers.get(function)) from None


def _nothing_to_take(payload: Payload, function: str, place: str, answer: Any) -> FunctionFailed:
    returned, place = json.dumps(answer), place or "the answer"
    return FunctionFailed(f"cannot run {payload.key}: it takes {place} from {function}, which returned {returned}")


def at(content: Any, path: str) -> Any:
    """Return the value at a dotted *path*, such as `slices.0.key`; the empty path is *content* itself."""
    for name in filter(None, path.split(".")):
        content = content[int(name)] if isinstance(content, list) else content[name]
    return content


def put(content: Any, path: str, value: Any) -> None:
    """Put *value* at a dotted *path* of *content*."""
    *folder, name = path.split(".")
    at(content, ".".join(folder))[name] = value
