"""Failed messages of the drop queue: visible again after a pause that grows, whatever SQS answers."""

import json
import os
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError

from assetline.ingest import dependencies
from assetline.ingest.message_retries import MAX_PAUSE_SECONDS, pause_seconds
from functions.record_drop import app as record_drop
from tests.handlers.conftest import event, lambda_context
from tests.handlers.ingest.session_stage import SessionStage

FOLDER = json.loads(event("record_drop/two_drops")["Records"][0]["body"])
FOLDER["detail"]["object"] |= {"key": "ds1/folder/", "size": 0, "etag": "0" * 32}


@pytest.fixture
def changes(stage: SessionStage) -> list[dict[str, Any]]:
    """Return the visibility changes that SQS is asked for, in the order in which they are."""
    changes: list[dict[str, Any]] = []
    dependencies.message_retries().sqs.meta.events.register(
        "provide-client-params.sqs.ChangeMessageVisibility", lambda params, **_: changes.append(params)
    )
    return changes


def received(*bodies: str, receives: int = 1) -> dict[str, Any]:
    """Put messages in the queue, receive them, and return the event of their batch."""
    sqs, url = boto3.client("sqs"), os.environ["DROP_QUEUE_URL"]
    for body in bodies:
        sqs.send_message(QueueUrl=url, MessageBody=body)
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=1800)["Messages"]
    record = event("record_drop/two_drops")["Records"][0]
    attributes = record["attributes"] | {"ApproximateReceiveCount": str(receives)}
    return {
        "Records": [
            record
            | {"messageId": message["MessageId"], "receiptHandle": message["ReceiptHandle"], "body": message["Body"]}
            | {"attributes": attributes}
            for message in messages
        ]
    }


def test_a_failed_message_is_visible_again_after_a_minute(changes: list[dict[str, Any]]) -> None:
    batch = received("this is no JSON", json.dumps(FOLDER))
    answer = record_drop.lambda_handler(batch, lambda_context())
    failed = batch["Records"][0]
    assert answer == {"batchItemFailures": [{"itemIdentifier": failed["messageId"]}]}
    assert [(change["ReceiptHandle"], change["VisibilityTimeout"]) for change in changes] == [
        (failed["receiptHandle"], 60)
    ]


def test_the_pause_grows_with_the_receives_up_to_a_limit(changes: list[dict[str, Any]]) -> None:
    batch = received("this is no JSON", json.dumps(FOLDER), receives=3)
    record_drop.lambda_handler(batch, lambda_context())
    assert [change["VisibilityTimeout"] for change in changes] == [180]
    assert pause_seconds(1000) == MAX_PAUSE_SECONDS


def test_a_completely_failed_batch_is_retried_in_a_minute_too(changes: list[dict[str, Any]]) -> None:
    with pytest.raises(BatchProcessingError):
        record_drop.lambda_handler(received("this is no JSON", "[]"), lambda_context())
    assert [change["VisibilityTimeout"] for change in changes] == [60, 60]


def test_a_batch_without_failures_changes_no_visibility(changes: list[dict[str, Any]]) -> None:
    record_drop.lambda_handler(received(json.dumps(FOLDER)), lambda_context())
    assert changes == []


def test_a_pause_that_sqs_refuses_is_logged_only(
    changes: list[dict[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    batch = received("this is no JSON", json.dumps(FOLDER))
    batch["Records"][0]["receiptHandle"] = "of another queue"
    answer = record_drop.lambda_handler(batch, lambda_context())
    message_id = batch["Records"][0]["messageId"]
    assert answer == {"batchItemFailures": [{"itemIdentifier": message_id}]}
    assert [warning["message_id"] for warning in warnings(caplog)] == [message_id]


def test_a_queue_that_does_not_answer_is_logged_only(
    changes: list[dict[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    batch = received("this is no JSON", json.dumps(FOLDER))
    boto3.client("sqs").delete_queue(QueueUrl=os.environ["DROP_QUEUE_URL"])
    answer = record_drop.lambda_handler(batch, lambda_context())
    assert answer == {"batchItemFailures": [{"itemIdentifier": batch["Records"][0]["messageId"]}]}
    assert ["NonExistentQueue" in warning["error"] for warning in warnings(caplog)] == [True]


def warnings(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [vars(record) for record in caplog.records if record.message == "retry_not_scheduled"]
