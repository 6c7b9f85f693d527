"""Events for other programs, on the account's default event bus."""

import json
import time
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from assetline.errors import EventRefused

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

SOURCE = "assetline"
PAUSES = (0.2, 0.4, 0.8, 1.6)  # ours: seconds before each retry
EXPORT_COMPLETE = "Export Complete"
EXPORT_SHRUNK = "Export Shrunk"  # complete, but with far fewer rows than the last complete one
EXPORT_SALVAGED = "Export Salvaged"  # stopped; its partial file is published


def announce(
    events: "EventBridgeClient", detail_type: str, result: BaseModel, more: dict[str, Any] | None = None
) -> None:
    """Put an event whose detail is *result* with *more*, at least once.

    Raises:
        EventRefused: EventBridge did not accept it, after several attempts.
    """
    detail = json.dumps(result.model_dump(mode="json") | (more or {}))
    for pause in (*PAUSES, None):
        answer = events.put_events(Entries=[{"Source": SOURCE, "DetailType": detail_type, "Detail": detail}])
        if not answer.get("FailedEntryCount"):  # boto3 does not retry such a 200
            return
        if pause is not None:
            time.sleep(pause)
    code = answer["Entries"][0].get("ErrorCode", "no reason given")
    raise EventRefused(f"EventBridge did not accept the event {detail_type!r} ({code}). Try again later.")
