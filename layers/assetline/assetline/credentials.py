"""The credentials in secrets: read from Secrets Manager, cached for minutes, never logged."""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

import orjson
from aws_lambda_powertools.utilities.parameters import SecretsProvider
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError

from assetline.aws.clients import secrets_client
from assetline.aws.failures import AwsRefused, code_of
from assetline.errors import KeyMissing, KeyRefused, SecretDeleted, TokenMissing, TokenRefused
from assetline.redaction import never_show

MAX_AGE_SECONDS = 300  # ours: the longest delay until a rotated token is used

_CONTROLS = {"\n": "line break", "\r": "carriage return", "\t": "tab", "\0": "null"}


class Token:
    """The SafetyCulture token that the secret *arn* holds as plain text.

    *read* returns the text of the secret; its argument requests a read past the cache.
    """

    def __init__(self, arn: str, read: Callable[[bool], str | None] | None = None) -> None:
        self.arn = arn
        self._read = read or (lambda fresh: _text_of(arn, fresh=fresh))

    def value(self, *, fresh: bool = False) -> str:
        """Return the token, at most five minutes old, or *fresh*. The cache never holds an unusable token.

        Raises:
            TokenMissing: the secret is empty, or holds only blanks.
            TokenRefused: the secret holds a character that a token cannot contain.
        """
        token = (self._read(fresh) or "").strip()
        flaw = foreign_character(token)
        never_show(token)
        if token and flaw is None:
            return token
        if not fresh:
            return self.value(fresh=True)  # the secret may have been corrected since
        if flaw is not None:
            raise TokenRefused(
                f"The SafetyCulture token in the secret {self.arn} cannot be sent: {flaw}. A token has letters, "
                f"digits and punctuation only. Store the token again ({self.put_command()}) and start again."
            )
        raise TokenMissing(
            f"No SafetyCulture token: the secret {self.arn} is empty. Store a token ({self.put_command()}) and start "
            "again."
        )

    def put_command(self) -> str:
        """Return the command that stores a token in the secret."""
        return f"aws secretsmanager put-secret-value --secret-id {self.arn} --secret-string scapi_…"


@dataclass(frozen=True)
class ViCredentials:
    """The credentials of the Vi API (docs/contracts/vi-api.md, section 1)."""

    secret_key: str = field(repr=False)
    organization_id: str


class ViKey:
    """The Vi key and organisation that the secret *arn* holds as JSON.

    *read* returns the text of the secret; its argument requests a read past the cache.
    """

    def __init__(self, arn: str, read: Callable[[bool], str | None] | None = None) -> None:
        self.arn = arn
        self._read = read or (lambda fresh: _text_of(arn, fresh=fresh))

    def value(self, *, fresh: bool = False) -> ViCredentials:
        """Return the credentials, at most five minutes old, or *fresh*. The cache never holds unusable ones.

        Raises:
            KeyMissing: the secret is empty, or does not hold the expected JSON.
            KeyRefused: the key or the organisation holds a character that it cannot contain.
        """
        secret = self._read(fresh)
        credentials = _credentials_in(secret)
        flaw = None if credentials is None else _flaw_of(credentials)
        if credentials is not None:
            never_show(credentials.secret_key)
        if credentials is not None and flaw is None:
            return credentials
        if not fresh:
            return self.value(fresh=True)  # the secret may have been corrected since
        if flaw is not None:
            raise KeyRefused(
                f"The Vi key in the secret {self.arn} cannot be sent: {flaw}. Store the key again {self._put()}"
            )
        raise KeyMissing(
            f"No Vi key: the secret {self.arn} does not hold the key and the organisation as "
            f"JSON{_where_json_ends(secret)}. Store them {self._put()}"
        )

    def _put(self) -> str:
        return (
            f"(aws secretsmanager put-secret-value --secret-id {self.arn} --secret-string "
            """'{"secret_key": "dtvi_…", "organization_id": "…"}') and start again."""
        )


def foreign_character(credential: str) -> str | None:
    """Return which character of *credential* is invalid in a header, and its position; None without one.

    The description quotes no other character.
    """
    for place, character in enumerate(credential, start=1):
        if not "!" <= character <= "~":
            return f"character {place} of {len(credential)} is {_name_of(character)}"
    return None


def _name_of(character: str) -> str:
    name = unicodedata.name(character, "") or _CONTROLS.get(character, "a control character")
    return f"U+{ord(character):04X} ({name.lower()})"


def _flaw_of(credentials: ViCredentials) -> str | None:
    for name, value in (("secret_key", credentials.secret_key), ("organization_id", credentials.organization_id)):
        if flaw := foreign_character(value):
            return f"of {name}, {flaw}"
    return None


def _where_json_ends(secret: str | None) -> str:
    """Return a remark on the character at which *secret* stops being JSON, if no keyboard types it."""
    try:
        orjson.loads(secret or "")
    except orjson.JSONDecodeError:
        odd = (place for place, character in enumerate(secret or "", start=1) if not character.isascii())
        place = next(odd, None)
        return "" if place is None or secret is None else f" (character {place} is {_name_of(secret[place - 1])})"
    return ""


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
    """Return the text of a secret, or None if it has no value.

    Raises:
        SecretDeleted: the secret is marked for deletion.
        AwsUnavailable, AwsRefused: the secret cannot be read.
    """
    try:
        secret = secrets().get(arn, max_age=MAX_AGE_SECONDS, force_fetch=fresh)
    except GetParameterError as wrapped:
        error = wrapped.__context__
        # Secrets Manager answers ResourceNotFoundException for a secret without a value, and for a deleted one.
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
