"""Late uploads: a function that was frozen may send a file after its session was settled.

Meanwhile a newer session may have sent the asset, so that Vi holds old content now. The newest object is sent again.
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
    """Have the objects of *assets* sent again, each as it is now, where another session than *session_key* has them."""
    newest = {found for asset in assets if (found := _newest(s3, asset)) is not None}
    again = ledger.send_again(newest, session_key)
    if again:
        logger.warning("sent_again_after_late_upload", session_key=session_key, drops=len(again))


def _newest(s3: "S3Client", asset: SliceAsset) -> str | None:
    """Return the id of the drop of an object as it is in S3 now; None when S3 does not give it out."""
    try:
        etag = s3.head_object(Bucket=asset.bucket, Key=asset.key)["ETag"].strip('"')
    except ClientError:
        return None
    return drop_id(asset.bucket, asset.key, etag)
