"""Messages of the drop dead-letter queue, moved back to the drop queue.

SQS has an API for this, `StartMessageMoveTask`. Messages are moved one batch at a time instead: each is sent before it
is deleted, the count is exact, and the local stack has the calls. A message that is sent twice is recorded once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from assetline_cli.context import CliContext
from assetline_cli.errors import CommandFailed
from assetline_cli.exit_codes import COMPLETE, FAILED
from assetline_cli.stack import find_stack
from assetline_cli.terminal.formatting import count_of
from assetline_cli.terminal.prompts import confirmed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

    from assetline_cli.stack import DropQueues

MESSAGES_PER_BATCH = 10  # SQS
RECEIVE_WAIT_SECONDS = 2  # ours: a long poll asks all servers of SQS, so an empty answer means an empty queue
VISIBILITY_SECONDS = 60  # ours: more than a batch takes
MESSAGES_PER_REPORT = 100  # ours


@dataclass(frozen=True)
class DeadLetters:
    """The dead-letter queue of drops, and the queue that its messages came from."""

    sqs: SQSClient
    queues: DropQueues

    def count(self) -> int:
        """Return the approximate number of waiting messages."""
        answer = self.sqs.get_queue_attributes(
            QueueUrl=self.queues.dead_letter_queue_url, AttributeNames=["ApproximateNumberOfMessages"]
        )
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])

    def move(self) -> Iterator[int]:
        """Move all messages back; yield how many of each batch were moved.

        Raises:
            CommandFailed: SQS refused some; they stay in the dead-letter queue.
        """
        while messages := self._receive():
            refused = self._send(messages)
            sent = [message for place, message in enumerate(messages) if str(place) not in refused]
            if sent:
                self._delete(sent)
            yield len(sent)
            if refused:
                reasons = ", ".join(sorted({*refused.values()}))
                raise CommandFailed(
                    f"SQS refused {count_of(len(refused), 'message')} ({reasons}). They stay in the dead-letter "
                    "queue: run `assetline drops redrive` again."
                )

    def _receive(self) -> Sequence[MessageTypeDef]:
        answer = self.sqs.receive_message(
            QueueUrl=self.queues.dead_letter_queue_url,
            MaxNumberOfMessages=MESSAGES_PER_BATCH,
            WaitTimeSeconds=RECEIVE_WAIT_SECONDS,
            VisibilityTimeout=VISIBILITY_SECONDS,
        )
        return answer.get("Messages", [])

    def _send(self, messages: Sequence[MessageTypeDef]) -> dict[str, str]:
        """Send *messages* to the drop queue; return the places of those that were refused, with the error codes."""
        answer = self.sqs.send_message_batch(
            QueueUrl=self.queues.queue_url,
            Entries=[{"Id": str(place), "MessageBody": message["Body"]} for place, message in enumerate(messages)],
        )
        return {refusal["Id"]: refusal["Code"] for refusal in answer.get("Failed", [])}

    def _delete(self, messages: Sequence[MessageTypeDef]) -> None:
        """Delete *messages*, which are sent; one that SQS does not delete is moved a second time, which is harmless."""
        self.sqs.delete_message_batch(
            QueueUrl=self.queues.dead_letter_queue_url,
            Entries=[
                {"Id": str(place), "ReceiptHandle": message["ReceiptHandle"]} for place, message in enumerate(messages)
            ],
        )


def redrive_messages(context: CliContext, stack: str, *, sure: bool) -> int:
    """Move the dead letters back, asking first unless *sure*; return the exit status of the command.

    Raises:
        CommandFailed: SQS refused some messages.
    """
    dead_letters = DeadLetters(context.aws.sqs, find_stack(context.aws.cloudformation, stack).queues_of_drops())
    waiting = dead_letters.count()
    if not waiting:
        context.print_line("0 messages in the dead-letter queue.")
        return COMPLETE
    if not sure and not confirmed(context, f"Move {count_of(waiting, 'message')} to the drop queue?"):
        context.print_line("No message was moved.")
        return FAILED
    moved = 0
    try:
        for batch in dead_letters.move():
            reports = moved // MESSAGES_PER_REPORT
            moved += batch
            if moved // MESSAGES_PER_REPORT > reports:
                context.print_message(f"Moved {moved:,} of {max(moved, waiting):,} messages.")
    finally:
        context.print_line(f"Moved {count_of(moved, 'message')} to the drop queue.")
    return COMPLETE
