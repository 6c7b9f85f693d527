"""Small objects out of S3 in a third of the time: for thousands of them, boto3 is what takes longest.

The URL is signed by boto3 and asked for over connections of our own. Whatever is not simply the object, is left to
boto3, which knows what to do about it.
"""

from typing import TYPE_CHECKING, Any

from assetline.errors import ViRefused, ViUnreachable
from assetline.ingest.slices import SliceAsset
from assetline.vi.signed import SignedRequests

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SECONDS = 900  # the URL is used at once, and is good for as long as the invocation
READ_SECONDS = 30.0
_OK = 200


class SmallObjects:
    """Reads objects whole; threads may share one."""

    def __init__(self, s3: "S3Client") -> None:
        self._s3 = s3
        self._requests = SignedRequests(READ_SECONDS, idle_seconds=15)

    def read(self, asset: SliceAsset) -> bytes | None:
        """Return the bytes of the very version of an object, or None: then boto3 is to be asked."""
        wanted: dict[str, Any] = {"VersionId": asset.version_id} if asset.version_id else {"IfMatch": f'"{asset.etag}"'}
        url = self._s3.generate_presigned_url(
            "get_object", Params={"Bucket": asset.bucket, "Key": asset.key, **wanted}, ExpiresIn=SECONDS
        )
        headers = {"if-match": wanted["IfMatch"]} if "IfMatch" in wanted else {}
        try:
            with self._requests.sent("GET", url, headers) as answer:
                content = b"".join(answer.pieces())
        except (ViUnreachable, ViRefused):
            return None
        return content if answer.status == _OK and len(content) == asset.size else None

    def close(self) -> None:
        """Close the connections."""
        self._requests.close()
