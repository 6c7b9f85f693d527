"""Records what arrived: events of the drop bucket from its queue, or objects that the state Record Drop lists."""

import json
from collections import Counter
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from assetline.ingest.arrival import Arrival
from assetline.ingest.dependencies import message_retries, recorder
from assetline.observability import logger


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse | dict[str, int]:
    """Take a batch of messages and return those that failed; or the items of a backfill, and count what they are."""
    if "Records" in event:
        return _record_messages(event, context)
    noted = Counter(recorder().record(Arrival.from_listing(item)) for item in event.get("Items", [event]))
    return {"recorded": noted["recorded"] + noted["again"], "known": noted["known"], "ignored": noted[None]}


def _record_messages(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    processor = BatchProcessor(EventType.SQS)
    try:
        return process_partial_response(event, _record_message, processor, context)
    finally:  # a batch that failed as a whole raises
        message_retries().schedule([record for record in processor.fail_messages if isinstance(record, SQSRecord)])


def _record_message(record: SQSRecord) -> None:
    recorder().record(Arrival.from_event(json.loads(record.body)))
