"""The state Write Pages."""

import sys
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from assetline.budget import Budget
from assetline.export.checkpoint import OpenedExport
from assetline.export.dependencies import exports_table, s3, source_of
from assetline.export.progress_reporter import Report
from assetline.export.staging import ExportStaging
from assetline.export.write_pages import WritePagesTurn, turn_seconds, write_pages
from assetline.observability import logger

# ours: seconds. A thread whose page arrives asks for the next one at once, while another thread renders or uploads.
SWITCH_SECONDS = 0.0005
sys.setswitchinterval(SWITCH_SECONDS)


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take `{"export", "checkpoint"}`; return the next checkpoint."""
    opened = OpenedExport.model_validate(event)
    export = opened.export
    logger.append_keys(export_id=export.export_id)
    staging = ExportStaging(s3(), export.bucket, export.export_id)
    staging.fetch_ahead(opened.checkpoint.memory)
    checkpoint = exports_table().begun(export, opened.checkpoint)
    turn = WritePagesTurn(
        source=source_of(export.request),
        staging=staging,
        table=exports_table(),
        report=Report(exports_table(), export, checkpoint),
        budget=Budget(turn_seconds(export.request.max_turn_seconds, context.get_remaining_time_in_millis() / 1000)),
    )
    return write_pages(export, checkpoint, turn).model_dump(mode="json")
