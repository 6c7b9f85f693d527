"""The state Open Export."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from assetline.export.dependencies import exports_table, failure_of, s3, settings, source_of
from assetline.export.open_export import ExportOpener, OpenExportInput
from assetline.observability import logger


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take `{"execution_arn", "started_at", "input"}`; return `{"export", "checkpoint"}`."""
    opening = OpenExportInput.model_validate(event)
    logger.append_keys(execution_arn=opening.execution_arn)
    door = ExportOpener(source_of, exports_table(), s3(), settings().export_bucket, failure_of)
    return door.open(opening).model_dump(mode="json")
