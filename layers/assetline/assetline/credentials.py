"""The credentials that secrets hold: asked of Secrets Manager, kept a few minutes, never logged."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

import orjson
from aws_lambda_powertools.utilities.parameters import SecretsProvider
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError

from assetline.aws.clients import secrets_client
from assetline.aws.failures import AwsRefused, code_of
from assetline.errors import KeyMissing, SecretDeleted, TokenMissing

MAX_AGE_SECONDS = 300  # ours: how long a rotated token may go unnoticed


class Token:
    """The SafetyCulture token that the secret *arn* holds as plain text."""

    def __init__(self, arn: str) -> None:
        self.arn = arn

    def value(self, *, fresh: bool = False) -> str:
        """Return the token, at most five minutes old, or *fresh*.

        Raises:
            TokenMissing: the secret holds nothing, or only blanks.
        """
        secret = _text_of(self.arn, fresh=fresh)
        token = secret.strip() if secret is not None else ""
        if token:
            return token
        if fresh:
            raise self._missing()
        return self.value(fresh=True)  # somebody may have filled it since

    def _missing(self) -> TokenMissing:
        return TokenMissing(
            f"No SafetyCulture token: the secret {self.arn} is empty. Put a token in it "
            f"(aws secretsmanager put-secret-value --secret-id {self.arn} --secret-string scapi_…) and start again."
        )


@dataclass(frozen=True)
class ViCredentials:
    """What the Vi API asks of whoever calls it (contract sheet, section 1)."""

    secret_key: str = field(repr=False)
    organization_id: str


class ViKey:
    """The Vi key and organisation that the secret *arn* holds as JSON; *read* gives its text, anew if told so."""

    def __init__(self, arn: str, read: Callable[[bool], str | None] | None = None) -> None:
        self.arn = arn
        self._read = read or (lambda fresh: _text_of(arn, fresh=fresh))

    def value(self, *, fresh: bool = False) -> ViCredentials:
        """Return the credentials, at most five minutes old, or *fresh*.

        Raises:
            KeyMissing: the secret holds nothing, or not what it should.
        """
        credentials = _credentials_in(self._read(fresh))
        if credentials is not None:
            return credentials
        if not fresh:
            return self.value(fresh=True)  # somebody may have filled it since
        raise KeyMissing(
            f"No Vi key: the secret {self.arn} does not hold the key and the organisation as JSON. Put them in it (aws "
            f"secretsmanager put-secret-value --secret-id {self.arn} --secret-string "
            """'{"secret_key": "dtvi_…", "organization_id": "…"}') and start again."""
        )


def _credentials_in(secret: str | None) -> ViCredentials | None:
    try:
        held = orjson.loads(secret or "")
    except orjson.JSONDecodeError:
        return None
    if not isinstance(held, dict):
        return None
    values = [held.get(name) for name in ("secret_key", "organization_id")]
    key, organization = (value.strip() if isinstance(value, str) else "" for value in values)
    return ViCredentials(key, organization) if key and organization else None


@cache
def secrets() -> SecretsProvider:
    """Return the cache of secrets, kept while a function is warm."""
    return SecretsProvider(boto3_client=secrets_client())


def _text_of(arn: str, *, fresh: bool) -> str | None:
    """Return the text of a secret, or None when it has no value.

    Raises:
        SecretDeleted: the secret is marked for deletion.
        AwsUnavailable, AwsRefused: the secret cannot be read.
    """
    try:
        secret = secrets().get(arn, max_age=MAX_AGE_SECONDS, force_fetch=fresh)
    except GetParameterError as wrapped:
        error = wrapped.__context__
        # A secret without a value answers ResourceNotFoundException; so does one that was deleted.
        if not isinstance(error, AwsRefused):
            raise error or wrapped from None
        if code_of(error) == "ResourceNotFoundException":
            return None
        if code_of(error) == "InvalidRequestException" and "delet" in str(error):
            raise SecretDeleted(
                f"The secret {arn} is marked for deletion. Restore it (aws secretsmanager restore-secret --secret-id "
                f"{arn}) and start again."
            ) from None
        raise error from None
    return secret if isinstance(secret, str) else None
