"""Called every five minutes, so that no drop is left behind."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from assetline.budget import Budget
from assetline.ingest.dependencies import ledger, runs, sessions_table, settings, settler
from assetline.ingest.sweep_drops import RESERVED_SECONDS, Sweeper
from assetline.observability import logger


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Return the numbers of sessions given up and runs started."""
    sweeper = Sweeper(
        settler=settler(),
        ledger=ledger(),
        table=sessions_table(),
        runs=runs(),
        bucket=settings().export_bucket,
        gather_seconds=settings().gather_seconds,
        budget=Budget(context.get_remaining_time_in_millis() / 1000 - RESERVED_SECONDS),
    )
    return sweeper.sweep().model_dump(mode="json")
