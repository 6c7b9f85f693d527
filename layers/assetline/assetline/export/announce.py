"""What others may want to hear of an export, on the account's default event bus."""

import json
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

SOURCE = "assetline"
EXPORT_COMPLETE = "Export Complete"
EXPORT_SHRUNK = "Export Shrunk"  # complete, with far fewer rows than the last complete one
EXPORT_SALVAGED = "Export Salvaged"  # stopped; what it had written is published under a partial name


def announce(
    events: "EventBridgeClient", detail_type: str, result: BaseModel, more: dict[str, Any] | None = None
) -> None:
    """Put an event whose detail is *result* with *more*; at least once."""
    detail = json.dumps(result.model_dump(mode="json") | (more or {}))
    events.put_events(Entries=[{"Source": SOURCE, "DetailType": detail_type, "Detail": detail}])
