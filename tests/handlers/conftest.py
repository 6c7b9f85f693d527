"""An export whose handlers are real, whose AWS is moto and whose feed is the emulated API on loopback."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from threading import RLock
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core.botocore_stubber import BotocoreStubber
from moto.s3 import models as moto_s3
from moto.s3.exceptions import NoSuchUpload
from moto.s3.models import S3Backend

from assetline.export import dependencies as connections
from assetline.export import part_writer as parts
from functions.close_export import app as close_export
from functions.open_export import app as open_export
from functions.write_pages import app as write_pages
from local.emulators.safetyculture.scenario import LOCAL_TOKEN
from local.emulators.safetyculture.server import FeedEmulator, running
from tests.contract.test_grants import granted_to_folder
from tests.simulation.account import MemoryAccount
from tests.support.aws_calls import RECORDING, CallRecorder, outside_the_table
from tests.support.connections import forget_aws

EVENTS = Path(__file__).parents[2] / "events"
FUNCTIONS = Path(__file__).parents[2] / "functions"
BUCKET = "assetline-exports"
TABLE = "exports"


def event(path: str) -> Any:
    """Return one of the payloads in events/."""
    return json.loads((EVENTS / f"{path}.json").read_text())


def lambda_context(remaining_seconds: float = 900) -> Any:
    """Return Lambda's answer to an invocation."""
    return SimpleNamespace(
        function_name="function",
        memory_limit_in_mb=512,
        invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:function",
        aws_request_id="request",
        get_remaining_time_in_millis=lambda: int(remaining_seconds * 1000),
    )


@pytest.fixture(scope="session")
def aws_calls() -> Iterator[CallRecorder]:
    """Return what notes the AWS calls of each function."""
    recorder = CallRecorder()
    with pytest.MonkeyPatch.context() as patch:
        for folder in sorted(FUNCTIONS.iterdir()):
            if (folder / "app.py").exists():
                module = import_module(f"functions.{folder.name}.app")
                patch.setattr(module, "lambda_handler", recorder.of_function(folder.name, module.lambda_handler))
        patch.setattr(BaseClient, "_make_api_call", recorder.of_client(vars(BaseClient)["_make_api_call"]))
        yield recorder
    recorder.write()


@pytest.fixture(autouse=True)
def every_call_is_granted(aws_calls: CallRecorder) -> Iterator[None]:
    """Fail a test whose handlers make an AWS call that the template does not grant and the table does not have."""
    with aws_calls.of_a_test() as noted:
        yield
    if RECORDING not in os.environ:
        outside = outside_the_table(noted)
        refused = {name: sorted({*calls} - granted_to_folder(name)) for name, calls in outside.items()}
        assert not any(refused.values()), f"grant {refused} in the template, then run `make record-calls`"


@pytest.fixture(scope="module")
def emulator() -> Iterator[FeedEmulator]:
    with running() as emulator:
        yield emulator


@pytest.fixture
def feed_api(emulator: FeedEmulator) -> FeedEmulator:
    """Return the emulated API, its journal empty; a test sets its scenario with `has`."""
    emulator.forget()
    return emulator


@dataclass
class ExportAccount:
    """The account's resources, as a test looks at them."""

    s3: Any
    secret_arn: str
    table: Any
    announced: list[dict[str, Any]] = field(default_factory=list)
    executions: dict[str, Any] = field(default_factory=dict)
    bucket: str = BUCKET

    def describe_execution(self, params: dict[str, Any], **_: Any) -> Any:
        """Answer DescribeExecution: an execution runs unless a test sets its end; None is one that is expired."""
        arn = json.loads(params["body"])["executionArn"]
        running = {"status": "RUNNING", "executionArn": arn, "startDate": datetime(2026, 11, 21, 3, tzinfo=UTC)}
        found = self.executions.get(arn, {})
        if found is None:
            error = {"Code": "ExecutionDoesNotExist", "Message": "Execution Does Not Exist"}
            return SimpleNamespace(status_code=400), {"Error": error, "ResponseMetadata": {"HTTPStatusCode": 400}}
        return SimpleNamespace(status_code=200), running | found | {"ResponseMetadata": {"HTTPStatusCode": 200}}

    def list_executions(self, params: dict[str, Any], **_: Any) -> Any:
        """Answer ListExecutions with the executions of a status, the latest first."""
        status = json.loads(params["body"])["statusFilter"]
        listed = [
            {"executionArn": arn, "status": status, "startDate": found["startDate"]}
            for arn, found in self.executions.items()
            if found["status"] == status
        ]
        listed.sort(key=lambda each: each["startDate"], reverse=True)
        return SimpleNamespace(status_code=200), {"executions": listed, "ResponseMetadata": {"HTTPStatusCode": 200}}

    def script_executions(self) -> None:
        """Answer DescribeExecution and ListExecutions from the executions of a test."""
        events = connections.machines().meta.events
        events.register("before-call.sfn.DescribeExecution", self.describe_execution)
        events.register("before-call.sfn.ListExecutions", self.list_executions)

    def bytes(self, key: str) -> bytes:
        """Return an object of the export bucket."""
        content: bytes = self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return content

    def text(self, key: str) -> str:
        """Return an object of the export bucket as text."""
        return self.bytes(key).decode()

    def keys(self, prefix: str = "") -> list[str]:
        """Return the keys in the export bucket."""
        return [item["Key"] for item in self.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])]

    def item(self, export_id: str) -> dict[str, Any]:
        """Return an item of the exports table."""
        item: dict[str, Any] = self.table.get_item(Key={"export_id": export_id})["Item"]
        return item

    def lose(self, *keys: str) -> None:
        """Delete objects, as the bucket's lifecycle does."""
        for key in keys:
            self.s3.delete_object(Bucket=BUCKET, Key=key)

    def deny(self, operation: str) -> None:
        """Let S3 deny an operation, as a bucket policy or a KMS key does."""

        def denied(**_: Any) -> Any:
            error = {"Code": "AccessDenied", "Message": "explicit deny in a resource-based policy"}
            return SimpleNamespace(status_code=403), {"Error": error, "ResponseMetadata": {"HTTPStatusCode": 403}}

        connections.s3().meta.events.register_first(f"before-call.s3.{operation}", denied)

    def put_token(self, token: str) -> None:
        """Put a token in the secret, past every cache."""
        boto3.client("secretsmanager").put_secret_value(SecretId=self.secret_arn, SecretString=token)
        forget_aws()


