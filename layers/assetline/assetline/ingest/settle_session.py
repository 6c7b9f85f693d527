"""Settle Session: decides the outcome of each drop once, then writes it to all places."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field

from assetline.aws.event_bus import announce
from assetline.errors import AnswerLost, SessionUnknown, ViRefused, ViUnavailable
from assetline.ingest.asset_register import AssetRegister
from assetline.ingest.drop import OVER, Drop, SessionDrop
from assetline.ingest.find_lost_session import cancel_lost
from assetline.ingest.ledger import Ledger
from assetline.ingest.object_tags import ObjectTagger
from assetline.ingest.outcomes import Ended, Evidence
from assetline.ingest.run_ownership import RunOwnership
from assetline.ingest.session_report import files_csv, report_keys, summary_json
from assetline.ingest.sessions_table import UNFINISHED, Session, SessionsTable, SessionState
from assetline.ingest.settlement import Settlement, Settlements, settlement_of
from assetline.ingest.staging import NEVER_OPENED, SessionRef, SessionStaging
from assetline.observability import count, logger
from assetline.vi.client import ViClient
from assetline.vi.ingestion_sessions import Sessions

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_s3 import S3Client

SESSION_SETTLED = "Ingestion Session Settled"
TAGGED_AT_ONCE = 32  # ours: 5,000 objects in seconds
OVERWRITTEN = "Overwritten"

_STATES: dict[Ended, SessionState] = {
    "finished": "finished",
    "failed": "failed",
    "cancelled": "cancelled",
    "overdue": "overdue",
    "broken": "failed",
    "abandoned": "abandoned",
}


class Failure(BaseModel, frozen=True):
    """An error that the machine caught, by its name."""

    error: str = Field(alias="Error")


class Settling(BaseModel, frozen=True):
    """The input of Settle Session: the session, its progress, and the error that broke its run or uploads, if any."""

    session: SessionRef
    progress: Ended
    error: Failure | None = None

    @property
    def error_name(self) -> str | None:
        """The name of the error that broke the run, or its uploads."""
        return self.error.error if self.error else None


class Settled(BaseModel, frozen=True):
    """The result of a session; `returned` drops wait for another. `report_key` is None without drops to report."""

    session_key: str
    session_id: str
    dataset_id: str
    total: int
    ingested: int
    rejected: int
    returned: int
    bucket: str
    report_key: str | None
    progress: Ended


@dataclass(frozen=True)
class Settler:
    """Settles ingestion sessions. A repeat is harmless, also a late one."""

    client: ViClient
    ledger: Ledger
    register: AssetRegister
    table: SessionsTable
    ownership: RunOwnership
    s3: "S3Client"
    tagger: ObjectTagger
    events: "EventBridgeClient"
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def settle(self, session: SessionRef, left_as: Ended, error: str | None = None) -> Settled:
        """Write the outcome of each drop of a session, in the ledger first, and leave no open session in Vi.

        Raises:
            ViUnavailable, ViUnreachable, RateLimited: Vi did not answer; a retry may succeed.
            KeyMissing, KeyRefused, KeyForbidden: the session is not settled until Vi accepts the key.
        """
        if left_as != "abandoned":
            self.table.update(session.session_key)  # keeps sweeps away meanwhile; one would be harmless
        sent = self._sent(session)
        settlement = self._settlement(session, sent, left_as, error)
        if settlement.cancel:
            self._cancel(session)
        outcomes = [file.outcome() for file in settlement.files]
        self.ledger.settle(outcomes, sent, session.dataset_id, session.session_key)
        self._tag_objects(settlement, self._registered(session, sent))
        settled = self._announced(settlement, self._reported(settlement))
        if error is not None:
            self._release(session)
        return settled

    def _release(self, session: SessionRef) -> None:
        """Let another run own the dataset, since the run of the session fails now."""
        noted = self.table.get(session.session_key)
        if noted is not None:
            self.ownership.release(session.dataset_id, noted.execution_arn)

    def _sent(self, session: SessionRef) -> Sequence[SessionDrop]:
        return SessionStaging(self.s3, session.bucket, session.session_key).drops(session.session_id)

    def _settlement(
        self, session: SessionRef, sent: Sequence[SessionDrop], left_as: Ended, error: str | None
    ) -> Settlement:
        if session.session_id == NEVER_OPENED:  # it has no drops
            return settlement_of(session, [], Evidence(left_as=left_as, error=error), self.now())
        settlements = Settlements(self.s3, session)
        existing = settlements.read()
        return existing or settlements.decide(self._decided(session, sent, left_as, error))

    def _decided(
        self, session: SessionRef, sent: Sequence[SessionDrop], left_as: Ended, error: str | None
    ) -> Settlement:
        recorded = self.ledger.get(drop.drop_id for drop in sent)
        drops = [recorded[drop.drop_id] for drop in sent if drop.drop_id in recorded]
        as_sent = {drop.drop_id: drop for drop in sent}
        put_again = frozenset(drop.drop_id for drop in drops if drop.sequencer != as_sent[drop.drop_id].sequencer)
        named = [
            drop.model_copy(update={"asset_filename": as_sent[drop.drop_id].asset_filename})
            for drop in drops
            if drop.state not in OVER
        ]
        return settlement_of(session, named, self._evidence(session, left_as, error, put_again), self.now())

    def _evidence(self, session: SessionRef, left_as: Ended, error: str | None, put_again: frozenset[str]) -> Evidence:
        uploads = SessionStaging(self.s3, session.bucket, session.session_key).outcomes()
        evidence = Evidence(
            left_as=left_as,
            error=error,
            put_again=put_again,
            uploaded=frozenset(uploads.uploaded),
            upload_failures={failure.drop_id: failure for failure in uploads.failed},
        )
        try:
            seen = Sessions(self.client, session.dataset_id).get(session.session_id)
        except SessionUnknown:
            logger.warning("session_unknown", session_id=session.session_id)
            return evidence
        return replace(
            evidence,
            vi_progress=seen.progress,
            total=seen.total,
            succeeded=seen.succeeded,
            errored=seen.errored,
            file_errors=seen.file_errors,
            failure=seen.failure,
        )

    def _cancel(self, session: SessionRef) -> None:
        sessions = Sessions(self.client, session.dataset_id)
        try:
            sessions.cancel(session.session_id)
        except ViRefused as refusal:  # it has ended, as far as is known
            logger.info("cancel_refused", session_id=session.session_id, refusal=str(refusal))
        except AnswerLost:
            try:
                progress = sessions.get(session.session_id).progress
            except SessionUnknown:
                return
            if progress == "running":
                what = (
                    f"Vi did not confirm the cancellation of the ingestion session {session.session_id}, and it still "
                    "runs."
                )
                raise ViUnavailable(what) from None

    def _cancel_twin(self, noted: Session, settlement: Settlement) -> None:
        """Cancel the session that Vi opened on an earlier request whose answer was lost.

        If an opening was taken over, its request may have reached Vi after the next invocation searched for it.
        """
        sessions, session = Sessions(self.client, noted.dataset_id), settlement.session
        requests = SessionStaging(self.s3, session.bucket, session.session_key).requests()
        with suppress(ViRefused, AnswerLost):  # it has ended, or it expires
            cancel_lost(sessions, requests, noted, known=session.session_id)

    def _registered(self, session: SessionRef, sent: Sequence[SessionDrop]) -> list[Drop]:
        """Register the names of the *sent* drops, with the content that Vi holds now; return the drops that ended."""
        names = {drop.drop_id: drop.asset_filename for drop in sent}
        recorded = self.ledger.get(names).values()
        drops = [drop.model_copy(update={"asset_filename": names[drop.drop_id]}) for drop in recorded]
        ended = [drop for drop in drops if drop.session_key == session.session_key and drop.state in OVER]
        ingested = [drop for drop in ended if drop.state == "ingested"]
        self.register.keep_content(ingested, session.opened_at)
        # Vi may have bytes of the others, too. So no other object gets their names.
        taken = {drop.drop_id for drop in ingested}
        self.register.forget_content([drop for drop in drops if drop.drop_id not in taken], session.opened_at)
        return ended

    def _tag_objects(self, settlement: Settlement, ended: Sequence[Drop]) -> None:
        """Tag the objects of the drops that *ended*; one that was dropped or retried again is skipped."""
        over = {file.drop_id: file for file in settlement.files if file.state != "dropped"}
        drops = [drop for drop in ended if drop.drop_id in over and drop.state == over[drop.drop_id].state]

        def put(drop: Drop) -> None:
            if drop.state == "ingested":
                self.tagger.tag_ingested(drop)
            elif drop.reason != OVERWRITTEN or drop.version_id:  # otherwise the tags would be on the replacing object
                self.tagger.tag_rejected(drop, over[drop.drop_id].reason or "")

        with ThreadPoolExecutor(TAGGED_AT_ONCE) as threads:
            for _ in threads.map(put, drops):
                pass

    def _reported(self, settlement: Settlement) -> str | None:
        if not settlement.files or settlement.session.session_id == NEVER_OPENED:
            return None
        keys, bucket = report_keys(settlement), settlement.session.bucket
        self.s3.put_object(Bucket=bucket, Key=keys.csv_key, Body=files_csv(settlement), ContentType="text/csv")
        self.s3.put_object(
            Bucket=bucket, Key=keys.json_key, Body=summary_json(settlement), ContentType="application/json"
        )
        return keys.json_key

    def _announced(self, settlement: Settlement, report_key: str | None) -> Settled:
        """Update the event bus, then the table: the table marks the end of all reports."""
        session = settlement.session
        settled = Settled(
            session_key=session.session_key,
            session_id=session.session_id,
            dataset_id=session.dataset_id,
            total=len(settlement.files),
            ingested=settlement.count("ingested"),
            rejected=settlement.count("rejected"),
            returned=settlement.count("dropped"),
            bucket=session.bucket,
            report_key=report_key,
            progress=settlement.ended,
        )
        noted = self.table.get(session.session_key)
        if noted is None or noted.state not in UNFINISHED:
            return settled
        if noted.tries > 1:
            self._cancel_twin(noted, settlement)
        if report_key is not None:
            announce(self.events, SESSION_SETTLED, settled)
        counts: dict[str, Any] = settled.model_dump(include={"total", "ingested", "rejected", "returned", "report_key"})
        details = {"error": settlement.error, "message": settlement.message, "expires_at": self.ledger.forgotten_at()}
        self.table.finish(session.session_key, _STATES[settlement.ended], **counts, **details)
        logger.info("session_settled", **settled.model_dump(mode="json"))
        count(None, AssetsIngested=settled.ingested, DropsRejected=settled.rejected, DropsReturned=settled.returned)
        return settled
