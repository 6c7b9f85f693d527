"""The state Close Deletion."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from assetline.assets.dependencies import events, s3, settings
from assetline.deletion.close_deletion import CloseDeletionInput, DeletionCloser
from assetline.observability import logger


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take how the deletion was last seen, and what was caught if anything was; return what it came to."""
    asked = CloseDeletionInput.model_validate(event)
    return DeletionCloser(s3(), events(), settings().export_bucket).close(asked).model_dump(mode="json")
