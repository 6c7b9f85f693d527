"""The state Settle Session."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from assetline.ingest.dependencies import settler
from assetline.ingest.settle_session import Settling
from assetline.observability import logger


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take `{"session", "progress", "error"}`; return the result of the session."""
    settling = Settling.model_validate(event)
    logger.append_keys(session_key=settling.session.session_key, session_id=settling.session.session_id)
    return settler().settle(settling.session, settling.progress, settling.error_name).model_dump(mode="json")
