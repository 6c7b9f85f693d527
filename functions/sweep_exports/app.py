"""Called every fifteen minutes, so that no export is recorded as running after its execution has ended."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from assetline.budget import Budget
from assetline.config import SweepSettings
from assetline.export.dependencies import close_settings, events, exports_table, machines, s3, settings
from assetline.export.sweep_exports import ExportSweeper
from assetline.observability import logger

RESERVED_SECONDS = 300  # ours: the time of a salvage that begins at the end of the budget


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Return the number of executions checked."""
    sweeper = ExportSweeper(
        machines=machines(),
        machine_arn=SweepSettings.from_env().export_state_machine_arn,
        bucket=settings().export_bucket,
        s3=s3(),
        table=exports_table(),
        events=events(),
        budget=Budget(context.get_remaining_time_in_millis() / 1000 - RESERVED_SECONDS),
        latest_file=close_settings().publish_latest_file,
    )
    return sweeper.sweep().model_dump(mode="json")
