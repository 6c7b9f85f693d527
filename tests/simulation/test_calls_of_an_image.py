"""The calls to AWS for one image are those that the cost page counts with."""

import json
import time
from collections import Counter
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
import time_machine
from botocore.client import BaseClient

from benchmarks.prices import DROPS_A_BATCH, ImageCalls
from functions.record_drop import app as record_drop_app
from tests.simulation.dynamodb import Item
from tests.simulation.ingestion import DATASET, DROPS, PNG, Run, simulated_ingestion

IMAGES = 500
SLACK = 0.05  # calls of a batch or a session, divided by its images
WRITES = {"PutItem", "UpdateItem", "DeleteItem"}


class CallCounter:
    """Counts calls as DynamoDB and S3 bill them."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.item_bytes = 0

    def note(self, operation: str, request: dict[str, Any]) -> None:
        """Count a call."""
        match operation:
            case "PutItem" if request["TableName"] == "drops":
                self.counts["puts"] += 1
            case "UpdateItem" if request["TableName"] == "drops":
                self.counts["updates"] += 1
            case "BatchGetItem":
                self.counts["items_read"] += sum(len(keys["Keys"]) for keys in request["RequestItems"].values())
            case "GetObject":
                self.counts["objects_read"] += 1
            case "GetObjectTagging":
                self.counts["tags_read"] += 1
            case "PutObjectTagging":
                self.counts["tags_written"] += 1

    def note_changes(self, earlier: Mapping[str, Item], later: Mapping[str, Item]) -> None:
        """Count the units of the index by state for drops that a call has written."""
        for key, item in later.items():
            self.counts["index_writes"] += index_units(earlier[key], item)
            self.item_bytes = max(self.item_bytes, len(json.dumps(item, default=str)))


def index_units(earlier: Item, later: Item) -> int:
    """Return the write units of the index: one for a new, a removed or a changed entry, two for one that moves."""
    keys = [tuple(item.get(name) for name in ("dataset_state", "dropped_at")) for item in (earlier, later)]
    was, remains = (None not in key for key in keys)
    if keys[0] != keys[1]:
        return was + remains
    return int(was and earlier != later)  # the entry has all attributes


def written(operation: str, request: dict[str, Any]) -> set[str]:
    """Return the keys of the drops that a call writes."""
    writes = [request] if operation in WRITES else []
    items = [write.get("Key") or write["Item"] for write in writes if write["TableName"] == "drops"]
    return {item["drop_id"] for item in items}


def drop(s3: Any, number: int) -> dict[str, Any]:
    """Put an image, and return the message of its drop."""
    key, body = f"{DATASET}/{number}.png", PNG + number.to_bytes(16, "big")
    etag = s3.put_object(Bucket=DROPS, Key=key, Body=body)["ETag"].strip('"')
    listed = {"key": key, "size": len(body), "etag": etag, "sequencer": f"{number:06X}"}
    message = json.dumps({"detail": {"bucket": {"name": DROPS}, "object": listed}})
    attributes = {"ApproximateReceiveCount": "1"}
    return {"messageId": str(number), "receiptHandle": "1", "attributes": attributes, "body": message}


NEW, MOVED = ({"dataset_state": state, "dropped_at": "2026"} for state in ("ds1#dropped", "ds1#ingested"))


@pytest.mark.parametrize(
    ("earlier", "later", "units"),
    [
        ({}, NEW, 1),
        (NEW, MOVED, 2),
        (NEW, NEW | {"message": "x"}, 1),
        (NEW, NEW, 0),
        (NEW, {"dropped_at": "2026"}, 1),
        ({"dropped_at": "2026"}, {"dropped_at": "2026", "message": "x"}, 0),
        (NEW, {}, 1),
    ],
)
def test_the_units_of_the_index_follow_from_both_items(earlier: Item, later: Item, units: int) -> None:
    assert index_units(earlier, later) == units


def play(run: Run, context: Any) -> None:
    """Play an execution to its end, and let its waits pass at once."""
    with time_machine.travel(time.time(), tick=False) as clock:
        while not run.ended:
            app, event = run.task()
            run.succeed(app.lambda_handler(event, context), time.time())
            clock.shift(max(0.0, run.not_before - time.time()))


def test_the_cost_page_counts_the_calls_of_an_image() -> None:
    counter = CallCounter()
    with simulated_ingestion() as simulate, pytest.MonkeyPatch.context() as patch:
        simulate(1)
        answer, s3 = BaseClient._make_api_call, boto3.client("s3")  # type: ignore[attr-defined]
        messages = [drop(s3, number) for number in range(1_000_000, 1_000_000 + IMAGES)]

        def items(client: BaseClient, keys: set[str]) -> dict[str, Item]:
            requests = {key: {"TableName": "drops", "Key": {"drop_id": key}} for key in keys}
            return {key: answer(client, "GetItem", request).get("Item", {}) for key, request in requests.items()}

        def call(client: BaseClient, operation: str, request: dict[str, Any]) -> Any:
            counter.note(operation, request)
            keys = written(operation, request)
            earlier = items(client, keys)
            answered = answer(client, operation, request)
            counter.note_changes(earlier, items(client, keys))
            return answered

        patch.setattr(BaseClient, "_make_api_call", call)  # undone before the account ends
        context: Any = SimpleNamespace(
            function_name="name",
            memory_limit_in_mb=1024,
            invoked_function_arn="arn",
            aws_request_id="1",
            get_remaining_time_in_millis=lambda: 900_000,
        )
        for start in range(0, IMAGES, DROPS_A_BATCH):
            record_drop_app.lambda_handler({"Records": messages[start : start + DROPS_A_BATCH]}, context)
        play(Run("run", time.time()), context)
    measured = {name: counter.counts[name] / IMAGES for name in vars(ImageCalls())}
    assert measured == pytest.approx(vars(ImageCalls()), abs=SLACK)
    assert counter.item_bytes <= 1024
