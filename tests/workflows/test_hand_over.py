"""A run whose turns are used up starts another run, which owns the dataset at once."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from assetline.ingest.arrival import ObjectArrival
from assetline.ingest.inspection import DropLimits, described, read
from assetline.ingest.ledger import Ledger
from local.emulators.vi.server import ViEmulator
from local.sample_images import image
from local.stack.outputs import DeployedStack
from tests.workflows.drop_box import DropBox
from tests.workflows.probe_role import allow, probe_role

KEY = "ds3/handed-over.png"


@pytest.fixture
def box(stack: DeployedStack) -> DropBox:
    return DropBox(stack)


def recorded(box: DropBox) -> None:
    """Put an image while the bucket sends no event, and record it as `record_drop` does."""
    s3, content = box.client("s3"), image("png", 1)
    notifications = s3.get_bucket_notification_configuration(Bucket=box.bucket)
    notifications.pop("ResponseMetadata")
    s3.put_bucket_notification_configuration(Bucket=box.bucket, NotificationConfiguration={})
    etag = s3.put_object(Bucket=box.bucket, Key=KEY, Body=content)["ETag"].strip('"')
    s3.put_bucket_notification_configuration(Bucket=box.bucket, NotificationConfiguration=notifications)
    arrival = ObjectArrival(bucket=box.bucket, key=KEY, etag=etag, size=len(content))
    drop = read(s3, described(arrival, DropLimits(10**6, "")))
    gathered = drop.model_copy(update={"dropped_at": datetime.now(UTC) - timedelta(hours=1)})
    Ledger(box.table("DropsTableName"), retention_days=1).record(gathered)


def owner(box: DropBox) -> dict[str, Any]:
    item: dict[str, Any] = box.table("SessionsTableName").get_item(Key={"session_key": "run#ds3"})["Item"]
    return item


@pytest.mark.usefixtures("vi")
def test_a_run_without_turns_hands_its_dataset_over(box: DropBox, stack: DeployedStack, vi: ViEmulator) -> None:
    machines = box.client("stepfunctions")
    definition = machines.describe_state_machine(stateMachineArn=stack.outputs["IngestStateMachineArn"])["definition"]
    recorded(box)
    with probe_role(stack, allow("*")) as role:
        arn = machines.create_state_machine(
            name=f"probe-{uuid4()}", definition=definition.replace("$turns >= 1000", "$turns >= 1"), roleArn=role
        )["stateMachineArn"]
        first = machines.start_execution(stateMachineArn=arn, name="ds3-1", input=json.dumps({"dataset_id": "ds3"}))
        assert box.ended(first["executionArn"])["status"] == "SUCCEEDED"
        names = {
            run["name"]: run["executionArn"] for run in machines.list_executions(stateMachineArn=arn)["executions"]
        }
        ((name, second),) = [run for run in names.items() if run[0] != "ds3-1"]
        ended = box.ended(second)
        machines.delete_state_machine(stateMachineArn=arn)
    assert name.startswith("ds3-1-")
    assert json.loads(ended["input"])["predecessor_arn"] == first["executionArn"]
    assert json.loads(ended["output"]) == {
        "dataset_id": "ds3",
        "sessions": 0,
        "ingested": 0,
        "rejected": 0,
        "returned": 0,
    }
    assert [asset.content.read() for asset in vi.assets("ds3").values()] == [image("png", 1)]
    # The second run has taken the dataset, and released it; a run that is refused changes nothing.
    assert "execution_arn" not in owner(box)
