"""A state machine calls with the permissions of its own role, and is refused calls that the role does not grant.

MiniStack lets a machine call anything. Here each call of an execution is checked against the policies of the role of
its machine, by MiniStack's own evaluation. An `aws-sdk:` integration is not checked: its resource is unknown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import Any

from .machine_calls import Call, calls_of_task, machine_of
from .patching import Function, attribute, wrap

STATES = "ministack.services.stepfunctions"
EVALUATOR = "ministack.core.iam_evaluator"

# The ARN of the machine whose execution the current thread runs.
_machine: ContextVar[str] = ContextVar("machine")


def teach() -> None:
    """Make MiniStack check the calls of a machine against the machine's role."""
    wrap(STATES, "_execute_task", _knowing_the_machine)
    for call in ("_invoke_resource", "_invoke_with_callback"):
        wrap(STATES, call, _checking_a_call)


def check_calls(calls: Sequence[Call], execution: Mapping[str, Any]) -> None:
    """Raise the error that Step Functions report unless the role of the execution's machine grants all of *calls*."""
    _check(calls, machine_of(execution["stateMachineArn"]))


def _knowing_the_machine(execute: Function) -> Function:
    def execute_task(state: Any, given: Any, execution: Mapping[str, Any], context: Any) -> Any:
        token = _machine.set(machine_of(execution["stateMachineArn"]))
        try:
            return execute(state, given, execution, context)
        finally:
            _machine.reset(token)

    return execute_task


def _checking_a_call(call: Function) -> Function:
    def invoke(resource: str, arguments: Any, *others: Any) -> Any:
        _check(calls_of_task(resource, arguments, _machine.get()), _machine.get())
        return call(resource, arguments, *others)

    return invoke


def _check(calls: Sequence[Call], machine: str) -> None:
    account, role_name = machine.split(":")[4], _role_name(machine)
    policies = attribute(EVALUATOR, "_gather_role_policies")(role_name, account)
    principal = f"arn:aws:sts::{account}:assumed-role/{role_name}/StepFunctions"
    for call in calls:
        context = attribute(EVALUATOR, "EvalContext")(
            principal_arn=principal,
            principal_type="AssumedRole",
            principal_account=account,
            action=call.action,
            resource_arn=call.resource,
            region=machine.split(":")[3],
            service_context=dict(call.keys),
        )
        if attribute(EVALUATOR, "evaluate")(context, policies).decision != "Allow":
            cause = f"User: {principal} is not authorized to perform: {call.action} on resource: {call.resource}"
            raise attribute(STATES, "_ExecutionError")(call.error, cause)


def _role_name(machine: str) -> str:
    role = attribute(STATES, "_state_machines").get(machine, {}).get("roleArn", "")
    return str(role).rpartition("/")[2]
