"""The state Poll Session."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from assetline.ingest.dependencies import s3, sessions_table, vi_client
from assetline.ingest.poll_session import SessionPoller
from assetline.ingest.staging import SessionRef
from assetline.observability import logger


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take `{"session", "polls"}` and the `error` that interrupted uploads; return `{"progress", "wait_seconds"}`."""
    session = SessionRef.model_validate(event["session"])
    logger.append_keys(session_key=session.session_key, session_id=session.session_id)
    poller, broke_off = SessionPoller(vi_client(), sessions_table(), s3()), event.get("error") is not None
    return poller.look(session, event["polls"], broke_off=broke_off).model_dump(mode="json")
