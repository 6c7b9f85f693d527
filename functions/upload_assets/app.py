"""The state Upload Assets."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from assetline.aws.s3_documents import Address
from assetline.ingest.dependencies import s3, slice_upload
from assetline.ingest.upload_assets import upload_slice
from assetline.observability import logger


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take the address of a slice; return the numbers of drops uploaded and failed."""
    return upload_slice(s3(), Address.model_validate(event), slice_upload())
