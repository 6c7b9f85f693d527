"""Called every five minutes: nothing that was dropped is left behind."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from assetline.budget import Budget
from assetline.ingest.dependencies import events, ledger, run_ownership, runs, s3, sessions_table, settings, vi_client
from assetline.ingest.settle_session import Settler
from assetline.ingest.sweep_drops import RESERVED_SECONDS, Sweeper
from assetline.observability import logger


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Return how many sessions were given up and how many runs were started."""
    sweeper = Sweeper(
        settler=Settler(vi_client(), ledger(), sessions_table(), run_ownership(), s3(), events()),
        ledger=ledger(),
        table=sessions_table(),
        runs=runs(),
        bucket=settings().export_bucket,
        gather_seconds=settings().gather_seconds,
        budget=Budget(context.get_remaining_time_in_millis() / 1000 - RESERVED_SECONDS),
    )
    return sweeper.sweep().model_dump(mode="json")
