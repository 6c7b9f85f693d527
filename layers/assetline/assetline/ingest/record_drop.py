"""Record Drop: records every arrived object in the ledger, and starts the run that handles it."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from assetline.aws.failures import AwsRefused
from assetline.errors import AwsUnavailable
from assetline.ingest.arrival import ObjectArrival
from assetline.ingest.asset_register import AssetRegister, RegisteredName, content_of, has_name
from assetline.ingest.drop import NOWHERE, Drop
from assetline.ingest.ingestion_runs import Runs
from assetline.ingest.inspection import (
    NOT_READABLE,
    OVERWRITTEN,
    DropLimits,
    another_is_readable,
    described,
    not_inspected,
    read,
    unreadable,
)
from assetline.ingest.ledger import Ledger, Recorded
from assetline.ingest.object_tags import ObjectTagger, is_tagged_ingested
from assetline.ingest.sessions_table import SessionsTable
from assetline.observability import count, logger

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NOTED_AGAIN_SECONDS = 600.0  # ours: well within the time after which an idle dataset is forgotten

type Noted = Recorded | None
type NamedDrops = Mapping[str, tuple[Drop, RegisteredName | None]]  # and the registrations of their names, by id


@dataclass(frozen=True)
class Sight:
    """An inspected arrival: a drop, or None if it is ignored; `known` if the drop is from the ledger.

    `answered` means that S3 returned the object, now or earlier. `failed` is the reason for a failed inspection.
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
    """Records objects as drops."""

    s3: "S3Client"
    ledger: Ledger
    register: AssetRegister
    sessions: SessionsTable
    runs: Runs
    tagger: ObjectTagger
    limits: DropLimits
    clock: Callable[[], float] = time.time  # it advances while Lambda has frozen the process
    _noted: dict[str, float] = field(default_factory=dict, init=False)  # datasets and times, while the function is warm

    def record(self, arrivals: Sequence[ObjectArrival]) -> list[Noted | Exception]:
        """Record the objects of a batch, start the runs of their datasets, and return the results in order.

        None means that the object is not a drop. An exception is the reason why an object was not recorded; the others
        are not affected. A repeat loses and changes nothing, and starts a run that was not started. An object that AWS
        denies becomes a rejected drop if S3 returns another object of the batch or of its bucket. If not, a role or a
        policy may deny them all, so they wait. An object that Vi holds already, with the same bytes and metadata, is
        not sent again.

        Raises:
            AwsUnavailable, AwsRefused: the ledger did not answer or refused.
        """
        sights = [self._described(arrival) for arrival in arrivals]
        listed = [sight.drop for sight, arrival in zip(sights, arrivals, strict=True) if arrival.sequencer is None]
        known = self.ledger.get(drop.drop_id for drop in listed if drop is not None)
        sights = [self._seen(sight, known) for sight in sights]
        new = [sight.drop for sight in sights if not sight.known and sight.drop is not None and has_name(sight.drop)]
        named = {drop.drop_id: (drop, owner) for drop, owner in self.register.named(new)}
        answered = {sight.drop.bucket for sight in sights if sight.answered and sight.drop is not None}
        return [self._noted_or_failed(sight, answered, named) for sight in sights]

    def _described(self, arrival: ObjectArrival) -> Sight:
        if arrival.is_passed_over:
            return Sight()
        try:
            return Sight(described(arrival, self.limits))
        except Exception as error:
            return Sight(failed=error)

    def _seen(self, sight: Sight, known: Mapping[str, Drop]) -> Sight:
        """Inspect an object; a listed one in the ledger is not read again."""
        drop = sight.drop
        if drop is None:
            return sight
        if (recorded := known.get(drop.drop_id)) is not None:
            return Sight(recorded, known=True, answered=recorded.reason != NOT_READABLE)
        if drop.state == "rejected":
            return sight
        try:
            return Sight(read(self.s3, drop), answered=True)
        except Exception as error:
            return Sight(drop, failed=error)

    def _noted_or_failed(self, sight: Sight, answered: set[str], named: NamedDrops) -> Noted | Exception:
        try:
            drop = self._judged(sight, answered)
            if drop is None:
                return sight.failed
            return self._noted_drop(drop, named, known=sight.known)
        except Exception as error:
            return error

    def _judged(self, sight: Sight, answered: set[str]) -> Drop | None:
        """Return the drop to record; None if there is none, or if the object must be inspected again."""
        drop = sight.drop
        if drop is None or sight.failed is None:
            return drop
        if sight.denied is not None:
            if drop.bucket not in answered and another_is_readable(self.s3, drop):
                answered.add(drop.bucket)
            return unreadable(drop, sight.denied) if drop.bucket in answered else None
        if isinstance(sight.failed, AwsUnavailable):
            return None
        logger.warning("object_not_inspected", drop_id=drop.drop_id, error=type(sight.failed).__name__)
        return not_inspected(drop, sight.failed)

    def _noted_drop(self, drop: Drop, named: NamedDrops, *, known: bool) -> Recorded:
        held = False
        if not known and has_name(drop):
            drop, owner = named[drop.drop_id]
            held = self._is_held(drop, owner)
        noted: Recorded = "known" if known else self.ledger.record_as_held(drop) if held else self.ledger.record(drop)
        if drop.dataset_id != NOWHERE:
            self._note_dataset(drop.dataset_id)
        if held:
            self._report_held(drop)
        elif drop.state == "rejected" and drop.session_key is None:  # otherwise its settlement announces it
            self._report_rejected(drop, noted)
        elif drop.state == "dropped":
            self.runs.start(drop.dataset_id)
        return noted

    def _note_dataset(self, dataset_id: str) -> None:
        now = self.clock()
        if now - self._noted.get(dataset_id, 0.0) >= NOTED_AGAIN_SECONDS:
            self.sessions.note_dataset(dataset_id)
            self._noted[dataset_id] = now

    def _is_held(self, drop: Drop, owner: RegisteredName | None) -> bool:
        """Return whether Vi holds the bytes and the metadata of a drop, by the *owner* of its name."""
        if owner is not None and (owner.content is not None or owner.opened_at is not None):
            return owner.content == content_of(drop)
        # For drops older than the register, the tags decide. Only a listing can contain them: an event is of a new
        # object.
        held = drop.sequencer is None and is_tagged_ingested(self.s3, drop)
        if held:
            self.register.keep_content([drop], drop.dropped_at)
        return held

    def _report_held(self, drop: Drop) -> None:
        logger.info("drop_held_already", drop_id=drop.drop_id)
        if not drop.tag_count:
            self.tagger.tag_ingested(drop, tag_count=0)

    def _report_rejected(self, drop: Drop, noted: Recorded) -> None:
        if drop.reason != OVERWRITTEN or drop.version_id:  # otherwise the tags would be on the replacing object
            self.tagger.tag_rejected(drop, drop.reason or "")
        if noted != "known":
            logger.info("drop_rejected", drop_id=drop.drop_id, reason=drop.reason)
            count(None, DropsRejected=1)
