"""Record Drop: every object that arrived is noted in the ledger, and what has to happen next is started."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from assetline.ingest.arrival import Arrival
from assetline.ingest.drop import NOWHERE, Drop
from assetline.ingest.ingestion_runs import Runs
from assetline.ingest.inspection import OVERWRITTEN, Limits, inspect
from assetline.ingest.ledger import Ledger, Recorded
from assetline.ingest.object_tags import tag
from assetline.ingest.sessions_table import SessionsTable
from assetline.observability import count, logger

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

type Noted = Recorded | None


@dataclass(frozen=True)
class Recorder:
    """Notes objects as drops."""

    s3: "S3Client"
    ledger: Ledger
    sessions: SessionsTable
    runs: Runs
    limits: Limits
    _noted: set[str] = field(default_factory=set, init=False)  # datasets, while this is warm

    def record(self, arrival: Arrival) -> Noted:
        """Note an object that arrived, and start the run of its dataset; None for what is no drop.

        A repeat changes nothing, and starts the run if that was not done before.

        Raises:
            AwsUnavailable, AwsRefused: an AWS call failed; a repeat loses nothing.
        """
        if arrival.is_folder:
            return None
        drop = inspect(self.s3, arrival, self.limits)
        noted = self.ledger.record(drop)
        if drop.dataset_id not in self._noted | {NOWHERE}:
            self.sessions.note_dataset(drop.dataset_id)
            self._noted.add(drop.dataset_id)
        if drop.state == "rejected":
            self._tell_rejected(drop, noted)
        else:
            self.runs.start(drop.dataset_id)
        return noted

    def _tell_rejected(self, drop: Drop, noted: Recorded) -> None:
        if drop.reason != OVERWRITTEN or drop.version_id:  # else the tags would be those of what took its place
            tags = {"assetline:state": "rejected", "assetline:reason": drop.reason or ""}
            # Tags that came since the object did are not known of: look.
            tag(self.s3, drop.bucket, drop.key, tags, 1, drop.version_id)
        if noted != "known":
            logger.info("drop_rejected", drop_id=drop.drop_id, reason=drop.reason)
            count(None, DropsRejected=1)
