"""The state Poll Deletion."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from assetline.assets.dependencies import s3, vi_client
from assetline.deletion.poll_deletion import DeletionPoller
from assetline.deletion.staging import DeletionTask
from assetline.observability import logger


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take `{"deletion", "polls"}`; return `{"progress", "wait_seconds", "count_after", "failure"}`."""
    deletion = DeletionTask.model_validate(event["deletion"])
    logger.append_keys(deletion_id=deletion.deletion_id, session_id=deletion.session_id)
    return DeletionPoller(vi_client(), s3()).look(deletion, event["polls"]).model_dump(mode="json")
