"""The payloads of events/ run in process: real handlers, in the chains that events/runs.json declares."""

import json
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from local.invoke.answer import FunctionAnswer
from local.invoke.payloads import chains, steps
from local.invoke.runs import StepRun, run_chain
from local.stack.outputs import DeployedStack
from tests.handlers.conftest import lambda_context

MACHINES = {
    "ExportStateMachineArn": "export_feed",
    "DeleteStateMachineArn": "delete_assets",
    "DownloadStateMachineArn": "download_assets",
    "IngestStateMachineArn": "ingest_drops",
}


@dataclass(frozen=True)
class StackInMemory(DeployedStack):
    """A stack whose AWS is in memory."""

    @property
    def connection(self) -> dict[str, Any]:
        return {"region_name": self.region}


class HandlerInvoker:
    """Invokes handlers in this process; every value goes through JSON as on Lambda."""

    def invoke(self, function: str, content: Any) -> FunctionAnswer:
        handler = import_module(f"functions.{function}.app").lambda_handler
        try:
            answer = handler(json.loads(json.dumps(content)), lambda_context())
        except Exception as error:
            return FunctionAnswer({"errorType": type(error).__name__, "errorMessage": str(error)}, 0)
        return FunctionAnswer(json.loads(json.dumps(answer)), 0)


def stack_in_memory(emulators: dict[str, str], **outputs: str) -> StackInMemory:
    """Return a stack with *outputs*, beside its machines."""
    machine = "arn:aws:states:us-east-1:123456789012:stateMachine:"
    arns = {output: f"{machine}{name}" for output, name in MACHINES.items()}
    return StackInMemory("", "us-east-1", "assetline", arns | outputs, emulators)


def chains_of(*functions: str) -> list[str]:
    """Return the chains that run *functions* only."""
    return [payload.key for payload in chains() if {step.function for step in steps(payload)} <= {*functions}]


def played(chain: str, stack: StackInMemory) -> dict[str, StepRun]:
    """Run a chain as declared, and return its runs."""
    [payload] = [payload for payload in chains() if payload.key == chain]
    runs = {run.payload.key: run for run in run_chain(payload, stack, HandlerInvoker())}
    assert [run for run in runs.values() if not run.as_expected] == []
    return runs
