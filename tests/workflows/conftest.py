"""The real template, machine and handlers on a local stack of the tests' own; waits cost nothing on its clock."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from local.emulators.safetyculture.scenario import LOCAL_TOKEN, FeedScenario
from local.emulators.safetyculture.server import FeedEmulator, running
from local.emulators.vi import server as vi_server
from local.emulators.vi.scenario import ViScenario
from local.emulators.vi.server import ViEmulator
from local.stack.lifecycle import running_stack
from local.stack.ministack import free_port
from local.stack.outputs import DeployedStack
from local.stack.settings import StackSettings
from tests.support.waiting import ended_execution

# A stack is deployed once for all modules of a worker: with what any of them changes of the template.
PARAMETERS = {
    "GatherSeconds": "1",
    "LongestGatherSeconds": "1",  # a wait that costs nothing would otherwise look again and again
    "SessionsPerWindow": "1000",
    "FailureMode": "FailAfterOne",
    "OnAssetOverwritten": "RemoveLinkedResource",
}


@pytest.fixture(scope="session")
def emulator() -> Iterator[FeedEmulator]:
    with running() as emulator:
        yield emulator


@pytest.fixture(scope="session")
def vi_emulator() -> Iterator[ViEmulator]:
    with vi_server.running() as emulator:
        yield emulator


@pytest.fixture
def vi(vi_emulator: ViEmulator) -> ViEmulator:
    """Return the emulated Vi with empty datasets, its journal empty."""
    vi_emulator.has(ViScenario())
    vi_emulator.forget()
    return vi_emulator


@pytest.fixture(scope="session")
def stack(
    emulator: FeedEmulator, vi_emulator: ViEmulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DeployedStack]:
    settings = StackSettings(
        port=free_port(),
        state_dir=tmp_path_factory.mktemp("stack"),
        safetyculture_url=emulator.url,
        vi_url=vi_emulator.url,
        wait_scale=0,
        parameters=PARAMETERS,
        forks_functions=True,
    )
    with running_stack(settings) as stack:
        yield stack


@pytest.fixture
def feed_api(emulator: FeedEmulator) -> FeedEmulator:
    """Return the emulated API, its journal empty; a test sets its scenario with `has`."""
    emulator.forget()
    emulator.has(FeedScenario())
    return emulator


@dataclass(frozen=True)
class EndedExport:
    """An execution that has ended."""

    arn: str
    status: str
    output: dict[str, Any]
    error: str
    message: str
    states: list[str]
    tasks: int  # with those that a retry started


@dataclass(frozen=True)
class DeployedMachine:
    """The machine `export_feed` of the stack, and what its executions leave behind."""

    stack: DeployedStack

    def run(self, request: Any) -> EndedExport:
        """Start an execution and wait for its end."""
        arn = self.client("stepfunctions").start_execution(
            stateMachineArn=self.stack.outputs["ExportStateMachineArn"], input=json.dumps(request)
        )["executionArn"]
        return self.ended(arn)

    def run_feeds(self, request: Any) -> EndedExport:
        """Start an execution of `export_feeds` and wait for its end."""
        arn = self.client("stepfunctions").start_execution(
            stateMachineArn=self.stack.outputs["ExportFeedsStateMachineArn"], input=json.dumps(request)
        )["executionArn"]
        return self.ended(arn)

    def ended(self, arn: str) -> EndedExport:
        """Wait for the end of an execution."""
        machines = self.client("stepfunctions")
        described = ended_execution(machines, arn)
        history = machines.get_paginator("get_execution_history").paginate(executionArn=arn)
        events = [event for page in history for event in page["events"]]
        entered = [event.get("stateEnteredEventDetails") for event in events]
        return EndedExport(
            arn,
            described["status"],
            json.loads(described.get("output", "{}")),
            described.get("error", ""),
            described.get("cause", ""),
            [details["name"] for details in entered if details],
            sum(event["type"] == "TaskScheduled" for event in events),
        )

    def text(self, execution: EndedExport, key: str = "key") -> str:
        """Return an object that an execution's output names."""
        answer = self.client("s3").get_object(Bucket=execution.output["bucket"], Key=execution.output[key])
        content: str = answer["Body"].read().decode()
        return content

    def put_token(self, token: str) -> None:
        """Put a token in the stack's secret."""
        self.client("secretsmanager").put_secret_value(
            SecretId=self.stack.outputs["SafetyCultureSecretArn"], SecretString=token
        )

    def client(self, service: Any) -> Any:
        """Return a client of one of the stack's services."""
        return self.stack.client(service)


@pytest.fixture
def machine(stack: DeployedStack) -> Iterator[DeployedMachine]:
    machine = DeployedMachine(stack)
    yield machine
    machine.put_token(LOCAL_TOKEN)
