"""The result of an execution as one JSON object, for --json."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from assetline_cli.executions import Executions, failure_of

if TYPE_CHECKING:
    from assetline_cli.context import CliContext
    from assetline_cli.stack import Stack


def started(arn: str) -> dict[str, Any]:
    """Return an execution that was started and is not watched, with the fields of `result_of`."""
    name = arn.rpartition(":")[2]
    absent = dict.fromkeys(("started_at", "stopped_at", "output", "error", "message"))
    return {"execution_arn": arn, "name": name, "status": "RUNNING"} | absent


def result_of(context: CliContext, stack: Stack, arn: str) -> dict[str, Any]:
    """Return the status of an execution of one or several exports, with its output or its error.

    The fields are `execution_arn`, `name`, `status`, `started_at`, `stopped_at` and `output` of Step Functions, and
    `error` and `message`. Absent values are null. docs/operations.md describes the output.

    Raises:
        ExecutionMissing: no execution has that ARN.
        CommandFailed: it is of another machine.
    """
    machine_arn = stack.machine_of_feeds() if stack.exports_feeds(arn) else stack.machine_arn
    found = Executions(context.aws.stepfunctions, machine_arn).described(arn)
    failure, stopped_at = failure_of(found), found.get("stopDate")
    return {
        "execution_arn": arn,
        "name": arn.rpartition(":")[2],
        "status": found["status"],
        "started_at": found["startDate"].isoformat(),
        "stopped_at": None if stopped_at is None else stopped_at.isoformat(),
        "output": json.loads(found["output"]) if found.get("output") else None,
        "error": None if failure is None else failure.error,
        "message": None if failure is None else failure.message,
    }
