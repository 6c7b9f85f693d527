"""The state Open Session."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from assetline.ingest.dependencies import opener
from assetline.ingest.open_session import OpenSessionInput
from assetline.observability import logger


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take `{"dataset_id", "execution_arn", "execution_name", "round"}`; return the opened session, or a wait."""
    opening = OpenSessionInput.model_validate(event)
    logger.append_keys(session_key=opening.session_key, dataset_id=opening.dataset_id)
    return opener().open(opening).model_dump(mode="json")
