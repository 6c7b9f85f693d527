"""The state Close Deletion."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from assetline.assets.dependencies import events, s3, settings
from assetline.deletion.close_deletion import CloseDeletionInput, DeletionCloser
from assetline.observability import logger


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take the last progress of the deletion and the caught error, if any; return the result of the deletion."""
    closing = CloseDeletionInput.model_validate(event)
    return DeletionCloser(s3(), events(), settings().export_bucket).close(closing).model_dump(mode="json")
