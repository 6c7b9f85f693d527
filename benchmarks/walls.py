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

from benchmarks import plain_program
from benchmarks.feeds import FEWER_ROWS, ROWS, ROWS_A_PAGE, SLOW_BODY, SLOW_START, bare_loop, play
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
    events = _events(stack)
    plain, complete = _plain_and_complete(stack, url)
    return {
        "wall_vs_floor": round(wall / floor, 3),
        "overlap_gain": round(slow_wall / slow_floor, 3),
        "page_size_gain": round(found / wall, 3),
        "seed_vs_ours": round(plain / complete, 1),
        "wall_seconds": round(wall, 2),
        "floor_seconds": round(floor, 2),
        "plain_program_seconds": round(plain, 2),
        "complete_10k_seconds": round(complete, 2),
        **events,
    }


def _best(stack: DeployedStack, url: str) -> tuple[float, float]:
    """Return the best wall of the bare loop and of an export, taken in turn."""
    floors, wholes = [], []
    for _ in range(ROUNDS):
        floors.append(bare_loop(url))
        wholes.append(_seconds(_export(stack, BY_HUNDREDS)))
    return min(floors), min(wholes)


def _as_found(stack: DeployedStack, rows: int = ROWS) -> float:
    """Return the wall of an export that has to find its page size; earlier results are deleted."""
    table = boto3.resource("dynamodb", **stack.connection).Table(stack.outputs["ExportsTableName"])
    table.delete_item(Key={"export_id": "latest#assets"})
    return _seconds(_export(stack, {"feed": "assets"}, rows))


def _plain_and_complete(stack: DeployedStack, url: str) -> tuple[float, float]:
    """Return the walls of the plain program and of complete exports, over the same 10,000 rows."""
    rows = FEWER_ROWS.rows
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "assets.csv"
        play(url, FEWER_ROWS, plain_program.ROWS_A_PAGE)
        written, plain = plain_program.export(url, file)
    if written != rows:
        raise RuntimeError(f"the plain program wrote {written} rows of {rows}")
    return plain, min(_as_found(stack, rows) for _ in range(ROUNDS))


def _events(stack: DeployedStack) -> dict[str, float]:
    """Return the history events of an execution beside its turns, and those of a turn; also the start of one."""
    few, many = (_export(stack, BY_HUNDREDS | {"max_turn_seconds": seconds}) for seconds in (3.0, 0.6))
    histories = [_history(stack, execution) for execution in (few, many)]
    turns = [json.loads(execution["output"])["turns"] for execution in (few, many)]
    a_turn = (len(histories[1]) - len(histories[0])) / (turns[1] - turns[0])
    beside = len(histories[0]) - a_turn * turns[0]
    return {
        # Step Functions also records TaskStarted for every task; the local one does not.
        "events_a_turn": a_turn + 1,
        "events_beside": beside + TASKS_BESIDE_TURNS,
        "local_start_seconds": round(_start_seconds(few, histories[0]), 2),
    }


def _start_seconds(execution: dict[str, Any], history: list[dict[str, Any]]) -> float:
    """Return the seconds from the start of an execution to its first state; the walls include them."""
    entered = next(event["timestamp"] for event in history if event["type"] == "TaskStateEntered")
    waited: float = (entered - execution["startDate"]).total_seconds()
    return waited


def _history(stack: DeployedStack, execution: dict[str, Any]) -> list[dict[str, Any]]:
    pages = boto3.client("stepfunctions", **stack.connection).get_paginator("get_execution_history")
    found = pages.paginate(executionArn=execution["executionArn"])
    return [dict(event) for page in found for event in page["events"]]


def _seconds(execution: dict[str, Any]) -> float:
    wall: float = (execution["stopDate"] - execution["startDate"]).total_seconds()
    return wall


def _export(stack: DeployedStack, request: dict[str, Any], rows: int = ROWS) -> dict[str, Any]:
    """Run an export of *rows* to its end and return its description by Step Functions."""
    machines = boto3.client("stepfunctions", **stack.connection)
    arn = machines.start_execution(stateMachineArn=stack.outputs["ExportStateMachineArn"], input=json.dumps(request))[
        "executionArn"
    ]
    while (described := machines.describe_execution(executionArn=arn))["status"] == "RUNNING":
        time.sleep(0.1)
    if described["status"] != "SUCCEEDED" or json.loads(described["output"])["rows"] != rows:
        raise RuntimeError(f"the export ended with {described['status']}: {described.get('cause', '')[:200]}")
    return dict(described)
