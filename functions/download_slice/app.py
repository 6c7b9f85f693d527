"""The state Download Slice."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from assetline.assets.dependencies import downloader, s3, vi_client
from assetline.aws.s3_documents import Address
from assetline.budget import Budget
from assetline.download.download_slice import SliceDownload, download_slice
from assetline.observability import logger

MARGIN_SECONDS = 60  # for the files in progress, and for storing the outcomes


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take the address of a slice; return the numbers of files written, skipped, failed, and left for another turn."""
    budget = Budget(context.get_remaining_time_in_millis() / 1000 - MARGIN_SECONDS)
    address = Address.model_validate({"bucket": event["bucket"], "key": event["key"]})
    return download_slice(s3(), address, SliceDownload(vi_client(), downloader(), s3(), budget))
