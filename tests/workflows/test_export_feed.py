import json
from pathlib import Path

import pandas as pd
import pytest

from local.emulators.safetyculture.assets import asset
from local.emulators.safetyculture.scenario import (
    FeedScenario,
    Forbidden,
    OriginTimeout,
    Reset,
    TooManyRequests,
    Truncated,
    Unavailable,
)
from local.emulators.safetyculture.server import FeedEmulator
from tests.support.feed_file import holds_the_feed, rows_of
from tests.workflows.conftest import DeployedMachine, EndedExport

IN_MANY_TURNS = {"feed": "assets", "page_size": 100, "max_turn_seconds": 0.01}


def is_the_feed(machine: DeployedMachine, execution: EndedExport, rows: int) -> bool:
    """Return whether the file of an execution equals the generated feed, row for row and value for value."""
    manifest = json.loads(machine.text(execution, "manifest_key"))
    return holds_the_feed(machine.text(execution), manifest, range(rows))


def test_a_feed_of_many_turns_becomes_one_csv(machine: DeployedMachine, feed_api: FeedEmulator, tmp_path: Path) -> None:
    feed_api.has(FeedScenario(rows=2000))
    execution = machine.run(IN_MANY_TURNS)
    assert (execution.status, execution.error) == ("SUCCEEDED", "")
    assert execution.output["rows"] == 2000
    assert execution.output["turns"] == execution.states.count("Write Pages") > 3
    assert is_the_feed(machine, execution, 2000)
    text = machine.text(execution)
    (tmp_path / "assets.csv").write_bytes(text.encode())
    frame = pd.read_csv(tmp_path / "assets.csv", dtype=str, keep_default_na=False)
    assert list(frame["id"]) == [asset(index)["id"] for index in range(2000)]
    assert list(frame["Display name"]) == [row["Display name"] for row in rows_of(text)]


def test_the_output_and_the_manifest_are_as_documented(machine: DeployedMachine, feed_api: FeedEmulator) -> None:
    feed_api.has(FeedScenario(rows=250))
    execution = machine.run({"feed": "assets"})
    assert list(execution.output) == [
        "export_id",
        "feed",
        "bucket",
        "key",
        "manifest_key",
        "rows",
        "pages",
        "bytes",
        "turns",
        "complete",
    ]
    export_id = execution.output["export_id"]
    assert execution.output["bucket"] == machine.stack.outputs["ExportBucketName"]
    assert execution.output["key"] == f"exports/assets/{export_id}.csv"
    assert execution.output["manifest_key"] == f"exports/assets/{export_id}.manifest.json"
    manifest = json.loads(machine.text(execution, "manifest_key"))
    assert (manifest["complete"], manifest["rows"], manifest["pages"]) == (True, 250, 3)
    assert execution.states == [
        "Open Export",
        "Write Pages",
        "More Pages?",
        "Close Export",
        "Changes Wanted?",
        "Export Complete",
    ]


def test_an_empty_feed_is_a_complete_file_with_a_header(machine: DeployedMachine, feed_api: FeedEmulator) -> None:
    feed_api.has(FeedScenario(rows=0))
    execution = machine.run({"feed": "assets"})
    assert (execution.status, execution.output["rows"], execution.output["complete"]) == ("SUCCEEDED", 0, True)
    assert machine.text(execution).count("\r\n") == 1


@pytest.mark.parametrize(
    "fault",
    [
        Unavailable(page=4, times=1),
        OriginTimeout(page=4, times=1),
        Reset(page=4, times=1),
        Truncated(page=4, times=1),
    ],
)
def test_a_failing_page_is_asked_for_again(
    machine: DeployedMachine, feed_api: FeedEmulator, fault: Unavailable | OriginTimeout | Reset | Truncated
) -> None:
    feed_api.has(FeedScenario(rows=1000, faults=(fault,)))
    execution = machine.run({"feed": "assets"})
    assert (execution.status, execution.error) == ("SUCCEEDED", "")
    assert is_the_feed(machine, execution, 1000)
    assert feed_api.fired() == [1]


