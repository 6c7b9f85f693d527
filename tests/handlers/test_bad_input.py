"""Errors of an execution's input or token are reported before anything is opened."""

import csv
import io
import json
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from assetline import credentials, errors
from assetline.aws.failures import AwsRefused
from assetline.export import dependencies as connections
from assetline.observability import logger
from local.emulators.safetyculture.scenario import LOCAL_TOKEN, FeedScenario, Forbidden, Unavailable
from local.emulators.safetyculture.server import FeedEmulator
from tests.handlers.conftest import BUCKET, ExportAccount, ExportMachine, event
from tests.support.connections import forget_aws


def nothing_was_opened(aws: ExportAccount) -> bool:
    uploads = aws.s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
    return not uploads and aws.table.scan()["Count"] == 0


@pytest.mark.parametrize(
    ("case", "error", "message"),
    [
        ("unknown_feed", errors.UnknownFeed, "the feeds are: assets"),
        ("unknown_format", errors.InvalidInput, "'format': input should be 'csv'"),
        ("unknown_key", errors.InvalidInput, "'pagesize' is not an allowed key"),
        ("unknown_parameter", errors.InvalidInput, "does not take the parameter 'modified_after'"),
        ("no_object", errors.InvalidInput, "the input is not a JSON object"),
    ],
)
def test_an_input_we_do_not_take_is_refused(
    aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator, case: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as refusal:
        machine.open(event(f"open_export/{case}"))
    assert message in str(refusal.value)
    assert nothing_was_opened(aws)
    assert feed_api.requests() == []


@pytest.mark.parametrize("case", ["assets", "every_key"])
def test_the_inputs_we_document_are_taken(machine: ExportMachine, case: str) -> None:
    assert machine.open(event(f"open_export/{case}"))["checkpoint"]["cursor"].startswith("/feed/assets?limit=")


def test_an_empty_secret_is_named(aws: ExportAccount, machine: ExportMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = boto3.client("secretsmanager").create_secret(Name="empty")["ARN"]
    monkeypatch.setenv("SAFETYCULTURE_SECRET_ARN", empty)
    connections.settings.cache_clear()
    connections.feed_client.cache_clear()
    with pytest.raises(errors.TokenMissing, match="put-secret-value"):
        machine.open(event("open_export/assets"))
    assert nothing_was_opened(aws)


def test_a_secret_marked_for_deletion_names_the_command(aws: ExportAccount, machine: ExportMachine) -> None:
    boto3.client("secretsmanager").delete_secret(SecretId=aws.secret_arn, RecoveryWindowInDays=7)
    forget_aws()
    with pytest.raises(errors.SecretDeleted, match="aws secretsmanager restore-secret --secret-id arn:"):
        machine.open(event("open_export/assets"))
    assert nothing_was_opened(aws)


def test_a_secret_we_may_not_decrypt_is_a_refusal(aws: ExportAccount, machine: ExportMachine) -> None:
    def denied(**_: Any) -> Any:
        error = {"Code": "AccessDeniedException", "Message": "Access to KMS is not allowed"}
        return SimpleNamespace(status_code=400), {"Error": error, "ResponseMetadata": {"HTTPStatusCode": 400}}

    forget_aws()
    credentials.secrets().client.meta.events.register_first("before-call.secrets-manager.GetSecretValue", denied)
    with pytest.raises(AwsRefused, match="Access to KMS is not allowed"):
        machine.open(event("open_export/assets"))


@pytest.mark.parametrize("blank", [" ", "\n"])
def test_a_blank_token_is_a_missing_one(aws: ExportAccount, machine: ExportMachine, blank: str) -> None:
    aws.put_token(blank)
    with pytest.raises(errors.TokenMissing):
        machine.open(event("open_export/assets"))


def test_a_token_put_in_after_a_blank_one_was_seen_works_at_once(aws: ExportAccount, machine: ExportMachine) -> None:
    aws.put_token(" ")
    with pytest.raises(errors.TokenMissing):
        machine.open(event("open_export/assets"))
    boto3.client("secretsmanager").put_secret_value(SecretId=aws.secret_arn, SecretString=LOCAL_TOKEN)
    assert machine.open(event("open_export/assets"))


def test_a_token_with_a_newline_after_it_works(aws: ExportAccount, machine: ExportMachine) -> None:
    aws.put_token("scapi_local_token\n")
    assert machine.open(event("open_export/assets"))


@pytest.mark.parametrize(
    "bad", ["\ufeffscapi_local_token", "scapi_\u200blocal", "scapi_\nlocal", "“scapi_local_token”"]
)
def test_a_token_that_cannot_be_sent_is_refused_until_it_is_corrected(
    aws: ExportAccount, machine: ExportMachine, bad: str
) -> None:
    aws.put_token(bad)
    with pytest.raises(errors.TokenRefused, match=r"character \d+ of \d+ is U\+"):
        machine.open(event("open_export/assets"))
    assert nothing_was_opened(aws)
    boto3.client("secretsmanager").put_secret_value(SecretId=aws.secret_arn, SecretString=LOCAL_TOKEN)
    assert machine.open(event("open_export/assets"))


@pytest.mark.parametrize(
    "input_",
    [
        {"feed": "action_fields", "params": {"x": "\ud800"}},
        {"feed": "action_fields", "params": {"\ud800": "x"}},
        {"feed": "assets\udfff"},
        {"resume": "assets_\ud800"},
        {"source": "vi", "dataset_id": "\ud800"},
        {"feed": "inspections", "params": {"template": ["\ud800"]}},
    ],
)
def test_an_input_with_half_a_character_is_refused(
    aws: ExportAccount, machine: ExportMachine, input_: dict[str, Any]
) -> None:
    with pytest.raises((errors.InvalidInput, errors.UnknownFeed)):
        machine.open(event("open_export/assets") | {"input": input_})
    assert nothing_was_opened(aws)


def test_a_refused_token_opens_nothing(aws: ExportAccount, machine: ExportMachine) -> None:
    aws.put_token("scapi_expired")
    with pytest.raises(errors.TokenRefused, match=r"\(401\)") as refusal:
        machine.open(event("open_export/assets"))
    assert "scapi_expired" not in str(refusal.value)
    assert nothing_was_opened(aws)


def test_a_token_without_the_permission_has_a_named_error(machine: ExportMachine, feed_api: FeedEmulator) -> None:
    feed_api.has(FeedScenario(rows=5, faults=(Forbidden(),)))
    with pytest.raises(errors.FeedForbidden, match=r"/feed/assets \(403\)"):
        machine.run({"feed": "assets"})


def test_a_host_that_does_not_answer_is_named(
    aws: ExportAccount, machine: ExportMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAFETYCULTURE_API_URL", "http://127.0.0.1:9")
    connections.settings.cache_clear()
    connections.feed_client.cache_clear()
    with pytest.raises(errors.FeedUnreachable, match=r"http://127\.0\.0\.1:9"):
        machine.open(event("open_export/assets"))
    assert nothing_was_opened(aws)


def test_no_log_holds_the_token_or_a_record(
    aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = io.StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", written)
    feed_api.has(FeedScenario(rows=30, faults=(Unavailable(page=2, times=1),)))
    result = machine.run({"feed": "assets", "page_size": 10})
    logged = written.getvalue()
    events = [json.loads(line)["message"] for line in logged.splitlines()]
    assert events == ["export_opened", "page_failed", "turn_ended", "export_complete"]
    assert "scapi_" not in logged
    ids = [row["id"] for row in csv.DictReader(io.StringIO(aws.text(result["key"]), newline=""))]
    assert len(ids) == 30
    assert not [record_id for record_id in ids if record_id in logged]
