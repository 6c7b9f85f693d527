"""The state Close Download."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from assetline.assets.dependencies import events, s3
from assetline.download.close_download import CloseDownloadInput, DownloadCloser
from assetline.observability import logger


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take `{"download", "execution_arn", "input", "turns", "error"}`; return the result of the download."""
    closing = CloseDownloadInput.model_validate(event)
    logger.append_keys(download_id=closing.download.download_id)
    return DownloadCloser(s3(), events()).close(closing).model_dump(mode="json")
