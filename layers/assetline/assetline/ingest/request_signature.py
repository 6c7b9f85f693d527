"""The signature of a request to AWS (AWS Signature Version 4), for the few calls that are made by the thousand."""

import hmac
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from botocore.credentials import ReadOnlyCredentials

_ALGORITHM = "AWS4-HMAC-SHA256"


def signed(  # noqa: PLR0913, PLR0917 - the inputs of a signature
    request_line: str,
    headers: Mapping[str, str],
    body_hash: str,
    service: str,
    region: str,
    credentials: "ReadOnlyCredentials",
    now: datetime,
) -> dict[str, str]:
    """Return *headers*, all of them signed, with the date, the token and the signature.

    *request_line* is the method, the path and the query, each in a line. *headers* have `host` and lower-case names.
    *body_hash* is the SHA-256 of the body, in hexadecimal.
    """
    named = dict(headers) | {"x-amz-date": f"{now:%Y%m%dT%H%M%SZ}"}
    if credentials.token:
        named["x-amz-security-token"] = credentials.token
    names = ";".join(sorted(named))
    lines = "".join(f"{name}:{named[name]}\n" for name in sorted(named))
    request = f"{request_line}\n{lines}\n{names}\n{body_hash}"
    scope = f"{now:%Y%m%d}/{region}/{service}/aws4_request"
    to_sign = f"{_ALGORITHM}\n{named['x-amz-date']}\n{scope}\n{sha256(request.encode()).hexdigest()}"
    signature = hmac.digest(_signing_key(credentials.secret_key, scope), to_sign.encode(), "sha256").hex()
    credential = f"Credential={credentials.access_key}/{scope}"
    return named | {"authorization": f"{_ALGORITHM} {credential}, SignedHeaders={names}, Signature={signature}"}


@lru_cache(maxsize=4)
def _signing_key(secret_key: str, scope: str) -> bytes:
    key = f"AWS4{secret_key}".encode()
    for piece in scope.split("/"):
        key = hmac.digest(key, piece.encode(), "sha256")
    return key
