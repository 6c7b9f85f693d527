"""The state Poll Session."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from assetline.ingest.connections import s3, sessions_table, vi_client
from assetline.ingest.poll import Poller
from assetline.ingest.slices import SessionRef
from assetline.observability import logger


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take `{"session", "polls"}`; return `{"progress", "wait_seconds"}`."""
    session = SessionRef.model_validate(event["session"])
    logger.append_keys(session_key=session.session_key, session_id=session.session_id)
    return Poller(vi_client(), sessions_table(), s3()).look(session, event["polls"]).model_dump(mode="json")