@pytest.fixture
def account() -> MemoryAccount | None:
    """Return the account that handlers work in: None is one of moto. Modules of long tests have one in memory."""
    return None


in_the_account_of_moto = pytest.mark.parametrize("account", [None], ids=["moto"])


@pytest.fixture
def aws(
    feed_api: FeedEmulator, monkeypatch: pytest.MonkeyPatch, account: MemoryAccount | None
) -> Iterator[ExportAccount]:
    with aws_in_memory(feed_api, monkeypatch, account) if account else aws_of_moto(feed_api, monkeypatch) as aws:
        yield aws


@contextmanager
def aws_of_moto(feed_api: FeedEmulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[ExportAccount]:
    """Set up the resources in an account of moto."""
    with mock_aws(), export_account(feed_api, monkeypatch) as account:
        connections.events().meta.events.register(
            "provide-client-params.events.PutEvents", lambda params, **_: account.announced.extend(params["Entries"])
        )
        for method in ("upload_part_copy", "complete_multipart_upload"):
            monkeypatch.setattr(S3Backend, method, _refusing_closed_uploads(getattr(S3Backend, method)))
        connections.s3().meta.events.register(
            "provide-client-params.s3.CompleteMultipartUpload", refuse_parts_with_a_gap
        )
        account.script_executions()
        yield account


@pytest.fixture
def memory(aws_calls: CallRecorder, monkeypatch: pytest.MonkeyPatch) -> MemoryAccount:
    """Return the account of the simulations, some thirty times as fast as moto's. It answers every call of boto3."""
    account = MemoryAccount()
    account.takes_calls(monkeypatch)
    answers = aws_calls.of_client(with_hooks(vars(BaseClient)["_make_api_call"]))
    monkeypatch.setattr(BaseClient, "_make_api_call", answers)
    return account


def with_hooks(send: Callable[..., Any]) -> Callable[..., Any]:
    """Return *send* that runs the hooks of a client before and after each call, as botocore does; no two at a time."""
    lock = RLock()

    def call(client: BaseClient, operation: str, request: dict[str, Any]) -> Any:
        events, service = client.meta.events, client.meta.service_model
        name = f"{service.service_id.hyphenize()}.{operation}"
        about: dict[str, Any] = {"model": service.operation_model(operation), "context": {}}
        body = json.dumps(request) if service.service_name == "stepfunctions" else b""
        params: dict[str, Any] = {"headers": {}, "body": body, "url_path": "", "query_string": {}, "context": {}}
        answers = events.emit(f"before-call.{name}", params=params, request_signer=None, **about)
        answered = next((answer for _, answer in answers if answer is not None), None)
        if answered is None:
            with lock:
                http, parsed = SimpleNamespace(status_code=200), send(client, operation, request)
        else:
            http, parsed = answered
        if service.service_name != "dynamodb" or answered is not None:  # of a table: the account's answers are parsed
            events.emit(f"after-call.{name}", http_response=http, parsed=parsed, **about)
        if http.status_code >= 300:
            raise client.exceptions.from_code(parsed["Error"]["Code"])(parsed, operation)  # type: ignore[operator]
        return parsed

    return call


@contextmanager
def aws_in_memory(
    feed_api: FeedEmulator, monkeypatch: pytest.MonkeyPatch, memory: MemoryAccount
) -> Iterator[ExportAccount]:
    """Set up the resources in the account of the simulations."""
    with export_account(feed_api, monkeypatch) as account:
        account.announced = memory.announced
        account.script_executions()
        memory.buckets.min_part_bytes = 1
        yield account


@contextmanager
def export_account(feed_api: FeedEmulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[ExportAccount]:
    """Create the resources of exports in whatever answers boto3, and connect the functions to them."""
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    dynamodb = boto3.resource("dynamodb")
    dynamodb.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "export_id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "export_id", "KeyType": "HASH"}],
    )
    secret_arn = boto3.client("secretsmanager").create_secret(Name="token", SecretString=LOCAL_TOKEN)["ARN"]
    for name, value in {
        "EXPORT_BUCKET": BUCKET,
        "EXPORTS_TABLE": TABLE,
        "SAFETYCULTURE_API_URL": feed_api.url,
        "SAFETYCULTURE_SECRET_ARN": secret_arn,
        "VI_API_URL": "http://127.0.0.1:9",
        "VI_SECRET_ARN": "none",
        "PUBLISH_LATEST_FILE": "false",
        # moto copies the checksum of a multipart object as if it were that of the complete object
        "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
    }.items():
        monkeypatch.setenv(name, value)
    _forget_connections()
    yield ExportAccount(boto3.client("s3"), secret_arn, dynamodb.Table(TABLE))
    _forget_connections()


def _forget_connections() -> None:
    forget_aws()
    if connections.feed_client.cache_info().currsize:
        connections.feed_client().close()
    for connection in (connections.settings, connections.feed_client, connections.exports_table, connections.s3):
        connection.cache_clear()
    connections.close_settings.cache_clear()
    connections.events.cache_clear()
    connections.machines.cache_clear()


def refuse_parts_with_a_gap(params: dict[str, Any], **_: Any) -> None:
    """Refuse part numbers that are not 1, 2, 3 …, as S3 does for an upload with checksums; moto takes any."""
    numbers = [part["PartNumber"] for part in params["MultipartUpload"]["Parts"]]
    if numbers != [*range(1, len(numbers) + 1)]:
        error = {"Error": {"Code": "InvalidPartOrder", "Message": f"parts {numbers}"}}
        raise ClientError(error, "CompleteMultipartUpload")  # type: ignore[arg-type] # no metadata


def _refusing_closed_uploads(method: Any) -> Any:
    """Refuse what is asked of an upload that is no more, as S3 does; moto breaks down over it."""

    def refusing(backend: S3Backend, bucket: str, upload_id: str, *args: Any, **options: Any) -> Any:
        if upload_id not in backend.get_bucket(bucket).multiparts:
            raise NoSuchUpload(upload_id=upload_id)
        return method(backend, bucket, upload_id, *args, **options)

    return refusing


@dataclass
class ExportMachine:
    """Plays the machine: the real handlers in the order of its states, every value through JSON as it does."""

    invocation_seconds: float = 900
    executions: int = 0
    pauses: list[int] = field(default_factory=list)
    checkpoints: list[dict[str, Any]] = field(default_factory=list)

    def open(self, opening: dict[str, Any]) -> dict[str, Any]:
        """Play Open Export."""
        return self._invoke(open_export, opening)

    def write(self, state: dict[str, Any]) -> dict[str, Any]:
        """Play one turn of Write Pages and return the state after it."""
        checkpoint = self._invoke(write_pages, state)
        self.checkpoints.append(checkpoint)
        return state | {"checkpoint": checkpoint}

    def close(self, state: dict[str, Any]) -> dict[str, Any]:
        """Play Close Export."""
        return self._invoke(close_export, state)

    def run(self, request: dict[str, Any], started_at: str = "2026-11-21T03:00:00.123Z") -> dict[str, Any]:
        """Play an execution to its end and return its output."""
        self.executions += 1
        execution_arn = f"arn:execution-{self.executions}"
        state = self.open({"execution_arn": execution_arn, "started_at": started_at, "input": request})
        while state["checkpoint"]["cursor"] is not None:
            state = self.write(state)
            if state["checkpoint"]["pause_seconds"]:
                self.pauses.append(state["checkpoint"]["pause_seconds"])
        return self.close(state)

    def _invoke(self, function: Any, payload: dict[str, Any]) -> dict[str, Any]:
        answer = function.lambda_handler(json.loads(json.dumps(payload)), lambda_context(self.invocation_seconds))
        result: dict[str, Any] = json.loads(json.dumps(answer))
        return result


@pytest.fixture
def machine(aws: ExportAccount) -> ExportMachine:
    return ExportMachine()


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let S3 take parts of any size, so that a few pages fill one."""
    monkeypatch.setattr(parts, "part_bytes", lambda _: 12_000)
    monkeypatch.setattr(parts, "MIN_PART_BYTES", 6_000)
    monkeypatch.setattr(moto_s3, "S3_UPLOAD_PART_MIN_SIZE", 1)


@pytest.fixture
def one_request_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every request to AWS be atomic, as on AWS: moto closes parts that another is just putting."""
    send, lock = BotocoreStubber.process_request, RLock()

    def process_request(stubber: BotocoreStubber, request: Any) -> Any:
        with lock:
            return send(stubber, request)

    monkeypatch.setattr(BotocoreStubber, "process_request", process_request)
