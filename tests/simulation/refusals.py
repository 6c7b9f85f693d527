"""Refusals of AWS, as boto3 raises them."""

from types import SimpleNamespace
from typing import Any

from botocore.client import BaseClient
from botocore.exceptions import ClientError

type Request = dict[str, Any]
type Answer = dict[str, Any]

_STATUS = {
    "NoSuchKey": 404,
    "404": 404,
    "412": 412,
    "NoSuchUpload": 404,
    "PreconditionFailed": 412,
}


def refusal(client: BaseClient, operation: str, code: str, **more: Any) -> ClientError:
    """Return the error of a call that AWS refuses."""
    response: Any = {
        "Error": {"Code": code, "Message": code},
        "ResponseMetadata": {"HTTPStatusCode": _STATUS.get(code, 400)},
    }
    kind: Any = client.exceptions.from_code(code)  # a class, though the stubs have it as one of its objects
    error: ClientError = kind(response | more, operation)
    return error


def notify_guard(client: BaseClient, operation: str, error: ClientError) -> None:
    """Run the hooks that a client has for refusals: `assetline.aws.failures.guard` raises its own errors there."""
    model = client.meta.service_model
    client.meta.events.emit(
        f"after-call.{model.service_id.hyphenize()}.{operation}",
        http_response=SimpleNamespace(status_code=error.response["ResponseMetadata"]["HTTPStatusCode"]),
        parsed=error.response,
        model=model.operation_model(operation),
        context={},
    )
