"""Reads small objects from S3 in a fifth of boto3's time, which dominates for thousands of them.

The requests use pooled connections and our own signature. For any answer but the object itself, the caller uses boto3,
which handles all cases.
"""

import hmac
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from assetline.errors import SignedUrlRefused, ViUnreachable
from assetline.http.signed_url_requests import SignedRequests
from assetline.ingest.staging import SliceAsset

if TYPE_CHECKING:
    from botocore.credentials import ReadOnlyCredentials

READ_SECONDS = 30.0
IDLE_SECONDS = 15.0  # ours: S3 closes a connection that is idle for a while
_OK = 200
_ALGORITHM = "AWS4-HMAC-SHA256"
_NOTHING = sha256(b"").hexdigest()  # the body of a GET


class SmallObjects:
    """Reads complete objects of the S3 at *endpoint*. It is thread-safe."""

    def __init__(self, endpoint: str, region: str, credentials: "Callable[[], ReadOnlyCredentials | None]") -> None:
        self._endpoint = endpoint
        self._host = urlsplit(endpoint).netloc
        self._region = region
        self._credentials = credentials
        self._requests = SignedRequests(READ_SECONDS, IDLE_SECONDS)

    def read(self, asset: SliceAsset) -> bytes | None:
        """Return the bytes of an object that is unchanged since its drop, or None: then the caller uses boto3."""
        credentials = self._credentials()
        if credentials is None:
            return None
        path = quote(f"/{asset.bucket}/{asset.key}", safe="/-_.~")
        headers = signed("GET", self._host, path, "", self._region, credentials, datetime.now(UTC))
        headers["if-match"] = f'"{asset.etag}"'
        try:
            with self._requests.sent("GET", f"{self._endpoint}{path}", headers) as answer:
                content = b"".join(answer.pieces())
        except (SignedUrlRefused, ViUnreachable):
            return None
        return content if answer.status == _OK and len(content) == asset.size else None

    def close(self) -> None:
        """Close the connections."""
        self._requests.close()


def signed(  # noqa: PLR0913, PLR0917 - the inputs of a signature
    method: str, host: str, path: str, query: str, region: str, credentials: "ReadOnlyCredentials", now: datetime
) -> dict[str, str]:
    """Return the headers of a request to S3 without a body, with its signature (AWS Signature Version 4)."""
    headers = {"host": host, "x-amz-content-sha256": _NOTHING, "x-amz-date": f"{now:%Y%m%dT%H%M%SZ}"}
    if credentials.token:
        headers["x-amz-security-token"] = credentials.token
    names = ";".join(headers)  # already in alphabetical order
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    request = f"{method}\n{path}\n{query}\n{lines}\n{names}\n{_NOTHING}"
    scope = f"{now:%Y%m%d}/{region}/s3/aws4_request"
    to_sign = f"{_ALGORITHM}\n{headers['x-amz-date']}\n{scope}\n{sha256(request.encode()).hexdigest()}"
    signature = hmac.digest(_signing_key(credentials.secret_key, scope), to_sign.encode(), "sha256").hex()
    credential = f"Credential={credentials.access_key}/{scope}"
    return headers | {"authorization": f"{_ALGORITHM} {credential}, SignedHeaders={names}, Signature={signature}"}


@lru_cache(maxsize=4)
def _signing_key(secret_key: str, scope: str) -> bytes:
    key = f"AWS4{secret_key}".encode()
    for piece in scope.split("/"):
        key = hmac.digest(key, piece.encode(), "sha256")
    return key
