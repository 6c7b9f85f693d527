"""Rejects drops before any request to Vi: on their objects, on the event bus, and in the ledger."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel

from assetline.aws.event_bus import announce
from assetline.ingest.drop import Drop
from assetline.ingest.ledger import Ledger
from assetline.ingest.object_tags import ObjectTagger
from assetline.observability import count, logger

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

DROPS_REJECTED = "Drops Rejected"
TAGGED_AT_ONCE = 32  # ours


class Rejected(BaseModel, frozen=True):
    """The event about drops without a session."""

    dataset_id: str
    reason: str
    message: str
    rejected: int


@dataclass(frozen=True)
class DropRejecter:
    """Rejects waiting drops."""

    ledger: Ledger
    tagger: ObjectTagger
    events: "EventBridgeClient"

    def reject(self, dataset_id: str, listed: Sequence[Drop], reason: str, message: str) -> int:
        """Reject the waiting drops in *listed*, and return their number.

        The event is sent first, so that an invocation killed in between sends it again.
        """
        found = self.ledger.get(drop.drop_id for drop in listed).values()  # the index may be behind
        drops = [drop for drop in found if drop.state == "dropped"]
        if not drops:
            return 0
        with ThreadPoolExecutor(TAGGED_AT_ONCE) as threads:
            for _ in threads.map(lambda drop: self.tagger.tag_rejected(drop, reason), drops):
                pass
        event = Rejected(dataset_id=dataset_id, reason=reason, message=message, rejected=len(drops))
        announce(self.events, DROPS_REJECTED, event)
        rejected = len(self.ledger.reject(drops, reason, message))
        logger.warning("drops_rejected", reason=reason, drops=rejected)
        count(None, DropsRejected=rejected)
        return rejected
