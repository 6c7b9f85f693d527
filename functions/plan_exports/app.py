"""The state Plan Exports."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from assetline.export.plan_exports import plan_exports
from assetline.observability import logger


@logger.inject_lambda_context
def lambda_handler(event: Any, context: LambdaContext) -> dict[str, Any]:
    """Take the input of `export_feeds`; return `{"exports", "max_concurrency"}`."""
    return plan_exports(event).model_dump(mode="json")