def test_a_long_pause_is_waited_out_by_the_machine(machine: DeployedMachine, feed_api: FeedEmulator) -> None:
    feed_api.has(FeedScenario(rows=1000, faults=(TooManyRequests(page=4, times=1, retry_after=40),)))
    execution = machine.run({"feed": "assets"})
    assert execution.states == [
        "Open Export",
        "Write Pages",
        "More Pages?",
        "Wait For Feed",
        "Write Pages",
        "More Pages?",
        "Close Export",
        "Changes Wanted?",
        "Export Complete",
    ]
    assert is_the_feed(machine, execution, 1000)


@pytest.mark.parametrize(
    ("request_", "error", "expected_text"),
    [
        ({"feed": "asset"}, "UnknownFeed", "the feeds are: assets"),
        ({"feed": "assets", "format": "xlsx"}, "InvalidInput", "'format'"),
        ({"feed": "assets", "pagesize": 10}, "InvalidInput", "'pagesize' is not an allowed key"),
        ({}, "InvalidInput", "'feed' is missing"),
        ([1], "InvalidInput", "not a JSON object"),
    ],
)
def test_bad_input_ends_at_once_under_its_own_name(
    machine: DeployedMachine, request_: object, error: str, expected_text: str
) -> None:
    execution = machine.run(request_)
    assert (execution.status, execution.error) == ("FAILED", error)
    assert expected_text in json.loads(execution.message)["errorMessage"]
    assert (execution.states, execution.tasks) == (["Open Export"], 1)


@pytest.mark.parametrize(("token", "error"), [(" ", "TokenMissing"), ("scapi_expired", "TokenRefused")])
def test_a_bad_token_ends_at_once_and_names_the_secret(
    machine: DeployedMachine, feed_api: FeedEmulator, token: str, error: str
) -> None:
    feed_api.has(FeedScenario(token="scapi_current"))
    machine.put_token(token)
    execution = machine.run({"feed": "assets"})
    assert (execution.status, execution.error) == ("FAILED", error)
    assert machine.stack.outputs["SafetyCultureSecretArn"] in execution.message
    assert "scapi_expired" not in execution.message
    assert execution.states == ["Open Export"]


def test_no_permission_ends_at_once(machine: DeployedMachine, feed_api: FeedEmulator) -> None:
    feed_api.has(FeedScenario(faults=(Forbidden(),)))
    execution = machine.run({"feed": "assets"})
    assert (execution.status, execution.error) == ("FAILED", "FeedForbidden")
    assert execution.states == ["Open Export", "Write Pages"]


def test_the_table_ends_with_the_figures_of_the_output(machine: DeployedMachine, feed_api: FeedEmulator) -> None:
    feed_api.has(FeedScenario(rows=500))
    output = machine.run(IN_MANY_TURNS).output
    table = machine.stack.table("ExportsTableName")
    item = table.get_item(Key={"export_id": output["export_id"]})["Item"]
    assert item["state"] == "complete"
    assert {name: item[name] for name in ("rows", "pages", "bytes", "turns")} == {
        name: output[name] for name in ("rows", "pages", "bytes", "turns")
    }


def test_the_finished_file_is_announced_on_the_bus(machine: DeployedMachine, feed_api: FeedEmulator) -> None:
    feed_api.has(FeedScenario(rows=100))
    queues, events = machine.client("sqs"), machine.client("events")
    queue = queues.create_queue(QueueName="announcements")["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="exports", EventPattern='{"source": ["assetline"], "detail-type": ["Export Complete"]}')
    events.put_targets(Rule="exports", Targets=[{"Id": "queue", "Arn": arn}])
    output = machine.run({"feed": "assets"}).output
    (message,) = queues.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    assert json.loads(message["Body"])["detail"] == output
