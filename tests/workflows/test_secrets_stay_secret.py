"""The demo and all commands run; then no token, no key and no signature is in a log, a table or a file."""

import gzip
import json
import os
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from assetline_cli.main import app
from local.demo.run import paced, show
from local.emulators.safetyculture.scenario import LOCAL_TOKEN
from local.emulators.vi.scenario import LOCAL_KEY
from local.stack.lifecycle import running_stack
from local.stack.ministack import free_port
from local.stack.outputs import DeployedStack
from local.stack.settings import StackSettings
from tests.support.leaks import Document, leaks, signatures
from tests.support.waiting import ended_execution, until
from tests.workflows.probe_function import probe_function
from tests.workflows.written import everything, files

SECRETS = {"SafetyCulture token": LOCAL_TOKEN, "Vi key": LOCAL_KEY}
SIGNED = "/staging/"  # signed URLs are only in staging: docs/architecture.md, "An ingestion", invariant 6
FAILS, EITHER = frozenset({1, 2, 3}), frozenset({0, 1})
PLANTED = "scapi_planted_by_the_test_0123456789"


@dataclass
class ShownStack:
    """A stack on which the demo ran, with the output of each command."""

    stack: DeployedStack
    state: Path
    home: Path
    printed: list[Document] = field(default_factory=list)

    def client(self, service: Any) -> Any:
        return self.stack.client(service)

    def ran(self, *arguments: str, statuses: frozenset[int] = frozenset({0})) -> str:
        """Run `assetline` with *arguments*, keep both outputs, and return the standard output."""
        with pytest.MonkeyPatch.context() as patch, chdir(self.home):
            for name, value in self.stack.environment.items():
                patch.setenv(name, value)
            done = CliRunner().invoke(app, arguments)
        assert done.exit_code in statuses, done.output
        self.printed.append((f"output of assetline {' '.join(arguments)}", done.output.encode()))
        return done.stdout

    def deleted(self, **request: Any) -> str:
        """Run the machine that deletes, and return the status of its execution."""
        machines = self.client("stepfunctions")
        arn = machines.start_execution(
            stateMachineArn=self.stack.outputs["DeleteStateMachineArn"], input=json.dumps(request)
        )["executionArn"]
        status: str = ended_execution(machines, arn)["status"]
        return status

    def listed(self, *arguments: str) -> list[dict[str, Any]]:
        """Run a command that prints a JSON object in each line, and return the objects."""
        return [json.loads(line) for line in self.ran(*arguments, "--json").splitlines()]

    def documents(self) -> list[Document]:
        """Return everything: what the stack wrote, what commands printed, and the files that they wrote."""
        return [*everything(self.stack, self.state), *self.printed, *files(self.home)]


@contextmanager
def output_to(path: Path) -> Iterator[None]:
    """Redirect the output of this process and of its children to a file."""
    saved = [os.dup(number) for number in (1, 2)]
    with path.open("wb") as file:
        for number in (1, 2):
            os.dup2(file.fileno(), number)
        try:
            yield
        finally:
            for number, copy in zip((1, 2), saved, strict=True):
                os.dup2(copy, number)
                os.close(copy)


def keep_events(stack: DeployedStack) -> None:
    """Have a queue that keeps every event that the stack sends."""
    queues: Any = stack.client("sqs")
    events: Any = stack.client("events")
    url = queues.create_queue(QueueName="events-of-the-stack")["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="events-of-the-stack", EventPattern='{"source": ["assetline"]}')
    events.put_targets(Rule="events-of-the-stack", Targets=[{"Id": "queue", "Arn": arn}])


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShownStack]:
    home = tmp_path_factory.mktemp("home")
    settings = paced(StackSettings(free_port(), tmp_path_factory.mktemp("state"), forks_functions=True))
    with running_stack(settings) as stack:
        keep_events(stack)
        shown = ShownStack(stack, settings.folder, home)
        with output_to(home / "demo.txt"):
            show(stack, settings, home / "out", print)
        yield shown


@pytest.fixture(scope="module")
def documents(shown: ShownStack) -> list[Document]:
    """Return everything that was written after the demo, and after every command that reads or deletes."""
    exports, sessions = shown.listed("exports", "list", "--state", "complete"), shown.listed("sessions", "list")
    assert len(exports) == 3
    assert len(shown.listed("drops", "list", "--state", "rejected")) == 3
    for name in [*(export["export_id"] for export in exports), *(session["session_key"] for session in sessions)]:
        shown.ran("logs", name)
        shown.ran("logs", name, "--json")
        shown.ran("report", name)
    (asset, *_) = shown.listed("assets", "list", "ds2")
    shown.ran("assets", "delete", "ds2", asset["assetId"], "--yes")
    shown.ran("assets", "delete", "ds1", "--name", "*.tif", "--yes")
    shown.ran("assets", "download", "unknown", "nowhere", statuses=FAILS)
    assert shown.deleted(dataset_id="ds1", filter="picture.bmp", expect_count=1) == "SUCCEEDED"
    assert shown.deleted(dataset_id="unknown", filter="picture", expect_count=1) == "FAILED"
    for arguments in (["status"], ["datasets", "list"], ["exports", "list"], ["drops", "list"]):
        shown.ran(*arguments)
        shown.ran(*arguments, "--json")
    shown.ran("doctor", statuses=EITHER)  # a local stack has quotas and alarms that doctor warns of
    shown.ran("doctor", "--json", statuses=EITHER)
    return shown.documents()


