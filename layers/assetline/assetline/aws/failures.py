"""Translates AWS failures into the error tree, in one place: the client of each service.

A client that is `guarded` raises `AwsUnavailable` for a failure that may pass and `AwsRefused` for one that does not.
Callers handle some answers by their type, such as a failed condition or a missing upload. For these, the client raises
botocore's exception. `AwsRefused` is also a `ClientError`, so that callers can read its code.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.client import BaseClient
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnection

from assetline.errors import AwsUnavailable, Permanent
from assetline.redaction import without_secrets

# botocore: error codes of AWS services for transient failures, with any HTTP status
_TRANSIENT = frozenset(
    {
        "BandwidthLimitExceeded",
        "ConcurrentModificationException",
        "EC2ThrottledException",
        "ExpiredToken",  # the next invocation gets new credentials of the role
        "ExecutionLimitExceeded",
        "ExpiredTokenException",
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "KMS.ThrottlingException",
        "KMSInternalException",
        "LimitExceededException",
        "OperationAborted",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestExpired",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
# Callers catch these answers by their modelled type, or parse them.
_DECIDED_BY_CALLERS = frozenset(
    {"ConditionalCheckFailedException", "NoSuchUpload", "TransactionCanceledException", "TransactionConflictException"}
)
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "AllAccessDisabled", "403", "KMS.AccessDeniedException"})
_MISSING = frozenset(
    {"NoSuchBucket", "QueueDoesNotExist", "ResourceNotFoundException", "StateMachineDoesNotExist", "404"}
)
_MESSAGE_CHARACTERS = 400  # ours: enough for the role, the action and the policy in a message of AWS
_TOO_MANY, _SERVER_ERROR = 429, 500
_RESOURCE = "assetline_resource"
_NAMED_BY = {
    "TableName": "table {}",
    "SecretId": "secret {}",
    "executionArn": "{}",
    "stateMachineArn": "{}",
    "QueueUrl": "{}",
    "FunctionName": "{}",
}


class AwsRefused(Permanent, ClientError):  # noqa: N818 - the names are the vocabulary of the state machines
    """AWS refused the call: denied, missing or invalid. It holds botocore's `response`."""

    def __init__(self, error_response: Any, operation_name: str, message: str) -> None:
        super().__init__(error_response, operation_name)
        self.args = (message,)


def guard(client: BaseClient) -> None:
    """Make *client* raise the errors of this module; a second call has no effect."""
    events = client.meta.events
    service = client.meta.service_model.service_id.hyphenize()
    events.register(f"before-parameter-build.{service}", _note_resource, unique_id="assetline-resource")
    events.register_last(f"after-call.{service}", _raise_refusal, unique_id="assetline-refusal")
    events.register_last(f"after-call-error.{service}", _raise_unavailable, unique_id="assetline-unavailable")


@contextmanager
def reading(resource: str) -> Iterator[None]:
    """Raise `AwsUnavailable` if the body of *resource* ends early: it is read after the call has returned."""
    try:
        yield
    except BotoCoreError as error:
        raise _unavailable("S3 GetObject", resource, type(error).__name__) from error


def code_of(error: ClientError) -> str:
    """Return the error code of an answer; without a body, it is the HTTP status."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _note_resource(params: Mapping[str, Any], context: dict[str, Any], **_: Any) -> None:
    context[_RESOURCE] = _resource(params)


def _raise_refusal(
    http_response: Any, parsed: dict[str, Any], model: Any, context: Mapping[str, Any], **_: Any
) -> None:
    if http_response.status_code < 300:
        return
    error = parsed.get("Error", {})
    code = str(error.get("Code", http_response.status_code))
    call = f"{model.service_model.service_id} {model.name}"
    resource = str(context.get(_RESOURCE, ""))
    if code in _DECIDED_BY_CALLERS:
        return
    status = http_response.status_code
    if code in _TRANSIENT or status == _TOO_MANY or status >= _SERVER_ERROR:
        raise _unavailable(call, resource, code)
    reason = without_secrets(str(error.get("Message", "")), _MESSAGE_CHARACTERS)
    raise AwsRefused(parsed, model.name, _refusal(call, resource, code, reason))


def _raise_unavailable(exception: BaseException, context: Mapping[str, Any], **_: Any) -> None:
    if isinstance(exception, (HTTPClientError, NoConnection)):
        resource = str(context.get(_RESOURCE, ""))
        raise _unavailable("An AWS call", resource, type(exception).__name__) from exception


def _unavailable(call: str, resource: str, code: str) -> AwsUnavailable:
    return AwsUnavailable(f"{call} on {resource} failed ({code}). The failure may be temporary: try again later.")


def _refusal(call: str, resource: str, code: str, reason: str) -> str:
    text = f"AWS refused {call} on {resource} ({code})"
    text += f": {reason.rstrip('.')}." if reason else "."
    if code in _DENIED:
        return f"{text} Check the function's role, the resource's policy and its KMS key, then start again."
    if code in _MISSING:
        return f"{text} Check that the resource exists and that the stack's parameters name it, then start again."
    return f"{text} Correct the request, then start again."


def _resource(params: Mapping[str, Any]) -> str:
    """Return the resource of a call, as a person would write it."""
    if "Bucket" in params:
        return f"s3://{params['Bucket']}" + (f"/{params['Key']}" if "Key" in params else "")
    if "RequestItems" in params:
        return f"table {', '.join(params['RequestItems'])}"
    if "TransactItems" in params:
        return f"table {next(iter(params['TransactItems'][0].values()))['TableName']}"
    if "Entries" in params:
        return "the default event bus"
    return next((form.format(params[name]) for name, form in _NAMED_BY.items() if name in params), "the account")
