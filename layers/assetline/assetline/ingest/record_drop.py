"""Record Drop: every object that arrived is noted in the ledger, and what has to happen next is started."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from assetline.aws.failures import AwsRefused
from assetline.ingest.arrival import Arrival
from assetline.ingest.drop import NOWHERE, Drop
from assetline.ingest.ingestion_runs import Runs
from assetline.ingest.inspection import NOT_READABLE, OVERWRITTEN, Limits, described, read, unreadable
from assetline.ingest.ledger import Ledger, Recorded
from assetline.ingest.object_tags import tag
from assetline.ingest.sessions_table import SessionsTable
from assetline.observability import count, logger

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

type Noted = Recorded | None


@dataclass(frozen=True)
class Sight:
    """An arrival as it was looked at: a drop, or None for what is passed over; `known` where it is that of the ledger.

    `answered` says that S3 gave the object out, now or for the ledger. `failed` is why it could not be looked at.
    """

    drop: Drop | None = None
    known: bool = False
    answered: bool = False
    failed: Exception | None = None

    @property
    def denied(self) -> AwsRefused | None:
        """The denial, if AWS denied the object."""
        return self.failed if isinstance(self.failed, AwsRefused) else None


@dataclass(frozen=True)
class Recorder:
    """Notes objects as drops."""

    s3: "S3Client"
    ledger: Ledger
    sessions: SessionsTable
    runs: Runs
    limits: Limits
    _noted: set[str] = field(default_factory=set, init=False)  # datasets, while this is warm

    def record(self, arrivals: Sequence[Arrival]) -> list[Noted | Exception]:
        """Note the objects of a batch, and start the runs of their datasets; return what each is, in their order.

        None is no drop. An exception is why an object could not be noted, and costs the others nothing: a repeat loses
        nothing, changes nothing, and starts the run if that was not done before. An object that AWS denies becomes a
        rejected drop if S3 gave out another one of the batch. If not, a role or a policy may deny them all: they wait.

        Raises:
            AwsUnavailable, AwsRefused: the ledger could not be asked.
        """
        sights = [self._described(arrival) for arrival in arrivals]
        listed = [sight.drop for sight, arrival in zip(sights, arrivals, strict=True) if arrival.sequencer is None]
        known = self.ledger.get(drop.drop_id for drop in listed if drop is not None)
        sights = [self._seen(sight, known) for sight in sights]
        answered = any(sight.answered for sight in sights)
        return [self._noted_or_failed(sight, others_answered=answered) for sight in sights]

    def _described(self, arrival: Arrival) -> Sight:
        if arrival.is_passed_over:
            return Sight()
        try:
            return Sight(described(arrival, self.limits))
        except Exception as error:
            return Sight(failed=error)

    def _seen(self, sight: Sight, known: Mapping[str, Drop]) -> Sight:
        """Look at an object: a listed one that the ledger has is not read again."""
        drop = sight.drop
        if drop is None:
            return sight
        if (before := known.get(drop.drop_id)) is not None:
            return Sight(before, known=True, answered=before.reason != NOT_READABLE)
        if drop.state == "rejected":
            return sight
        try:
            return Sight(read(self.s3, drop), answered=True)
        except Exception as error:
            return Sight(drop, failed=error)

    def _noted_or_failed(self, sight: Sight, *, others_answered: bool) -> Noted | Exception:
        drop = sight.drop
        if drop is None:
            return sight.failed
        if sight.denied is not None and others_answered:
            drop = unreadable(drop, sight.denied)
        elif sight.failed is not None:
            return sight.failed
        try:
            return self._noted_drop(drop, known=sight.known)
        except Exception as error:
            return error

    def _noted_drop(self, drop: Drop, *, known: bool) -> Recorded:
        noted: Recorded = "known" if known else self.ledger.record(drop)
        if drop.dataset_id not in self._noted | {NOWHERE}:
            self.sessions.note_dataset(drop.dataset_id)
            self._noted.add(drop.dataset_id)
        if drop.state == "rejected" and drop.session_key is None:  # else its settling tells of it
            self._tell_rejected(drop, noted)
        elif drop.state == "dropped":
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
