"""Open Session: gathers drops, takes a permit, selects drops, and opens an ingestion session for them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import batched
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

from pydantic import BaseModel

from assetline.aws.s3_documents import Address
from assetline.errors import AnswerLost, DatasetUnknown, Permanent, RateLimited, Retryable
from assetline.ingest.asset_register import AssetRegister, name_key
from assetline.ingest.create_session import OpeningTakenOver, SessionRequest
from assetline.ingest.drop import Drop
from assetline.ingest.find_lost_session import cancel_lost
from assetline.ingest.gathering import INDEX_SECONDS, Gathering
from assetline.ingest.ledger import Ledger
from assetline.ingest.reject_drops import DropRejecter
from assetline.ingest.run_ownership import LEASE_SECONDS, RunOwnership
from assetline.ingest.session_permits import Permit, Permits, Wait
from assetline.ingest.sessions_table import UNFINISHED, Session, SessionsTable
from assetline.ingest.staging import SessionRef, SessionStaging, SliceAsset, fits, sliced
from assetline.observability import count, logger
from assetline.vi import datasets
from assetline.vi.client import ViClient
from assetline.vi.ingestion_sessions import LARGEST, IngestionSession, Sessions

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

UNKNOWN = "DatasetUnknown"
NOT_TAKEN = "EntryRefused"
REJECTED_AT_ONCE = 500  # ours: rejected within seconds, before their state can change
PAUSE_UNASKED = 60  # ours: seconds after a 429 without a length


class OpenSessionInput(BaseModel, frozen=True):
    """The input of Open Session: the dataset, the run, and the number of the session in this run.

    `predecessor_arn` is the run that has handed its dataset over to this one, if any.
    """

    dataset_id: str
    execution_arn: str
    execution_name: str
    predecessor_arn: str | None = None
    round: int

    @property
    def session_key(self) -> str:
        """The key of the session, known before Vi assigns an id; a repeat has the same."""
        return f"{self.execution_name}-{self.round}"

    @property
    def session_key_before(self) -> str:
        """The key of the previous session of the same run."""
        return f"{self.execution_name}-{self.round - 1}"


class OpenSessionResult(BaseModel, frozen=True):
    """The output of Open Session: a session with the addresses of its slices, a wait, or the end of this run.

    `gathering` means that more drops may arrive. `look_again` means that a drop arrived at the last moment. `owned`
    means that another run or another invocation handles the waiting drops.
    """

    outcome: Literal["opened", "gathering", "permit_wait", "look_again", "no_drops", "owned"]
    wait_seconds: int = 0
    session: SessionRef | None = None
    slices: tuple[Address, ...] = ()


NO_DROPS = OpenSessionResult(outcome="no_drops")
OWNED = OpenSessionResult(outcome="owned")


@dataclass(frozen=True)
class SessionOpener:
    """Opens ingestion sessions for waiting drops."""

    client: ViClient
    ledger: Ledger
    register: AssetRegister
    sessions: SessionsTable
    ownership: RunOwnership
    permits: Permits
    gathering: Gathering
    s3: "S3Client"
    unsent: DropRejecter
    bucket: str
    failure_mode: str
    on_asset_overwritten: str
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def open(self, opening: OpenSessionInput) -> OpenSessionResult:
        """Open a session for the waiting drops of a dataset, unless another run does; a repeat returns the same.

        While drops are gathered, only the wait until the next look is returned.

        If an earlier invocation still runs, the repeat takes the opening over. The earlier one then sends nothing more.

        Raises:
            KeyMissing, KeyRefused, KeyForbidden, ViRefused: no session was opened. If Vi refuses one drop of many, it
                gets a request without that drop.
            ViUnavailable, ViUnreachable, AnswerLost: the same; a retry may succeed.
        """
        try:
            return self._open_as_last(opening)
        except OpeningTakenOver:
            logger.warning("opening_taken_over")
            noted = self.sessions.get(opening.session_key)
            if noted is not None and noted.state in UNFINISHED:
                return OWNED  # another invocation of this run opens it
            return self._left(opening)

    def _left(self, opening: OpenSessionInput) -> OpenSessionResult:
        """End the run: its session was abandoned because its lease was over. A sweep starts another run."""
        self._releases(opening)
        return NO_DROPS

    def _open_as_last(self, opening: OpenSessionInput) -> OpenSessionResult:
        existing = self.sessions.get(opening.session_key)
        # The opener of an open session is finished with it, even if its lease was over meanwhile.
        if not self._takes(opening) and (existing is None or existing.state == "opening"):
            return OWNED
        if existing is not None and existing.state == "abandoned":
            return self._left(opening)
        if existing is not None and existing.state not in UNFINISHED:
            return OWNED  # a late repeat: the run has continued, and still owns its dataset
        try:
            opened = self._opened(opening, existing)
        except Permanent:  # the run fails, and the next one need not wait for its lease
            if self.sessions.get(opening.session_key) is None:
                self._releases(opening)
            raise
        if opened.outcome == "no_drops":
            return self._looked_again(opening)
        if opened.outcome in {"gathering", "permit_wait"}:
            self._takes(opening, opened.wait_seconds)
        return opened

    def _looked_again(self, opening: OpenSessionInput) -> OpenSessionResult:
        """End the run, unless a drop arrived while it was the owner: the run started for that drop may have ended.

        A run that starts after the release becomes the owner. A run that started before has ended, and this run handles
        its drops.
        """
        self._releases(opening)
        if not self.ledger.any_waiting(opening.dataset_id):
            return NO_DROPS
        return OpenSessionResult(outcome="look_again", wait_seconds=INDEX_SECONDS) if self._takes(opening) else OWNED

    def _takes(self, opening: OpenSessionInput, idle_seconds: int = 0) -> bool:
        return self.ownership.take(
            opening.dataset_id, opening.execution_arn, opening.session_key, idle_seconds, opening.predecessor_arn
        )

    def _releases(self, opening: OpenSessionInput) -> None:
        self.ownership.release(opening.dataset_id, opening.execution_arn)

    def _opened(self, opening: OpenSessionInput, existing: Session | None) -> OpenSessionResult:
        if existing is not None and existing.state != "opening":
            return self._as_opened(existing)
        if existing is None and (waits := self._gathers(opening)) is not None:
            return waits
        try:
            datasets.get(self.client, opening.dataset_id)
        except DatasetUnknown:
            return self._rejected_all(opening, existing)
        if existing is not None:
            opener = uuid4().hex
            if not self.sessions.take_over(existing.session_key, opener):
                raise OpeningTakenOver
            existing = self.sessions.get(existing.session_key)  # a request may have been sent since it was read
            if existing is None or existing.opener != opener:
                raise OpeningTakenOver
            if existing.tries:
                sessions = Sessions(self.client, existing.dataset_id)
                cancel_lost(sessions, self._staging(existing).requests(), existing)
        return self._opened_with_permit(opening, existing)

    def _gathers(self, opening: OpenSessionInput) -> OpenSessionResult | None:
        """Return the wait for more drops, or the end without a drop; None if a session opens now."""
        waiting = self.ledger.summary_of_waiting(opening.dataset_id, LARGEST)
        if waiting is None:
            return NO_DROPS
        left = self.gathering.seconds_left(waiting, self.now())
        return OpenSessionResult(outcome="gathering", wait_seconds=left) if left else None

    def _opened_with_permit(self, opening: OpenSessionInput, existing: Session | None) -> OpenSessionResult:
        tries = (existing.tries if existing else 0) + 1
        holder = f"{opening.session_key}#{tries}"
        permit = self.permits.take(holder)
        if isinstance(permit, Wait):
            if existing is not None:
                self.sessions.forget(existing)
            return OpenSessionResult(outcome="permit_wait", wait_seconds=permit.seconds)
        session = existing or self._noted(opening)
        if existing is None and not self.sessions.open(session):
            raise OpeningTakenOver  # a repeat has begun meanwhile
        # No other run takes the dataset while this session is recorded. So its waiting drops are in no other session.
        owned = existing is not None or self._takes(opening)
        drops = self._selected(session) if owned else []
        if not drops:
            self.permits.give_back(permit)
            self.sessions.forget(session)
            return NO_DROPS if owned else OWNED
        return self._created(opening, session, drops, permit, tries)

    def _created(
        self, opening: OpenSessionInput, session: Session, drops: list[Drop], permit: Permit, tries: int
    ) -> OpenSessionResult:
        try:
            sent = self._request(session).send(session, drops, tries, opening.session_key_before)
        except RateLimited as refusal:
            # Another system uses the quota, too. No session was opened.
            count(None, SessionsRefused=1)
            pause = PAUSE_UNASKED if refusal.pause_seconds is None else refusal.pause_seconds
            self.permits.give_back(permit)
            self.permits.pause(pause)
            self.sessions.forget(session)
            return OpenSessionResult(outcome="permit_wait", wait_seconds=max(1, round(pause)))
        except AnswerLost:
            self.permits.used(permit)
            raise
        except (Permanent, Retryable):
            self.permits.give_back(permit)
            self.sessions.forget(session)
            raise
        if sent.made is None:
            self.permits.give_back(permit)
            self.sessions.forget(session)
            opened = NO_DROPS
        else:
            self.permits.used(permit)
            opened = self._recorded(session, sent.drops, sent.made)
        for drop, why in sent.not_taken:
            message = f"Vi opens sessions with other files, but not with this one. {why}"
            self.unsent.reject(session.dataset_id, [drop], NOT_TAKEN, message)
        return opened

    def _request(self, session: Session) -> SessionRequest:
        return SessionRequest(
            Sessions(self.client, session.dataset_id),
            self.ledger,
            self.sessions,
            self._staging(session),
            self.failure_mode,
            self.on_asset_overwritten,
        )

    def _recorded(self, session: Session, drops: Sequence[Drop], made: IngestionSession) -> OpenSessionResult:
        """Store Vi's answer: drops and slices first, so that a session recorded as open can be uploaded and settled."""
        answer: dict[str, Any] = {"session_id": made.session_id, "ingestion_id": made.ingestion_id, "total": len(drops)}
        reference = SessionRef.of(session.model_copy(update=answer), self.bucket)
        uploads = {asset.filename: asset.upload for asset in made.assets}
        assets = [SliceAsset.of(drop, uploads.get(drop.asset_filename)) for drop in drops]
        staging = self._staging(session)
        staging.keep_drops(made.session_id, drops)
        addresses = staging.keep_slices(sliced(reference, assets))
        noted = self.sessions.update_opening(session, state="open", **answer)
        if not noted:  # it was given up or taken over meanwhile
            Sessions(self.client, session.dataset_id).cancel(made.session_id)
            raise OpeningTakenOver
        logger.info("session_opened", session_id=made.session_id, drops=len(drops), slices=len(addresses))
        count(None, SessionsOpened=1)
        return OpenSessionResult(outcome="opened", session=reference, slices=tuple(addresses))

    def _selected(self, session: Session) -> list[Drop]:
        """Select as many drops as a session may hold, each name once: the oldest one gets it, the others wait.

        From here on, Vi may receive other bytes than the register has for their names. A name without registration was
        never sent, so it has none.
        """
        listed = self.ledger.waiting(session.dataset_id, LARGEST)
        read = self.ledger.get(drop.drop_id for drop in listed)  # the index may be behind
        waiting = [read[drop.drop_id] for drop in listed if drop.drop_id in read]
        named = self.register.named([drop for drop in waiting if drop.state == "dropped"])
        once = {name_key(drop): (drop, owner) for drop, owner in reversed(named)}
        free = [drop for drop, _ in named if once[name_key(drop)][0] is drop]
        # Suspects are selected only if no other drop waits, so that they do not delay the others.
        apart = [drop for drop in free if not drop.suspect] or free
        selected = apart[: fits(apart[:LARGEST])]
        sent_before = [drop for drop in selected if once[name_key(drop)][1] is not None]
        self.register.forget_content(sent_before, session.opened_at)
        return selected

    def _rejected_all(self, opening: OpenSessionInput, existing: Session | None) -> OpenSessionResult:
        if existing is not None:
            self.sessions.forget(existing)
        message = f"Vi has no dataset {opening.dataset_id!r}: create it, then run `assetline drops retry`."
        while waiting := self.ledger.waiting(opening.dataset_id, LARGEST):
            some_at_once = batched(waiting, REJECTED_AT_ONCE, strict=False)
            if not sum(self.unsent.reject(opening.dataset_id, some, UNKNOWN, message) for some in some_at_once):
                break
        return NO_DROPS

    def _as_opened(self, session: Session) -> OpenSessionResult:
        addresses = self._staging(session).addresses()
        if not addresses:
            return NO_DROPS  # its staged documents have expired: a sweep returns its drops
        reference = SessionRef.of(session, self.bucket)
        return OpenSessionResult(outcome="opened", session=reference, slices=tuple(addresses))

    def _noted(self, opening: OpenSessionInput) -> Session:
        now = self.now()
        return Session(
            session_key=opening.session_key,
            dataset_id=opening.dataset_id,
            execution_arn=opening.execution_arn,
            state="opening",
            opener=uuid4().hex,
            opened_at=now,
            updated_at=now,
            lease_until=int(now.timestamp()) + LEASE_SECONDS,
        )

    def _staging(self, session: Session) -> SessionStaging:
        return SessionStaging(self.s3, self.bucket, session.session_key)
