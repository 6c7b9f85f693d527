"""Late uploads: a frozen function may send a file after its session was settled.

A newer session may have sent the asset meanwhile, so that Vi now holds old content. The newest object is sent again.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from assetline.ingest.drop import drop_id
from assetline.ingest.ledger import Ledger
from assetline.ingest.staging import SliceAsset
from assetline.observability import logger

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def send_newest_again(s3: "S3Client", ledger: Ledger, assets: Iterable[SliceAsset], session_key: str) -> None:
    """Send the current objects of *assets* again if they belong to another session than *session_key*."""
    newest = {found for asset in assets if (found := _newest(s3, asset)) is not None}
    resent = ledger.send_again(newest, session_key)
    if resent:
        logger.warning("sent_again_after_late_upload", session_key=session_key, drops=len(resent))


def _newest(s3: "S3Client", asset: SliceAsset) -> str | None:
    """Return the id of the drop of an object as it is in S3 now, None if S3 does not return it."""
    try:
        etag = s3.head_object(Bucket=asset.bucket, Key=asset.key)["ETag"].strip('"')
    except ClientError:
        return None
    return drop_id(asset.bucket, asset.key, etag)
