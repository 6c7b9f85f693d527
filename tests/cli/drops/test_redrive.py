"""The command `drops redrive`: dead letters return to the drop queue, and none is lost."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from assetline_cli.drops import redrive
from tests.cli.account import Run
from tests.cli.drops.drop_account import DropAccount
from tests.cli.screens import operator_answering, shown_on


@dataclass(frozen=True)
class Queues:
    sqs: Any
    queue_url: str
    dead_letter_queue_url: str

    def die(self, *bodies: str) -> None:
        for body in bodies:
            self.sqs.send_message(QueueUrl=self.dead_letter_queue_url, MessageBody=body)

    def bodies(self, url: str) -> list[str]:
        found: list[str] = []
        while messages := self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            found += [message["Body"] for message in messages]
        return sorted(found)

    def held(self, url: str) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        attributes = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return sum(int(attributes[name]) for name in names)


@pytest.fixture
def queues(drops: DropAccount, monkeypatch: pytest.MonkeyPatch) -> Queues:
    monkeypatch.setattr(redrive, "RECEIVE_WAIT_SECONDS", 0)  # moto waits out every long poll
    sqs = drops.account.session.client("sqs")
    urls = [sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("drops", "dead-drops")]
    outputs = dict(zip(("DropQueueUrl", "DropDeadLetterQueueUrl"), urls, strict=True))
    drops.account.stacks["assetline"] = drops.account.stacks["assetline"] | outputs
    return Queues(sqs, *urls)


def test_every_dead_letter_returns_to_the_drop_queue(queues: Queues, assetline: Run) -> None:
    sent = [f"message {number:02}" for number in range(23)]
    queues.die(*sent)
    ended = assetline("drops", "redrive", "--yes")
    assert (ended.exit_code, ended.stdout) == (0, "Moved 23 messages to the drop queue.\n")
    assert queues.bodies(queues.queue_url) == sent
    assert queues.held(queues.dead_letter_queue_url) == 0


def test_an_empty_queue_is_reported_without_a_question(queues: Queues, assetline: Run) -> None:
    terminal = operator_answering(AssertionError("asked"))
    assert assetline("drops", "redrive", **terminal).exit_code == 0
    assert shown_on(terminal["out"]) == "0 messages in the dead-letter queue.\n"


@pytest.mark.parametrize(("answer", "status", "moved"), [("y", 0, 1), ("n", 1, 0), (EOFError(), 1, 0)])
def test_it_shows_the_count_and_asks(
    queues: Queues, assetline: Run, answer: str | BaseException, status: int, moved: int
) -> None:
    queues.die("message")
    terminal = operator_answering(answer)
    assert assetline("drops", "redrive", **terminal).exit_code == status
    assert "Move 1 message to the drop queue? [y]es / [n]o" in shown_on(terminal["out"])
    assert queues.held(queues.queue_url) == moved


def test_no_terminal_and_no_yes_moves_nothing(queues: Queues, assetline: Run) -> None:
    queues.die("message")
    ended = assetline("drops", "redrive")
    assert ended.exit_code == 2
    assert "--yes" in ended.stderr
    assert queues.held(queues.dead_letter_queue_url) == 1


def test_a_message_that_is_not_sent_is_not_deleted(queues: Queues, drops: DropAccount, assetline: Run) -> None:
    queues.die("message")
    drops.account.session.events.register("before-call.sqs.SendMessageBatch", _denied)
    ended = assetline("drops", "redrive", "--yes")
    assert (ended.exit_code, ended.stdout) == (1, "Moved 0 messages to the drop queue.\n")
    assert "AWS denied SendMessageBatch" in ended.stderr
    assert queues.held(queues.dead_letter_queue_url) == 1


def test_only_the_messages_that_sqs_takes_are_deleted(queues: Queues, drops: DropAccount, assetline: Run) -> None:
    queues.die("first", "second")
    drops.account.session.events.register("after-call.sqs.SendMessageBatch", _refusing_the_first)
    ended = assetline("drops", "redrive", "--yes")
    assert (ended.exit_code, ended.stdout) == (1, "Moved 1 message to the drop queue.\n")
    assert "SQS refused 1 message (InternalError)." in ended.stderr
    assert queues.held(queues.dead_letter_queue_url) == 1


def test_progress_is_reported_while_messages_move(
    queues: Queues, assetline: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redrive, "MESSAGES_PER_REPORT", 10)
    queues.die(*"abcdefghijkl")
    assert assetline("drops", "redrive", "--yes").stderr == "Moved 10 of 12 messages.\n"


def test_a_stack_without_the_queue_outputs_is_named(drops: DropAccount, assetline: Run) -> None:
    ended = assetline("drops", "redrive", "--yes")
    assert ended.exit_code == 1
    assert ended.stderr == (
        "Error: Stack 'assetline' is missing outputs DropQueueUrl, DropDeadLetterQueueUrl. Redeploy it.\n"
    )


def _denied(**_: Any) -> Any:
    error = {"Code": "AccessDenied", "Message": "no"}
    return SimpleNamespace(status_code=403), {"Error": error, "ResponseMetadata": {"HTTPStatusCode": 403}}


def _refusing_the_first(parsed: dict[str, Any], **_: Any) -> None:
    refusal = {"Id": "0", "Code": "InternalError", "SenderFault": False}
    parsed |= {"Successful": parsed["Successful"][1:], "Failed": [refusal]}
