"""A state machine of a test's own on the local stack."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from local.stack.outputs import DeployedStack
from tests.support.waiting import ended_execution
from tests.workflows.probe_role import allow, probe_role


@dataclass(frozen=True)
class EndedProbe:
    """An execution that has ended."""

    arn: str
    status: str
    output: Any
    error: str
    cause: str


def run_machine(
    stack: DeployedStack, states: dict[str, Any], given: Any, *, role: str = "", **settings: Any
) -> EndedProbe:
    """Run a machine of *states*, the first of them first, on *given*; wait for its end. Its role may do anything."""
    if not role:
        with probe_role(stack, allow("*")) as almighty:
            return run_machine(stack, states, given, role=almighty, **settings)
    machines: Any = stack.client("stepfunctions")
    machine = machines.create_state_machine(
        name=f"probe-{uuid4()}",
        definition=json.dumps({"StartAt": next(iter(states)), "States": states, **settings}),
        roleArn=role,
    )["stateMachineArn"]
    arn = machines.start_execution(stateMachineArn=machine, input=json.dumps(given))["executionArn"]
    described = ended_execution(machines, arn)
    machines.delete_state_machine(stateMachineArn=machine)
    output = json.loads(described["output"]) if described["status"] == "SUCCEEDED" else None
    return EndedProbe(arn, described["status"], output, described.get("error", ""), described.get("cause", ""))
