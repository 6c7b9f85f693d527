"""Small objects out of S3 in a third of the time: for thousands of them, boto3 is what takes longest.

The URL is signed by boto3 and asked for over connections of our own. Whatever is not simply the object, is left to
boto3, which knows what to do about it.
"""

from typing import TYPE_CHECKING, Any

import httpcore

from assetline.ingest.slices import SliceAsset

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CONNECTIONS = 64
SECONDS = 900  # the URL is used at once, and is good for as long as the invocation
_TIMEOUT = {"connect": 5.0, "read": 30.0, "write": 30.0, "pool": 60.0}
_OK = 200


class SmallObjects:
    """Reads objects whole; threads may share one."""

    def __init__(self, s3: "S3Client") -> None:
        self._s3 = s3
        self._pool = httpcore.ConnectionPool(
            max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS, keepalive_expiry=15, retries=1
        )

    def read(self, asset: SliceAsset) -> bytes | None:
        """Return the bytes of the very version of an object, or None: then boto3 is to be asked."""
        wanted: dict[str, Any] = {"VersionId": asset.version_id} if asset.version_id else {"IfMatch": f'"{asset.etag}"'}
        url = self._s3.generate_presigned_url(
            "get_object", Params={"Bucket": asset.bucket, "Key": asset.key, **wanted}, ExpiresIn=SECONDS
        )
        headers = [("if-match", wanted["IfMatch"])] if "IfMatch" in wanted else []
        try:
            answer = self._pool.request("GET", url, headers=headers, extensions={"timeout": _TIMEOUT})
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError):
            return None
        return answer.content if answer.status == _OK and len(answer.content) == asset.size else None

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()
