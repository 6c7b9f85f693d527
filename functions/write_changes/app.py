"""The state Write Changes."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from assetline.export.checkpoint import Export
from assetline.export.dependencies import s3
from assetline.export.write_changes import export_changes
from assetline.observability import logger


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take `{"export"}` with a published file; return `{"changes_key", "added", "changed", "removed"}`."""
    export = Export.model_validate(event["export"])
    logger.append_keys(export_id=export.export_id)
    return export_changes(export, s3()).model_dump(mode="json")
