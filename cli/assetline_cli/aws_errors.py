"""Messages for errors of AWS and of boto3."""

from __future__ import annotations

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's, and only here
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
)

from assetline.redaction import without_secrets

EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"})

UNKNOWN_KEY = frozenset(
    {
        "AuthFailure",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)

DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403"})

THROTTLED = frozenset({"RequestLimitExceeded", "SlowDown", "Throttling", "ThrottlingException", "TooManyRequests"})

MESSAGE_CHARACTERS = 2000  # ours: longest reason in a message

# Errors of botocore before any answer, with their messages.
OUT_OF_REACH: tuple[tuple[tuple[type[BotoCoreError], ...], str], ...] = (
    (
        (NoCredentialsError,),
        (
            "No AWS credentials found. Run `aws configure` or `aws sso login`, set AWS_PROFILE, or "
            "source the env file of the local stack."
        ),
    ),
    (
        (PartialCredentialsError, CredentialRetrievalError, ProfileNotFound),
        "The AWS credentials cannot be used: {reason} Check AWS_PROFILE and ~/.aws.",
    ),
    ((SSOError,), "The AWS sign-in cannot be used: {reason} Run `aws sso login`."),
    ((NoRegionError,), "No AWS region is set. Set AWS_REGION, or a region in the profile."),
    (
        (ConnectionError, HTTPClientError),
        "AWS did not answer: {reason} Check the network and, if AWS_ENDPOINT_URL is set, that endpoint.",
    ),
)


def code_of(error: ClientError) -> str:
    """Return the error code AWS answered with."""
    return error.response.get("Error", {}).get("Code", "Unknown")


def is_no_answer(error: BotoCoreError | ClientError) -> bool:
    """Return whether AWS did not answer, which may pass; other errors are answers."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return code_of(error) in THROTTLED or status >= 500
    return isinstance(error, (ConnectionError, HTTPClientError))


def explain(error: BotoCoreError | ClientError) -> str:
    """Return one message: what failed, and what to do."""
    if isinstance(error, ClientError):
        return _explain_answer(error)
    for kinds, words in OUT_OF_REACH:
        if isinstance(error, kinds):
            return words.format(reason=_sentence(str(error)))
    return f"The AWS client failed: {_sentence(str(error))}"


def _explain_answer(error: ClientError) -> str:
    code, operation = code_of(error), error.operation_name
    reason = _sentence(error.response.get("Error", {}).get("Message", ""))
    if code in EXPIRED:
        return f"The AWS credentials have expired ({code}). Sign in again, for example with `aws sso login`."
    if code in UNKNOWN_KEY:
        return f"AWS does not accept the credentials ({code}). Check AWS_PROFILE, the access key and the endpoint."
    if code in DENIED:
        return f"AWS denied {operation} ({code}): {reason} Ask for that permission, or use another AWS_PROFILE."
    if code in THROTTLED:
        return f"AWS throttled {operation} ({code}). Wait a moment and run the command again."
    return f"AWS refused {operation} ({code}): {reason}"


def _sentence(text: str) -> str:
    text = without_secrets(text, MESSAGE_CHARACTERS) or "no reason given"
    return text if text.endswith((".", '"')) else f"{text}."
