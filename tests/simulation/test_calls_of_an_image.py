"""The calls to AWS for one image are those that the cost page counts with."""

import json
from collections import Counter
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient

from benchmarks.prices import DROPS_A_BATCH, ImageCalls
from functions.record_drop import app as record_drop_app
from tests.simulation.ingestion import DATASET, DROPS, PNG, Run, simulated_ingestion

IMAGES = 500
SLACK = 0.05  # calls of a batch or a session, divided by its images
WRITES = {"Put", "Update", "Delete"}


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
                self._note_index(request["Item"], 1)
                self.item_bytes = max(self.item_bytes, len(json.dumps(request["Item"], default=str)))
            case "UpdateItem" if request["TableName"] == "drops":
                self.counts["updates"] += 1
                removed = ":dataset_state" not in request.get("ExpressionAttributeValues", {})
                self._note_index(request.get("ExpressionAttributeNames", {}).values(), 1 if removed else 2)
            case "BatchGetItem":
                self.counts["items_read"] += sum(len(keys["Keys"]) for keys in request["RequestItems"].values())
            case "GetObject":
                self.counts["objects_read"] += 1
            case "GetObjectTagging":
                self.counts["tags_read"] += 1
            case "PutObjectTagging":
                self.counts["tags_written"] += 1

    def _note_index(self, names: Any, units: int) -> None:
        """Count the units of the index: one for a new or a removed entry, two for an entry that moves."""
        self.counts["index_writes"] += units * ("dataset_state" in names)


def drop(s3: Any, number: int) -> dict[str, Any]:
    """Put an image, and return the message of its drop."""
    key, body = f"{DATASET}/{number}.png", PNG + number.to_bytes(16, "big")
    etag = s3.put_object(Bucket=DROPS, Key=key, Body=body)["ETag"].strip('"')
    listed = {"key": key, "size": len(body), "etag": etag, "sequencer": f"{number:06X}"}
    message = json.dumps({"detail": {"bucket": {"name": DROPS}, "object": listed}})
    attributes = {"ApproximateReceiveCount": "1"}
    return {"messageId": str(number), "receiptHandle": "1", "attributes": attributes, "body": message}


def test_the_cost_page_counts_the_calls_of_an_image(monkeypatch: pytest.MonkeyPatch) -> None:
    counter = CallCounter()
    with simulated_ingestion() as simulate:
        simulate(1)
        answer, s3 = BaseClient._make_api_call, boto3.client("s3")  # type: ignore[attr-defined]
        messages = [drop(s3, number) for number in range(1_000_000, 1_000_000 + IMAGES)]

        def call(client: BaseClient, operation: str, request: dict[str, Any]) -> Any:
            counter.note(operation, request)
            return answer(client, operation, request)

        monkeypatch.setattr(BaseClient, "_make_api_call", call)
        context: Any = SimpleNamespace(
            function_name="name",
            memory_limit_in_mb=1024,
            invoked_function_arn="arn",
            aws_request_id="1",
            get_remaining_time_in_millis=lambda: 900_000,
        )
        for start in range(0, IMAGES, DROPS_A_BATCH):
            record_drop_app.lambda_handler({"Records": messages[start : start + DROPS_A_BATCH]}, context)
        run = Run("run", 0.0)
        while not run.ended:
            app, event = run.task()
            run.succeed(app.lambda_handler(event, context), 0.0)
    measured = {name: counter.counts[name] / IMAGES for name in vars(ImageCalls())}
    assert measured == pytest.approx(vars(ImageCalls()), abs=SLACK)
    assert counter.item_bytes <= 1024
