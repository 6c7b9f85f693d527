"""Complete exports on the local stack, real machine and functions, beside a bare loop over the same pages.

The stack is warm: an export has run before. Its S3, its Step Functions and the functions share two cores with the
emulated API; on AWS they do not.
"""

import json
import tempfile
import time
from pathlib import Path
from typing import Any

import boto3

from benchmarks.feeds import ROWS, ROWS_A_PAGE, SLOW_BODY, SLOW_START, bare_loop, play
from local.stack.lifecycle import running_stack
from local.stack.ministack import free_port
from local.stack.outputs import DeployedStack
from local.stack.settings import StackSettings

ROUNDS = 3
TASKS_BESIDE_TURNS = 2  # Open Export, Close Export
BY_HUNDREDS = {"feed": "assets", "page_size": ROWS_A_PAGE}


def measure() -> dict[str, float]:
    """Return the walls over walls, the best of each, and the history events of a turn."""
    with tempfile.TemporaryDirectory() as folder:
        settings = StackSettings(free_port(), Path(folder), rows=ROWS)
        with running_stack(settings) as stack:
            return _measured(stack)


def _measured(stack: DeployedStack) -> dict[str, float]:
    url = stack.emulators["safetyculture"]
    play(url, SLOW_START)
    _export(stack, BY_HUNDREDS | {"max_turn_seconds": 0.5})  # the functions start, the emulator makes its pages
    floor, wall = _best(stack, url)
    found = min(_as_found(stack) for _ in range(2))
    play(url, SLOW_BODY)
    slow_floor, slow_wall = _best(stack, url)
    return {
        "wall_vs_floor": round(wall / floor, 3),
        "overlap_gain": round(slow_wall / slow_floor, 3),
        "page_size_gain": round(found / wall, 3),
        "wall_seconds": round(wall, 2),
        "floor_seconds": round(floor, 2),
        "local_start_seconds": round(_start_seconds(stack), 2),
        **_events(stack),
    }


def _best(stack: DeployedStack, url: str) -> tuple[float, float]:
    """Return the best wall of the bare loop and of an export, taken in turn."""
    floors, wholes = [], []
    for _ in range(ROUNDS):
        floors.append(bare_loop(url))
        wholes.append(_seconds(_export(stack, BY_HUNDREDS)))
    return min(floors), min(wholes)


def _as_found(stack: DeployedStack) -> float:
    """Return the wall of an export that has to find its page size; earlier results are deleted."""
    table = boto3.resource("dynamodb", **stack.connection).Table(stack.outputs["ExportsTableName"])
    table.delete_item(Key={"export_id": "latest#assets"})
    return _seconds(_export(stack, {"feed": "assets"}))


def _start_seconds(stack: DeployedStack) -> float:
    """Return the seconds from the start of an execution to its first state; the walls include them."""
    execution = _export(stack, BY_HUNDREDS)
    history = boto3.client("stepfunctions", **stack.connection).get_execution_history(
        executionArn=execution["executionArn"]
    )
    entered = next(event["timestamp"] for event in history["events"] if event["type"] == "TaskStateEntered")
    waited: float = (entered - execution["startDate"]).total_seconds()
    return waited


def _events(stack: DeployedStack) -> dict[str, float]:
    """Return the history events of an execution beside its turns, and those of a turn."""
    (few, few_events), (many, many_events) = (
        _turns_and_events(stack, _export(stack, BY_HUNDREDS | {"max_turn_seconds": seconds})) for seconds in (3.0, 0.6)
    )
    a_turn = (many_events - few_events) / (many - few)
    beside = few_events - a_turn * few
    # Step Functions also records TaskStarted for every task; the local one does not.
    return {"events_a_turn": a_turn + 1, "events_beside": beside + TASKS_BESIDE_TURNS}


def _turns_and_events(stack: DeployedStack, execution: dict[str, Any]) -> tuple[int, int]:
    history = boto3.client("stepfunctions", **stack.connection).get_paginator("get_execution_history")
    pages = history.paginate(executionArn=execution["executionArn"])
    return json.loads(execution["output"])["turns"], sum(len(page["events"]) for page in pages)


def _seconds(execution: dict[str, Any]) -> float:
    wall: float = (execution["stopDate"] - execution["startDate"]).total_seconds()
    return wall


def _export(stack: DeployedStack, request: dict[str, Any]) -> dict[str, Any]:
    """Run an export to its end and return its description by Step Functions."""
    machines = boto3.client("stepfunctions", **stack.connection)
    arn = machines.start_execution(stateMachineArn=stack.outputs["ExportStateMachineArn"], input=json.dumps(request))[
        "executionArn"
    ]
    while (described := machines.describe_execution(executionArn=arn))["status"] == "RUNNING":
        time.sleep(0.1)
    if described["status"] != "SUCCEEDED" or json.loads(described["output"])["rows"] != ROWS:
        raise RuntimeError(f"the export ended with {described['status']}: {described.get('cause', '')[:200]}")
    return dict(described)
