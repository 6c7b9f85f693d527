"""The API token of a secret: asked of Secrets Manager, kept a few minutes, never logged."""

from aws_lambda_powertools.utilities.parameters import GetParameterError, get_secret

from assetline.errors import TokenMissing

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
        try:
            secret = get_secret(self.arn, max_age=MAX_AGE_SECONDS, force_fetch=fresh)
        except GetParameterError as error:
            # A secret nobody has put a value in answers ResourceNotFoundException; so does one that was deleted.
            if "ResourceNotFoundException" in str(error):
                raise self._missing() from error
            raise
        token = secret.strip() if isinstance(secret, str) else ""
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
