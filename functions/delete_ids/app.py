"""The state Delete Ids."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from assetline.assets.dependencies import s3, vi_client
from assetline.budget import Budget
from assetline.deletion.delete_ids import IdsDeletion
from assetline.deletion.staging import DeletionTask
from assetline.observability import logger

MARGIN_SECONDS = 200  # for three unanswered requests to Vi, and for storing the outcomes


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take `{"deletion", "cursor"}`; return `{"cursor", "wait_seconds", "count_after"}`."""
    budget = Budget(context.get_remaining_time_in_millis() / 1000 - MARGIN_SECONDS)
    deletion = DeletionTask.model_validate(event["deletion"])
    logger.append_keys(deletion_id=deletion.deletion_id)
    return IdsDeletion(vi_client(), s3(), budget).run(deletion, event["cursor"]).model_dump(mode="json")
