"""The state List Assets."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from assetline.assets.dependencies import s3, settings, vi_client
from assetline.budget import Budget
from assetline.download.list_assets import ListAssetsInput, list_assets
from assetline.observability import logger

MARGIN_SECONDS = 60  # for the page in flight, and for storing the result


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take `{"execution_arn", "started_at", "input", "turn", "cursor"}`; return the slices and the next cursor."""
    budget = Budget(context.get_remaining_time_in_millis() / 1000 - MARGIN_SECONDS)
    listing_input = ListAssetsInput.model_validate(event)
    return list_assets(listing_input, vi_client(), s3(), settings().export_bucket, budget).model_dump(mode="json")
