"""Answers of AWS become errors of the tree at the client, for every service."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ReadTimeoutError
from botocore.stub import Stubber

from assetline.aws.failures import AwsRefused, guard, reading
from assetline.errors import AwsUnavailable, Permanent, Retryable

type Call = Callable[[Any], object]

CALLS: dict[str, tuple[str, str, Call, str]] = {
    "S3": ("s3", "get_object", lambda c: c.get_object(Bucket="b", Key="k/x.png"), "S3 GetObject on s3://b/k/x.png"),
    "DynamoDB": (
        "dynamodb",
        "get_item",
        lambda c: c.get_item(TableName="drops", Key={"drop_id": {"S": "1"}}),
        "DynamoDB GetItem on table drops",
    ),
    "Secrets Manager": (
        "secretsmanager",
        "get_secret_value",
        lambda c: c.get_secret_value(SecretId="arn:secret"),
        "Secrets Manager GetSecretValue on secret arn:secret",
    ),
    "EventBridge": (
        "events",
        "put_events",
        lambda c: c.put_events(Entries=[{"Source": "assetline", "DetailType": "t", "Detail": "{}"}]),
        "EventBridge PutEvents on the default event bus",
    ),
    "Step Functions": (
        "stepfunctions",
        "start_execution",
        lambda c: c.start_execution(stateMachineArn="arn:machine"),
        "SFN StartExecution on arn:machine",
    ),
}
every_service = pytest.mark.parametrize("service", CALLS)


def answered(service: str, code: str, status: int, message: str = "") -> Exception:
    """Return the error that the call of a service raises when AWS answers so."""
    name, operation, call, _ = CALLS[service]
    client: Any = boto3.client(name)  # type: ignore[call-overload] # the name is a variable
    guard(client)
    with Stubber(client) as stub:
        stub.add_client_error(operation, code, message, http_status_code=status)
        with pytest.raises((Retryable, Permanent, ClientError)) as raised:
            call(client)
    return raised.value


@every_service
@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("SlowDown", 503),
        ("InternalError", 500),
        ("ThrottlingException", 400),
        ("ProvisionedThroughputExceededException", 400),
        ("TooManyRequestsException", 429),
        ("ExpiredTokenException", 400),
        ("AnUnheardOfCode", 503),
    ],
)
def test_a_transient_answer_is_aws_unavailable(service: str, code: str, status: int) -> None:
    error = answered(service, code, status)
    assert type(error) is AwsUnavailable
    assert str(error).startswith(f"{CALLS[service][3]} failed ({code}).")


@every_service
@pytest.mark.parametrize(
    ("code", "status", "advice"),
    [
        ("AccessDeniedException", 400, "Check the function's role, the resource's policy and its KMS key"),
        ("AccessDenied", 403, "Check the function's role"),
        ("NoSuchBucket", 404, "Check that the resource exists and that the stack's parameters name it"),
        ("ResourceNotFoundException", 400, "Check that the resource exists"),
        ("ValidationException", 400, "Correct the request, then start again."),
    ],
)
def test_a_refusal_names_the_call_the_resource_and_a_remedy(service: str, code: str, status: int, advice: str) -> None:
    error = answered(service, code, status, "User r is not authorized to perform kms:Decrypt")
    assert type(error) is AwsRefused
    assert isinstance(error, Permanent)
    assert f"{CALLS[service][3]} ({code}): User r is not authorized to perform kms:Decrypt." in str(error)
    assert advice in str(error)
    assert error.response["Error"]["Code"] == code


def test_an_answer_that_callers_catch_by_type_stays_botocore_own() -> None:
    error = answered("DynamoDB", "ConditionalCheckFailedException", 400)
    assert type(error).__name__ == "ConditionalCheckFailedException"


@every_service
def test_no_answer_at_all_is_aws_unavailable(service: str) -> None:
    name, _, call, named = CALLS[service]
    client: Any = boto3.client(  # type: ignore[call-overload] # the name is a variable
        name, endpoint_url="http://127.0.0.1:9", config=Config(retries={"total_max_attempts": 1})
    )
    guard(client)
    with pytest.raises(AwsUnavailable, match=r"EndpointConnectionError") as raised:
        call(client)
    assert named.partition(" on ")[2] in str(raised.value)


def test_a_body_that_breaks_off_is_aws_unavailable() -> None:
    with pytest.raises(AwsUnavailable, match=r"s3://b/k failed \(ReadTimeoutError\)"), reading("s3://b/k"):
        raise ReadTimeoutError(endpoint_url="https://s3")
