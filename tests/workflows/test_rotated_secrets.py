"""A rotated or corrected secret is used from the next refused request on; nothing is deployed for it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from local.emulators.safetyculture.scenario import FeedScenario
from local.emulators.safetyculture.server import FeedEmulator
from local.emulators.vi.scenario import LOCAL_KEY, LOCAL_ORGANIZATION, ViScenario
from local.emulators.vi.server import ViEmulator
from local.sample_images import image
from local.stack.outputs import DeployedStack
from tests.support.waiting import until
from tests.workflows.conftest import DeployedMachine
from tests.workflows.drop_box import DropBox

ROTATED_TOKEN = "scapi_rotated_token"
ROTATED_KEY = "dtvi_" + "rotated" * 13 + "rotated_key"
ASSETS = 300


@pytest.fixture
def box(stack: DeployedStack) -> Iterator[DropBox]:
    box = DropBox(stack)
    yield box
    box.settled()
    put_key(box, LOCAL_KEY)


@pytest.fixture(autouse=True)
def _nothing_is_deployed(stack: DeployedStack) -> Iterator[None]:
    """Fail if a function was deployed or configured during the test."""
    functions = DropBox(stack).client("lambda")

    def deployed() -> dict[str, Any]:
        listed = functions.list_functions(MaxItems=1000)["Functions"]
        return {found["FunctionName"]: (found["LastModified"], found["CodeSha256"]) for found in listed}

    earlier = deployed()
    yield
    assert deployed() == earlier


def put_key(box: DropBox, key: str) -> None:
    """Put a key in the secret of Vi."""
    secret = json.dumps({"secret_key": key, "organization_id": LOCAL_ORGANIZATION})
    box.client("secretsmanager").put_secret_value(SecretId=box.stack.outputs["ViSecretArn"], SecretString=secret)


def started(machine: DeployedMachine, request: dict[str, Any]) -> str:
    """Start an export and return the ARN of its execution."""
    arn: str = machine.client("stepfunctions").start_execution(
        stateMachineArn=machine.stack.outputs["ExportStateMachineArn"], input=json.dumps(request)
    )["executionArn"]
    return arn


def test_a_token_is_rotated_while_an_export_runs(machine: DeployedMachine, feed_api: FeedEmulator) -> None:
    usual = FeedScenario(rows=2000, latency_seconds=0.05)
    feed_api.has(usual)
    arn = started(machine, {"feed": "assets", "page_size": 50, "max_turn_seconds": 0.5})
    until(lambda: len([request for request in feed_api.requests() if request.status == 200]) >= 8, "some pages")
    machine.put_token(ROTATED_TOKEN)
    feed_api.has(usual.model_copy(update={"token": ROTATED_TOKEN}))
    ended = machine.ended(arn)
    assert (ended.status, ended.error, ended.output.get("rows")) == ("SUCCEEDED", "", 2000)
    statuses = [request.status for request in feed_api.requests()]
    assert 401 in statuses  # a function used the token before, and then the rotated one
    assert statuses[-1] == 200
    assert "Wait For Feed" not in ended.states


def test_a_corrected_token_is_used_by_the_functions_that_run(machine: DeployedMachine, feed_api: FeedEmulator) -> None:
    feed_api.has(FeedScenario(rows=100, token=ROTATED_TOKEN))
    refused = machine.run({"feed": "assets"})
    assert (refused.status, refused.error) == ("FAILED", "TokenRefused")
    machine.put_token(ROTATED_TOKEN)
    corrected = machine.run({"feed": "assets"})
    assert (corrected.status, corrected.output.get("rows")) == ("SUCCEEDED", 100)


def test_a_key_is_rotated_while_a_dataset_is_exported(machine: DeployedMachine, vi: ViEmulator, box: DropBox) -> None:
    usual = ViScenario(holds={"ds1": ASSETS}, latency_seconds=0.05)
    vi.has(usual)
    arn = started(machine, {"source": "vi", "dataset_id": "ds1", "page_size": 5, "max_turn_seconds": 0.5})
    until(lambda: len([request for request in vi.requests() if request.status == 200]) >= 8, "some pages")
    put_key(box, ROTATED_KEY)
    vi.plays(usual.model_copy(update={"key": ROTATED_KEY}))
    ended = machine.ended(arn)
    assert (ended.status, ended.error, ended.output.get("rows")) == ("SUCCEEDED", "", ASSETS)
    statuses = [request.status for request in vi.requests()]
    assert (401 in statuses, statuses[-1]) == (True, 200)


def test_drops_are_ingested_with_a_rotated_key(vi: ViEmulator, box: DropBox) -> None:
    box.put("ds1/old_key.png", image("png", 1))
    assert {drop.state for drop in box.over({"ds1/old_key.png"}).values()} == {"ingested"}
    box.settled()
    vi.forget()
    put_key(box, ROTATED_KEY)
    vi.plays(ViScenario(key=ROTATED_KEY))
    box.put("ds1/rotated_key.png", image("png", 2))
    assert {drop.state for drop in box.over({"ds1/rotated_key.png"}).values()} == {"ingested"}
    statuses = [request.status for request in vi.requests()]
    assert 401 in statuses
    assert vi.assets("ds1").keys() == {"old_key.png", "rotated_key.png"}
