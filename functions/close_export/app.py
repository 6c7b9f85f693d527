"""The state Close Export."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from assetline.export.checkpoint import OpenedExport
from assetline.export.close_export import close_export
from assetline.export.dependencies import close_settings, events, exports_table, s3
from assetline.observability import logger


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take `{"export", "checkpoint"}`; return the execution's output."""
    opened = OpenedExport.model_validate(event)
    logger.append_keys(export_id=opened.export.export_id)
    result = close_export(
        opened.export,
        opened.checkpoint,
        s3(),
        exports_table(),
        events(),
        latest_file=close_settings().publish_latest_file,
    )
    return result.model_dump(mode="json")
