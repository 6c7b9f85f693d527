"""Step Functions ends a state whose data has more than 262,144 bytes, with the error `States.DataLimitExceeded`.

The data of a state are its input, its output, a request to a service with the answer, and the results of iterations
or branches. Each counts by the UTF-8 bytes of its JSON. No wildcard catches the error: it and `States.Runtime` match
only their own names.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from .patching import Function, attribute, wrap

STATES = "ministack.services.stepfunctions"
MOST_BYTES = 262_144
DATA_LIMIT_EXCEEDED = "States.DataLimitExceeded"
# A field of a state whose data are measured elsewhere.
MEASURED_ELSEWHERE = "MeasuredElsewhere"
NO_WILDCARD_MATCHES = frozenset({DATA_LIMIT_EXCEEDED, "States.Runtime"})


def size_bytes(data: Any) -> int:
    """Return the size of *data* as JSON, in bytes."""
    return len(json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"))


def refusal(data: Any, what: str) -> str | None:
    """Return the cause of the error for *data* above the limit; None for data within it."""
    size = size_bytes(data)
    if size <= MOST_BYTES:
        return None
    return f"The {what} has {size:,} bytes, more than the service limit of {MOST_BYTES:,} bytes."


def matches(names: Sequence[str], error: str) -> bool | None:
    """Return whether *names* of a Retry or Catch match *error*; None if MiniStack's own rule decides."""
    return error in names if error in NO_WILDCARD_MATCHES else None


def teach() -> None:
    """Make MiniStack measure the data of states."""
    wrap(STATES, "_error_matches", _without_wildcards)
    for start in ("_start_execution", "_start_sync_execution"):
        wrap(STATES, start, _refusing_long_input)
    for call in ("_invoke_resource", "_invoke_with_callback"):
        wrap(STATES, call, _measuring_a_call)
    wrap(STATES, "_run_sub_machine", _measuring_an_iteration)
    wrap(STATES, "_apply_result_selector", _measuring_a_result)
    wrap(STATES, "_apply_jsonata_output", _measuring_jsonata)
    for output in ("_apply_output_path", "_apply_catcher"):
        wrap(STATES, output, _measuring_output)


def _check(data: Any, what: str) -> None:
    if (cause := refusal(data, what)) is not None:
        raise attribute(STATES, "_ExecutionError")(DATA_LIMIT_EXCEEDED, cause)


def _without_wildcards(error_matches: Function) -> Function:
    def _error_matches(names: Sequence[str], error: str) -> bool:
        decided = matches(names, error)
        return bool(error_matches(names, error)) if decided is None else decided

    return _error_matches


def _refusing_long_input(start: Function) -> Function:
    error_response = attribute(STATES, "error_response_json")

    def start_execution(request: dict[str, Any]) -> Any:
        if len(request.get("input", "").encode()) > MOST_BYTES:
            message = (
                "1 validation error detected: Value at 'input' failed to satisfy constraint: "
                f"Member must have length less than or equal to {MOST_BYTES}"
            )
            return error_response("ValidationException", message, 400)
        return start(request)

    return start_execution


def _measuring_a_call(call: Function) -> Function:
    def invoke(resource: str, data: Any, *others: Any) -> Any:
        _check(data, "input of the task")
        result = call(resource, data, *others)
        _check(result, "result of the task")
        return result

    return invoke


def _measuring_an_iteration(run: Function) -> Function:
    def run_sub_machine(states: Any, start_at: str, data: Any, execution: Any, context: Any) -> Any:
        _check(data, "input of the iteration")
        return run(states, start_at, data, execution, context)

    return run_sub_machine


def _measuring_a_result(select: Function) -> Function:
    def apply_result_selector(state: Any, result: Any) -> Any:
        if not state.get(MEASURED_ELSEWHERE):
            _check(result, "result of the state")
        return select(state, result)

    return apply_result_selector


def _measuring_jsonata(apply: Function) -> Function:
    def apply_jsonata_output(state: Any, data: Any, context: Any = None, **values: Any) -> Any:
        _check(values.get("result"), "result of the state")
        output = apply(state, data, context, **values)
        _check(output, "output of the state")
        return output

    return apply_jsonata_output


def _measuring_output(apply: Function) -> Function:
    def apply_output(state: Any, *others: Any) -> Any:
        output = apply(state, *others)
        if not state.get(MEASURED_ELSEWHERE):
            _check(output, "output of the state")
        return output

    return apply_output
