"""The decision about a session: written once, before any effect, and never changed.

Every later settlement has the same result: that of a repeat, of a sweep, or of a run presumed dead.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError
from pydantic import BaseModel

from assetline.aws.s3_documents import Address, object_at
from assetline.ingest.drop import Drop
from assetline.ingest.outcomes import DropOutcome, Ended, Ending, Evidence, outcomes
from assetline.ingest.staging import SessionRef

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_EXISTS = frozenset({"PreconditionFailed", "412", "ConditionalRequestConflict", "409"})


class SettledFile(BaseModel, frozen=True):
    """The outcome of a drop; `counts_attempt` if its return counts as an attempt."""

    drop_id: str
    bucket: str
    key: str
    asset_filename: str
    state: Ending
    reason: str | None
    message: str | None
    counts_attempt: bool

    def outcome(self) -> DropOutcome:
        """Return the outcome for the ledger."""
        return DropOutcome(self.drop_id, self.state, self.reason, self.message, self.counts_attempt)


class Settlement(BaseModel, frozen=True):
    """The decision about a session and its drops; `cancel` if Vi must cancel it.

    `message` is the reason of a session that did not finish.
    """

    session: SessionRef
    ended: Ended
    cancel: bool
    error: str | None
    message: str | None
    settled_at: datetime
    files: tuple[SettledFile, ...]

    def count(self, state: Ending) -> int:
        """Return how many drops end in a state."""
        return sum(file.state == state for file in self.files)


def settlement_of(session: SessionRef, drops: Sequence[Drop], evidence: Evidence, settled_at: datetime) -> Settlement:
    """Return the decision that follows from the evidence."""
    files = tuple(
        SettledFile(
            drop_id=drop.drop_id,
            bucket=drop.bucket,
            key=drop.key,
            asset_filename=drop.asset_filename,
            state=outcome.state,
            reason=outcome.reason,
            message=outcome.message,
            counts_attempt=outcome.counts_attempt,
        )
        for drop, outcome in zip(drops, outcomes(drops, evidence), strict=True)
    )
    ended_well = evidence.ended == "finished" and all(file.state != "dropped" for file in files)
    return Settlement(
        session=session,
        ended=evidence.ended,
        cancel=evidence.vi_progress is not None and not evidence.clean,
        error=evidence.error,
        message=None if ended_well else evidence.why,
        settled_at=settled_at,
        files=files,
    )


class Settlements:
    """The staged settlement of a session."""

    def __init__(self, s3: "S3Client", session: SessionRef) -> None:
        self._s3 = s3
        self._bucket = session.bucket
        # Vi may have opened several sessions for one session key.
        self._key = f"staging/ingest/{session.session_key}/settlement-{session.session_id}.json"

    def read(self) -> Settlement | None:
        """Return the stored decision, None without one."""
        body = object_at(self._s3, Address(bucket=self._bucket, key=self._key))
        return None if body is None else Settlement.model_validate_json(body)

    def decide(self, settlement: Settlement) -> Settlement:
        """Store a settlement, and return the stored one: this, or an earlier one."""
        try:
            self._s3.put_object(
                Bucket=self._bucket,
                Key=self._key,
                Body=settlement.model_dump_json().encode(),
                ContentType="application/json",
                IfNoneMatch="*",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] not in _EXISTS:
                raise
            existing = self.read()
            if existing is None:
                raise
            return existing
        return settlement
