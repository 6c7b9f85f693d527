"""Failures of exports on a real machine: killed, stopped, resumed, run side by side."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from local.emulators.safetyculture.scenario import FeedScenario, Forbidden, Unavailable
from local.emulators.safetyculture.server import FeedEmulator
from local.stack.outputs import DeployedStack
from tests.support.feed_file import holds_the_feed
from tests.support.waiting import until
from tests.workflows.conftest import DeployedMachine


def started(machine: DeployedMachine, request: dict[str, Any]) -> str:
    """Start an execution and return its ARN."""
    answer = machine.client("stepfunctions").start_execution(
        stateMachineArn=machine.stack.outputs["ExportStateMachineArn"], input=json.dumps(request)
    )
    arn: str = answer["executionArn"]
    return arn


def item_of(machine: DeployedMachine, execution_arn: str) -> dict[str, Any] | None:
    """Return the item of the export that belongs to an execution."""
    table = machine.stack.table("ExportsTableName")
    items = table.scan(ConsistentRead=True)["Items"]
    return next((item for item in items if item.get("execution_arn") == execution_arn), None)


def is_in_state(machine: DeployedMachine, execution_arn: str, state: str) -> dict[str, Any] | None:
    item = item_of(machine, execution_arn)
    return item if item and item["state"] == state else None


@contextmanager
def at_most(machine: DeployedMachine, turns: int) -> Iterator[None]:
    """Let an execution have so many turns only."""
    machines, arn = machine.client("stepfunctions"), machine.stack.outputs["ExportStateMachineArn"]
    definition = machines.describe_state_machine(stateMachineArn=arn)["definition"]
    machines.update_state_machine(stateMachineArn=arn, definition=definition.replace(">= 2500", f">= {turns}"))
    try:
        yield
    finally:
        machines.update_state_machine(stateMachineArn=arn, definition=definition)


def function_processes(stack: DeployedStack, function: str) -> list[int]:
    """Return the processes that run a function of *stack*; other stacks of this machine run the same functions."""
    found = []
    endpoint = f"AWS_ENDPOINT_URL={stack.endpoint_url}".encode()
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                folder, command = (process / "cwd").readlink(), (process / "cmdline").read_bytes()
                environment = (process / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            if folder.name == function and b"lambda_" in command and endpoint in environment:
                found.append(int(process.name))
    return found


def test_a_process_killed_mid_turn_loses_and_doubles_nothing(machine: DeployedMachine, feed_api: FeedEmulator) -> None:
    feed_api.has(FeedScenario(rows=1500, latency_seconds=0.05))
    undisturbed = machine.run({"feed": "assets", "page_size": 100})
    feed_api.forget()
    arn = started(machine, {"feed": "assets", "page_size": 100, "max_turn_seconds": 0.4})
    killed = 0
    for pages in (4, 11):
        until(lambda: len([r for r in feed_api.requests() if r.path == "/feed/assets"]) >= pages, "the page")  # noqa: B023
        for process in function_processes(machine.stack, "write_pages"):
            os.kill(process, signal.SIGKILL)
            killed += 1
    disturbed = machine.ended(arn)
    assert (killed >= 2, disturbed.status, disturbed.error) == (True, "SUCCEEDED", "")
    assert machine.text(disturbed) == machine.text(undisturbed)
    assert disturbed.output["rows"] == 1500


def test_an_export_that_failed_is_resumed_at_its_page(machine: DeployedMachine, feed_api: FeedEmulator) -> None:
    feed_api.has(FeedScenario(rows=1000))
    undisturbed = machine.run({"feed": "assets", "page_size": 100})
    feed_api.has(FeedScenario(rows=1000, faults=(Unavailable(page=6),)))
    failed = machine.run({"feed": "assets", "page_size": 100, "max_turn_seconds": 0.01})
    assert (failed.status, failed.error) == ("FAILED", "FeedUnavailable")
    item = until(lambda: is_in_state(machine, failed.arn, "failed"), "the state failed")
    assert (item["error"], item["pages"]) == ("FeedUnavailable", 5)
    feed_api.has(FeedScenario(rows=1000))
    feed_api.forget()
    resumed = machine.run({"resume": item["export_id"]})
    assert (resumed.status, resumed.output["export_id"]) == ("SUCCEEDED", item["export_id"])
    assert [request.page for request in feed_api.requests() if request.path == "/feed/assets"] == [6, 7, 8, 9, 10]
    assert machine.text(resumed) == machine.text(undisturbed)


def test_a_resumed_export_that_was_out_of_turns_has_them_all(machine: DeployedMachine, feed_api: FeedEmulator) -> None:
    feed_api.has(FeedScenario(rows=2000))
    with at_most(machine, turns=2):
        failed = machine.run({"feed": "assets", "page_size": 100, "max_turn_seconds": 1e-9})
        assert (failed.error, failed.states.count("Write Pages")) == ("TurnsExhausted", 2)
        item = until(lambda: is_in_state(machine, failed.arn, "failed"), "the state failed")
        repeated = machine.run({"resume": item["export_id"], "max_turn_seconds": 1e-9})
        assert (repeated.error, repeated.states.count("Write Pages")) == ("TurnsExhausted", 2)
        until(lambda: is_in_state(machine, repeated.arn, "failed"), "the state failed")
        resumed = machine.run({"resume": item["export_id"]})
    assert (resumed.status, resumed.output["rows"], resumed.output["turns"]) == ("SUCCEEDED", 2000, 5)


@pytest.mark.parametrize("sealed", [0, 1, 3])
def test_a_stopped_execution_leaves_a_partial_file(
    machine: DeployedMachine, feed_api: FeedEmulator, sealed: int
) -> None:
    rows = 2000 if not sealed else 60_000
    feed_api.has(FeedScenario(rows=rows, latency_seconds=0.1, max_page_size=1000))
    arn = started(machine, {"feed": "assets", "page_size": 1000 if sealed else 100, "max_turn_seconds": 0.2})

    def has_sealed() -> bool:
        checkpoint = json.loads((item_of(machine, arn) or {}).get("checkpoint", "{}"))
        return bool(checkpoint.get("turns", 0) >= 2 and checkpoint["next_part"] > sealed)

    until(has_sealed, "a sealed part")
    machine.client("stepfunctions").stop_execution(executionArn=arn)
    item = until(lambda: is_in_state(machine, arn, "partial"), "the state partial")
    s3, bucket = machine.client("s3"), machine.stack.outputs["ExportBucketName"]
    keys = [found["Key"] for found in s3.list_objects_v2(Bucket=bucket, Prefix="exports/")["Contents"]]
    assert item["partial_key"] in keys
    assert item["key"] not in keys
    manifest_key = f"exports/assets/{item['export_id']}.partial.manifest.json"
    manifest = json.loads(s3.get_object(Bucket=bucket, Key=manifest_key)["Body"].read())
    text = s3.get_object(Bucket=bucket, Key=item["partial_key"])["Body"].read().decode()
    assert manifest["complete"] is False
    assert 0 < manifest["rows"] < rows
    assert holds_the_feed(text, manifest, range(manifest["rows"]))


@pytest.mark.parametrize("format_", ["csv", "jsonl.gz"])
def test_feeds_side_by_side_return_every_result_failed_ones_included(
    machine: DeployedMachine, feed_api: FeedEmulator, format_: str
) -> None:
    feed_api.has(FeedScenario(rows=120))
    feeds = machine.run_feeds({"feeds": ["assets", "users", "group_users"], "format": format_})
    assert feeds.output["complete"] is True
    assert [(result["feed"], result["rows"], result["complete"]) for result in feeds.output["results"]] == [
        ("assets", 120, True),
        ("users", 120, True),
        ("group_users", 120, True),
    ]


def test_the_end_of_an_execution_that_could_not_be_salvaged_is_kept(machine: DeployedMachine) -> None:
    functions, queues = machine.client("lambda"), machine.client("sqs")
    names = [function["FunctionName"] for function in functions.list_functions()["Functions"]]
    (salvage,) = [name for name in names if "SalvageExport" in name]
    event = {"detail": {"status": "of no execution"}}
    functions.invoke(FunctionName=salvage, InvocationType="Event", Payload=json.dumps(event))

    def kept() -> Any:
        url = machine.stack.outputs["SalvageDeadLetterQueueUrl"]
        return [json.loads(message["Body"]) for message in queues.receive_message(QueueUrl=url).get("Messages", [])]

    assert until(kept, "the event")[0]["requestPayload"] == event


def test_one_feed_that_fails_does_not_take_the_others_with_it(machine: DeployedMachine, feed_api: FeedEmulator) -> None:
    feed_api.has(FeedScenario(rows=120, max_page_size=100, faults=(Forbidden(page=1, times=1),)))
    feeds = machine.run_feeds({"feeds": ["users", "assets", "sites"], "max_concurrency": 1})
    assert (feeds.status, feeds.output["complete"]) == ("SUCCEEDED", False)
    failed, *others = feeds.output["results"]
    assert (failed["feed"], failed["complete"], failed["error"]) == ("users", False, "FeedForbidden")
    assert failed["message"].startswith("SafetyCulture does not let this token read /feed/users (403)")
    assert [(result["feed"], result["complete"]) for result in others] == [("assets", True), ("sites", True)]


def test_an_export_has_the_changes_since_the_last_one(machine: DeployedMachine, feed_api: FeedEmulator) -> None:
    feed_api.has(FeedScenario(rows=130))
    machine.run({"feed": "sites"})
    feed_api.has(FeedScenario(rows=125))
    execution = machine.run({"feed": "sites", "changes": True})
    assert "Write Changes" in execution.states
    assert {name: execution.output[name] for name in ("added", "changed", "removed")} == {
        "added": 0,
        "changed": 0,
        "removed": 5,
    }
    assert machine.text(execution, "changes_key").count("\r\n") == 6
