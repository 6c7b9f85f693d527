"""Record Drop: every object that arrived is noted in the ledger, and what has to happen next is started."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from assetline.aws.failures import AwsRefused
from assetline.errors import AwsUnavailable
from assetline.ingest.arrival import ObjectArrival
from assetline.ingest.asset_names import object_filename
from assetline.ingest.asset_register import AssetRegister, Name, RegisteredName, content_of, has_name
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
from assetline.ingest.object_tags import ingested_tags, says_ingested, tag
from assetline.ingest.sessions_table import SessionsTable
from assetline.observability import count, logger

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NOTED_AGAIN_SECONDS = 600.0  # ours: well within the time that an idle dataset is remembered

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
    register: AssetRegister
    sessions: SessionsTable
    runs: Runs
    limits: DropLimits
    clock: Callable[[], float] = time.time  # it goes on while Lambda has frozen the process
    _noted: dict[str, float] = field(default_factory=dict, init=False)  # datasets and when, while this is warm

    def record(self, arrivals: Sequence[ObjectArrival]) -> list[Noted | Exception]:
        """Note the objects of a batch, and start the runs of their datasets; return what each is, in their order.

        None is no drop. An exception is why an object could not be noted, and costs the others nothing: a repeat loses
        nothing, changes nothing, and starts the run if that was not done before. An object that AWS denies becomes a
        rejected drop if S3 gives out another one of the batch or of its bucket. If not, a role or a policy may deny
        them all: they wait. An object that Vi holds already, with these bytes and this metadata, is not sent again.

        Raises:
            AwsUnavailable, AwsRefused: the ledger could not be asked.
        """
        sights = [self._described(arrival) for arrival in arrivals]
        listed = [sight.drop for sight, arrival in zip(sights, arrivals, strict=True) if arrival.sequencer is None]
        known = self.ledger.get(drop.drop_id for drop in listed if drop is not None)
        sights = [self._seen(sight, known) for sight in sights]
        names = self.register.names(sight.drop for sight in sights if sight.drop is not None and has_name(sight.drop))
        answered = {sight.drop.bucket for sight in sights if sight.answered and sight.drop is not None}
        return [self._noted_or_failed(sight, answered, names) for sight in sights]

    def _described(self, arrival: ObjectArrival) -> Sight:
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

    def _noted_or_failed(
        self, sight: Sight, answered: set[str], names: Mapping[Name, RegisteredName]
    ) -> Noted | Exception:
        try:
            drop = self._judged(sight, answered)
            if drop is None:
                return sight.failed
            return self._noted_drop(drop, names, known=sight.known)
        except Exception as error:
            return error

    def _judged(self, sight: Sight, answered: set[str]) -> Drop | None:
        """Return the drop to note; None where there is none, or where the object has to be looked at again."""
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

    def _noted_drop(self, drop: Drop, names: Mapping[Name, RegisteredName], *, known: bool) -> Recorded:
        held = False
        if not known and has_name(drop):
            drop, held = self._named(drop, names)
        noted: Recorded = "known" if known else self.ledger.record_as_held(drop) if held else self.ledger.record(drop)
        if drop.dataset_id != NOWHERE:
            self._note_dataset(drop.dataset_id)
        if held:
            self._tell_held(drop)
        elif drop.state == "rejected" and drop.session_key is None:  # else its settling tells of it
            self._tell_rejected(drop, noted)
        elif drop.state == "dropped":
            self.runs.start(drop.dataset_id)
        return noted

    def _note_dataset(self, dataset_id: str) -> None:
        now = self.clock()
        if now - self._noted.get(dataset_id, 0.0) >= NOTED_AGAIN_SECONDS:
            self.sessions.note_dataset(dataset_id)
            self._noted[dataset_id] = now

    def _named(self, drop: Drop, names: Mapping[Name, RegisteredName]) -> tuple[Drop, bool]:
        """Return a drop with a name that no other object has, and whether Vi holds it already."""
        before = names.get((drop.dataset_id, drop.asset_filename))
        owner = before or self.register.register(drop)
        if not owner.is_of(drop):
            name = object_filename(drop.asset_filename, drop.bucket, drop.key)
            drop = drop.model_copy(update={"asset_filename": name})
            owner = self.register.register(drop)
        if owner.content is not None or owner.opened_at is not None:
            return drop, owner.content == content_of(drop)
        # Of what was ingested before the register began, the tags speak. A listing only: an event is of a new object.
        held = drop.sequencer is None and says_ingested(self.s3, drop)
        if held:
            self.register.keep_content([drop], drop.dropped_at)
        return drop, held

    def _tell_held(self, drop: Drop) -> None:
        logger.info("drop_held_already", drop_id=drop.drop_id)
        if not drop.tag_count:
            tag(self.s3, drop.bucket, drop.key, ingested_tags(drop.asset_filename), 0, drop.version_id)

    def _tell_rejected(self, drop: Drop, noted: Recorded) -> None:
        if drop.reason != OVERWRITTEN or drop.version_id:  # else the tags would be those of what took its place
            tags = {"assetline:state": "rejected", "assetline:reason": drop.reason or ""}
            # Tags that came since the object did are not known of: look.
            tag(self.s3, drop.bucket, drop.key, tags, 1, drop.version_id)
        if noted != "known":
            logger.info("drop_rejected", drop_id=drop.drop_id, reason=drop.reason)
            count(None, DropsRejected=1)
