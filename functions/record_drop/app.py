"""Records arrived objects, from events in the drop queue or from the listing of the state Record Drop."""

import json
from collections import Counter
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import ValidationError

from assetline.errors import InvalidInput, Retryable
from assetline.ingest.arrival import ObjectArrival
from assetline.ingest.dependencies import message_retries, recorder
from assetline.ingest.record_drop import Noted
from assetline.observability import logger

TAKES = (
    "record_drop takes messages of the drop queue, "
    '{"Records": [{"messageId": ..., "body": the event of EventBridge}]}, '
    'or objects of a backfill, {"Items": [{"bucket": ..., "object": {"Key", "Size", "Etag"}}]}. '
    "The folder events/record_drop has samples."
)


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse | dict[str, int]:
    """Take a batch of messages and return those that failed, or the items of a backfill and return their counts."""
    if "Records" in event:
        return _record_messages(event, context)
    arrivals = _listed(event)
    noted = Counter(_all_noted(recorder().record(arrivals)))
    return {"recorded": noted["recorded"] + noted["again"], "known": noted["known"], "ignored": noted[None]}


def _record_messages(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    if others := [record for record in event["Records"] if "body" not in record or "messageId" not in record]:
        source = others[0].get("eventSource", "an unknown source")
        raise InvalidInput(f"Invalid event: a record of {source} is no message of the drop queue. {TAKES}")
    arrivals = {record["messageId"]: arrival for record in event["Records"] if (arrival := _arrival(record["body"]))}
    noted = dict(zip(arrivals, recorder().record([*arrivals.values()]), strict=True))

    def record_message(record: SQSRecord) -> None:
        if record.message_id not in noted:
            ObjectArrival.from_event(json.loads(record.body))  # raises an error that describes the message
        _or_raise(noted[record.message_id])

    processor = BatchProcessor(EventType.SQS)
    try:
        return process_partial_response(event, record_message, processor, context)
    finally:  # also if the complete batch failed
        message_retries().schedule([record for record in processor.fail_messages if isinstance(record, SQSRecord)])


def _listed(event: dict[str, Any]) -> list[ObjectArrival]:
    try:
        return [ObjectArrival.from_listing(item) for item in event.get("Items", [event])]
    except ValidationError:
        raise InvalidInput(f"Invalid event with the keys {list(event)}. {TAKES}") from None


def _arrival(body: str) -> ObjectArrival | None:
    """Return the object of a message, None if the message is not an event."""
    try:
        return ObjectArrival.from_event(json.loads(body))
    except ValueError:
        return None


def _all_noted(batch: list[Noted | Exception]) -> list[Noted]:
    """Return the results of a batch; raise retryable errors first, then the others."""
    for result in batch:
        if isinstance(result, Retryable):
            raise result
    return [_or_raise(result) for result in batch]


def _or_raise(noted: Noted | Exception) -> Noted:
    if isinstance(noted, Exception):
        raise noted
    return noted
