"""Failed messages of the drop queue: each becomes visible again after a pause that grows with its receives."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from botocore.exceptions import ClientError

from assetline.errors import AwsUnavailable
from assetline.observability import logger

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

PAUSE_SECONDS = 60  # ours: multiplied by the number of receives
MAX_PAUSE_SECONDS = 900  # ours


@dataclass(frozen=True)
class MessageRetries:
    """Sets when failed messages become visible again."""

    sqs: "SQSClient"
    queue_url: str

    def schedule(self, failed: Iterable[SQSRecord]) -> None:
        """Set the visibility timeout of *failed*; without it, each returns after the timeout of the queue.

        A failure is logged and not raised: the message is not lost, but returns later.
        """
        for record in failed:
            try:
                self.sqs.change_message_visibility(
                    QueueUrl=self.queue_url,
                    ReceiptHandle=record.receipt_handle,
                    VisibilityTimeout=pause_seconds(int(record.attributes.approximate_receive_count)),
                )
            except (AwsUnavailable, ClientError) as error:
                logger.warning("retry_not_scheduled", message_id=record.message_id, error=str(error))


def pause_seconds(receives: int) -> int:
    """Return how many seconds a message stays invisible after its latest receive failed."""
    return min(PAUSE_SECONDS * receives, MAX_PAUSE_SECONDS)
