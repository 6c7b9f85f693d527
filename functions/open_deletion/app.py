"""The state Open Deletion."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from assetline.assets.dependencies import s3, settings, vi_client
from assetline.deletion.open_deletion import DeletionOpener, OpeningTask
from assetline.observability import logger


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take `{"execution_arn", "started_at", "input"}`; return `{"deletion", "progress", "count_after"}`."""
    task = OpeningTask.model_validate(event)
    return DeletionOpener(vi_client(), s3(), settings().export_bucket).open(task).model_dump(mode="json")
