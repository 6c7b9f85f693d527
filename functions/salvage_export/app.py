"""Called when an execution of `export_feed` has failed, timed out or was stopped."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from assetline.export.dependencies import close_settings, events, exports_table, machines, s3, settings
from assetline.export.ended_execution import EndedExecution
from assetline.export.salvage_export import end_export
from assetline.observability import logger


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any] | None:
    """Take EventBridge's event of the execution's status; return the partial export that was published, if any."""
    ended = EndedExecution.model_validate(event["detail"])
    logger.append_keys(execution_arn=ended.execution_arn)
    salvaged = end_export(
        ended.completed(machines()),
        settings().export_bucket,
        s3(),
        exports_table(),
        events(),
        latest_file=close_settings().publish_latest_file,
    )
    return None if salvaged is None else salvaged.model_dump(mode="json")
