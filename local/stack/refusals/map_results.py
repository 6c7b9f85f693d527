"""The files that a ResultWriter writes to S3: the results of a Distributed Map, by status, and their manifest."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from .machine_calls import write_call
from .machine_role import check_calls
from .patching import attribute

STATES = "ministack.services.stepfunctions"
S3 = "ministack.services.s3"


def write_results(execution: Mapping[str, Any], label: str, arguments: Mapping[str, str]) -> dict[str, Any]:
    """Write the results of the last Map Run of an execution's state; return the state's result."""
    runs, parent = attribute(STATES, "_map_runs").items(), execution["executionArn"]
    map_run = [arn for arn, run in runs if run["executionArn"] == parent and f"/{label}:" in arn][-1]
    executions = attribute(STATES, "_executions").values()
    children = [child for child in executions if child.get("mapRunArn") == map_run]
    bucket = arguments["Bucket"]
    folder = "/".join(filter(None, [arguments.get("Prefix", "").strip("/"), map_run.rpartition(":")[2]]))
    check_calls([write_call(bucket, f"{folder}/manifest.json")], execution)
    files = results_files(children, folder)
    for key, content in files.items():
        _put(bucket, key, content)
    manifest = f"{folder}/manifest.json"
    _put(bucket, manifest, manifest_of(files, bucket, map_run))
    return written_result(map_run, bucket, manifest)


def written_result(map_run: str, bucket: str, manifest: str) -> dict[str, Any]:
    """Return the result of a state whose ResultWriter has written *manifest*."""
    return {"MapRunArn": map_run, "ResultWriterDetails": {"Bucket": bucket, "Key": manifest}}


def results_files(children: Sequence[Mapping[str, Any]], folder: str) -> dict[str, bytes]:
    """Return the content of one file for each status that *children* ended with, by key."""
    return {
        f"{folder}/{status}_0.json": json.dumps(
            [_result(child) for child in children if child["status"] == status]
        ).encode()
        for status in sorted({child["status"] for child in children})
    }


def manifest_of(files: Mapping[str, bytes], bucket: str, map_run: str) -> bytes:
    """Return the manifest that lists *files* by status."""
    listed: dict[str, list[dict[str, Any]]] = {"FAILED": [], "PENDING": [], "SUCCEEDED": []}
    for key, content in files.items():
        status = key.rpartition("/")[2].removesuffix("_0.json")
        listed.setdefault(status, []).append({"Key": key, "Size": len(content)})
    return json.dumps({"DestinationBucket": bucket, "MapRunArn": map_run, "ResultFiles": listed}).encode()


def _result(child: Mapping[str, Any]) -> dict[str, Any]:
    result = {
        "ExecutionArn": child["executionArn"],
        "Input": child["input"],
        "InputDetails": {"Included": True},
        "Name": child["name"],
        "StartDate": child["startDate"],
        "StateMachineArn": child["stateMachineArn"],
        "Status": child["status"],
        "StopDate": child["stopDate"],
    }
    if child["status"] == "SUCCEEDED":
        return result | {"Output": child["output"], "OutputDetails": {"Included": True}}
    return result | {"Error": child["error"], "Cause": child["cause"]}


def _put(bucket: str, key: str, content: bytes) -> None:
    status, *_ = attribute(S3, "_put_object")(bucket, key, content, {"content-type": "application/json"})
    if status >= 300:
        cause = f"Step Functions could not write s3://{bucket}/{key}."
        raise attribute(STATES, "_ExecutionError")("States.ResultWriterFailed", cause)