def test_nothing_that_was_written_has_a_secret(documents: list[Document]) -> None:
    kinds = {place.split()[0] for place, _ in documents}
    assert kinds >= {"log", "execution", "history", "item", "object", "message", "functions", "output", "file"}
    staged = [document for document in documents if SIGNED in document[0]]
    others = [document for document in documents if SIGNED not in document[0]]
    values = signatures(staged)
    assert values  # the search has seen signed URLs, where they are by design
    assert leaks(others, SECRETS | {f"signature {number}": value for number, value in enumerate(sorted(values))}) == []
    assert {line for line in leaks(staged, SECRETS) if not line.endswith(": signature")} == set()


def test_the_refused_token_of_the_demo_left_its_traces(documents: list[Document]) -> None:
    refused = {place.split()[0] for place, content in documents if b"TokenRefused" in content}
    assert refused >= {"log", "execution", "history", "file"}


PRINTS_A_SECRET = """
import boto3

def lambda_handler(event, context):
    print("token:", boto3.client("secretsmanager").get_secret_value(SecretId=event["secret"])["SecretString"])
"""


def test_a_function_that_prints_the_token_is_found(shown: ShownStack, tmp_path: Path) -> None:
    event = json.dumps({"secret": shown.stack.outputs["SafetyCultureSecretArn"]})
    with probe_function(shown.stack, tmp_path, PRINTS_A_SECRET) as function:
        shown.client("lambda").invoke(FunctionName=function, Payload=event)
        found = until(lambda: leaks(everything(shown.stack, shown.state), SECRETS), "the token in a log")
    assert {line for line in found if not line.startswith("object ")} == {
        f"log /aws/lambda/probe-{tmp_path.name}: SafetyCulture token"
    }


def test_a_leak_in_any_place_is_found(shown: ShownStack) -> None:
    bucket, outputs = shown.stack.outputs["ExportBucketName"], shown.stack.outputs
    s3, queues, logs = shown.client("s3"), shown.client("sqs"), shown.client("logs")
    s3.put_object(Bucket=bucket, Key="reports/plain.json", Body=PLANTED.encode())
    s3.put_object(Bucket=bucket, Key="exports/packed.csv.gz", Body=gzip.compress(PLANTED.encode()))
    s3.put_object(Bucket=bucket, Key="exports/described.csv", Body=b"", Metadata={"token": PLANTED})
    s3.put_object(Bucket=bucket, Key="exports/tagged.csv", Body=b"", Tagging=f"token={PLANTED}")
    queues.send_message(QueueUrl=outputs["DropDeadLetterQueueUrl"], MessageBody=PLANTED)
    entry = {"Source": "assetline", "DetailType": "Test", "Detail": json.dumps({"token": PLANTED})}
    shown.client("events").put_events(Entries=[entry])
    shown.client("dynamodb").put_item(
        TableName=outputs["SessionsTableName"], Item={"session_key": {"S": "planted"}, "token": {"S": PLANTED}}
    )
    logs.create_log_stream(logGroupName="/assetline/assetline/write_pages", logStreamName="planted")
    logs.put_log_events(
        logGroupName="/assetline/assetline/write_pages",
        logStreamName="planted",
        logEvents=[{"timestamp": 0, "message": PLANTED}],
    )
    arn = shown.client("stepfunctions").start_execution(
        stateMachineArn=outputs["BackfillStateMachineArn"], input=json.dumps({"token": PLANTED})
    )["executionArn"]
    (shown.state / "logs" / "planted.log").write_text(PLANTED)
    found = leaks(everything(shown.stack, shown.state), {"planted": PLANTED})
    places = (f"object {bucket}/exports/{name}.csv, its metadata and tags" for name in ("described", "tagged"))
    assert {f"{place}: planted" for place in places} <= {*found}
    assert {line.partition(":")[0].split()[0] for line in found} == {
        *("object", "message", "item", "log", "execution", "history", "file")
    }
    assert {f"object {bucket}/reports/plain.json: planted", f"object {bucket}/exports/packed.csv.gz: planted"} <= {
        *found
    }
    assert sum(line.startswith("message ") for line in found) == 2  # of the queue, and of the events
    assert f"execution {arn}: planted" in found
