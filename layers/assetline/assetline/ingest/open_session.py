"""Open Session: a permit is taken, drops are claimed, and an ingestion session is opened for them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import batched
from typing import TYPE_CHECKING, Literal
from uuid import uuid4

from pydantic import BaseModel

from assetline.aws.s3_documents import Address
from assetline.errors import AnswerLost, DatasetUnknown, Permanent, RateLimited, Retryable
from assetline.ingest.asset_register import AssetRegister
from assetline.ingest.conditional_writes import GuardFailed
from assetline.ingest.create_session import SessionRequest
from assetline.ingest.drop import Drop
from assetline.ingest.find_lost_session import cancel_lost
from assetline.ingest.ledger import Ledger
from assetline.ingest.outcomes import DropOutcome
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
REJECTED_AT_ONCE = 500  # ours: told of in seconds, before anything else can become of them
PAUSE_UNASKED = 60  # ours: seconds after a 429 that does not say how long
LOOK_AGAIN_SECONDS = 2  # ours: until the index of the ledger shows what came at the last moment


class OpenSessionInput(BaseModel, frozen=True):
    """The input of Open Session: the dataset, the run, and the number of the session in this run."""

    dataset_id: str
    execution_arn: str
    execution_name: str
    round: int

    @property
    def session_key(self) -> str:
        """The key of the session, known before Vi names it; a repeat has the same."""
        return f"{self.execution_name}-{self.round}"

    @property
    def session_key_before(self) -> str:
        """The key of the previous session of the same run."""
        return f"{self.execution_name}-{self.round - 1}"


class OpenSessionResult(BaseModel, frozen=True):
    """The output of Open Session: a session with the addresses of its slices, a wait, or nothing to do for this run.

    `look_again` says that something came at the last moment, `owned` that another run or another
    invocation takes what waits.
    """

    outcome: Literal["opened", "permit_wait", "look_again", "no_drops", "owned"]
    wait_seconds: int = 0
    session: SessionRef | None = None
    slices: tuple[Address, ...] = ()


NO_DROPS = OpenSessionResult(outcome="no_drops")
OWNED = OpenSessionResult(outcome="owned")


@dataclass(frozen=True)
class SessionOpener:
    """Opens ingestion sessions for what is dropped."""

    client: ViClient
    ledger: Ledger
    register: AssetRegister
    sessions: SessionsTable
    ownership: RunOwnership
    permits: Permits
    s3: "S3Client"
    unsent: DropRejecter
    bucket: str
    failure_mode: str
    on_asset_overwritten: str
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def open(self, opening: OpenSessionInput) -> OpenSessionResult:
        """Open a session for the drops of a dataset that wait, unless another run does; a repeat gives the same.

        A repeat beside an invocation that still runs takes the opening over: that one claims, sends and gives back
        nothing any more.

        Raises:
            KeyMissing, KeyRefused, KeyForbidden, ViRefused: nothing was claimed that is not given back. What Vi refuses
                for one of many drops, it is asked for without it.
            ViUnavailable, ViUnreachable, AnswerLost: the same; it may be tried again.
        """
        try:
            return self._open_as_last(opening)
        except GuardFailed:
            logger.warning("opening_taken_over")
            noted = self.sessions.get(opening.session_key)
            if noted is not None and noted.state in UNFINISHED:
                return OWNED  # another invocation of this run has it
            return self._left(opening)

    def _left(self, opening: OpenSessionInput) -> OpenSessionResult:
        """End the run: its session is over, for nobody seemed to work for it. A sweep starts another run."""
        self._releases(opening)
        return NO_DROPS

    def _open_as_last(self, opening: OpenSessionInput) -> OpenSessionResult:
        before = self.sessions.get(opening.session_key)
        # Who has a session open already is through with it also where it was thought dead meanwhile.
        if not self._takes(opening) and before is None:
            return OWNED
        if before is not None and before.state == "abandoned":
            return self._left(opening)
        if before is not None and before.state not in UNFINISHED:
            return OWNED  # a repeat that comes late: the run went on, and its dataset stays its own
        try:
            opened = self._opened(opening, before)
        except Permanent:  # the run fails, and the next one need not wait for its lease
            self._releases(opening)
            raise
        if opened.outcome == "no_drops":
            return self._looked_again(opening)
        if opened.outcome == "permit_wait":
            self._takes(opening, opened.wait_seconds)
        return opened

    def _looked_again(self, opening: OpenSessionInput) -> OpenSessionResult:
        """End the run, unless something waits that came while it was the owner: the run for that may have ended by now.

        A run that comes after the release is an owner of its own. One that came before has ended, and what it was
        started for is to be seen.
        """
        self._releases(opening)
        if not self.ledger.any_waiting(opening.dataset_id):
            return NO_DROPS
        return (
            OpenSessionResult(outcome="look_again", wait_seconds=LOOK_AGAIN_SECONDS) if self._takes(opening) else OWNED
        )

    def _takes(self, opening: OpenSessionInput, idle_seconds: int = 0) -> bool:
        return self.ownership.take(opening.dataset_id, opening.execution_arn, opening.session_key, idle_seconds)

    def _releases(self, opening: OpenSessionInput) -> None:
        self.ownership.release(opening.dataset_id, opening.execution_arn)

    def _opened(self, opening: OpenSessionInput, before: Session | None) -> OpenSessionResult:
        if before is not None and before.state != "opening":
            return self._as_opened(before)
        if before is None and not self.ledger.any_waiting(opening.dataset_id):
            return NO_DROPS
        try:
            datasets.get(self.client, opening.dataset_id)
        except DatasetUnknown:
            return self._rejected_all(opening, before)
        if before is not None:
            before = before.model_copy(update={"opener": uuid4().hex})
            if not self.sessions.take_over(before.session_key, before.opener or ""):
                raise GuardFailed
            if before.tries:
                self._look_for_lost(before)
        return self._opened_with_permit(opening, before)

    def _opened_with_permit(self, opening: OpenSessionInput, before: Session | None) -> OpenSessionResult:
        tries = (before.tries if before else 0) + 1
        holder = f"{opening.session_key}#{tries}"
        permit = self.permits.take(holder)
        if isinstance(permit, Wait):
            if before is not None:
                self._give_up(before)
            return OpenSessionResult(outcome="permit_wait", wait_seconds=permit.seconds)
        session = before or self._noted(opening)
        if before is None and not self.sessions.open(session):
            raise GuardFailed  # a repeat has begun meanwhile
        claimed = self._claimed(session)
        if not claimed:
            self.permits.give_back(permit)
            self.sessions.forget(session)
            return NO_DROPS
        return self._created(opening, session, claimed, permit, tries)

    def _created(
        self, opening: OpenSessionInput, session: Session, claimed: list[Drop], permit: Permit, tries: int
    ) -> OpenSessionResult:
        # From here on, Vi may get other bytes than those it has.
        self.register.forget_content(claimed, session.opened_at)
        sessions = Sessions(self.client, session.dataset_id)
        request = SessionRequest(sessions, self.ledger, self.sessions, self.failure_mode, self.on_asset_overwritten)
        try:
            asked = request.send(session, claimed, tries, opening.session_key_before)
        except RateLimited as refusal:
            # Somebody else uses the ration, too. Nothing was opened.
            count(None, SessionsRefused=1)
            pause = PAUSE_UNASKED if refusal.pause_seconds is None else refusal.pause_seconds
            self.permits.give_back(permit)
            self.permits.pause(pause)
            self._give_up(session)
            return OpenSessionResult(outcome="permit_wait", wait_seconds=max(1, round(pause)))
        except AnswerLost:
            self.permits.used(permit)
            raise
        except (Permanent, Retryable):
            self.permits.give_back(permit)
            self._give_up(session)
            raise
        if asked.made is None:
            self.permits.give_back(permit)
            self._give_up(session)
            opened = NO_DROPS
        else:
            self.permits.used(permit)
            opened = self._recorded(session, asked.drops, asked.made)
        for drop, why in asked.not_taken:
            message = f"Vi opens sessions with other files, and none with this one. {why}"
            self.unsent.reject(session.dataset_id, [drop], NOT_TAKEN, message)
        return opened

    def _recorded(self, session: Session, claimed: Sequence[Drop], made: IngestionSession) -> OpenSessionResult:
        """Keep what Vi answered: the slices first, so that a session that is noted as open can be uploaded."""
        reference = SessionRef(
            session_key=session.session_key,
            dataset_id=session.dataset_id,
            session_id=made.session_id,
            ingestion_id=made.ingestion_id,
            bucket=self.bucket,
            total=len(claimed),
            opened_at=session.opened_at,
        )
        uploads = {asset.filename: asset.upload for asset in made.assets}
        assets = [SliceAsset.of(drop, uploads.get(drop.asset_filename)) for drop in claimed]
        addresses = self._staging(session).keep_slices(sliced(reference, assets))
        noted = self.sessions.update_opening(
            session,
            state="open",
            session_id=made.session_id,
            ingestion_id=made.ingestion_id,
            total=len(claimed),
        )
        if not noted:  # it was given up or taken over meanwhile
            Sessions(self.client, session.dataset_id).cancel(made.session_id)
            raise GuardFailed
        logger.info("session_opened", session_id=made.session_id, drops=len(claimed), slices=len(addresses))
        count(None, SessionsOpened=1)
        return OpenSessionResult(outcome="opened", session=reference, slices=tuple(addresses))

    def _claimed(self, session: Session) -> list[Drop]:
        """Claim as many drops as a session may have, each name once: the oldest takes it, the others wait."""
        staging = self._staging(session)
        known = staging.candidates()  # those of an invocation that was killed may be claimed already
        held = sorted(self._held(session), key=lambda drop: (drop.dropped_at, drop.drop_id))
        if held and session.tries:
            return held
        named: dict[str, Drop] = {}
        for drop in self.ledger.waiting(session.dataset_id, LARGEST):
            named.setdefault(drop.asset_filename, drop)
        taken = {drop.asset_filename for drop in held}
        free = [drop for name, drop in named.items() if name not in taken]
        # Suspects go apart, when nothing else waits: what Vi takes does not wait behind what it may refuse.
        apart = [drop for drop in free if not drop.suspect] or free
        fresh = apart[: max(0, LARGEST - len(held))]
        fresh = fresh[: max(0, fits([*held, *fresh]) - len(held))]
        if not fresh:
            return held
        staging.keep_candidates([*dict.fromkeys([*known, *(drop.drop_id for drop in fresh)])], session.opener or "")
        return [*held, *self.ledger.claim(fresh, session.session_key, self.sessions.opening_guard(session))]

    def _look_for_lost(self, session: Session) -> None:
        """A request to open this session was sent, and nobody knows what came of it: nothing of it may be left."""
        names = {drop.asset_filename for drop in self._held(session)}
        cancel_lost(Sessions(self.client, session.dataset_id), names, session)

    def _rejected_all(self, opening: OpenSessionInput, before: Session | None) -> OpenSessionResult:
        if before is not None:
            self._give_up(before)
        message = f"Vi has no dataset {opening.dataset_id!r}: create it, then have these drops tried again."
        while waiting := self.ledger.waiting(opening.dataset_id, LARGEST):
            some_at_once = batched(waiting, REJECTED_AT_ONCE, strict=False)
            if not sum(self.unsent.reject(opening.dataset_id, some, UNKNOWN, message) for some in some_at_once):
                break
        return NO_DROPS

    def _give_up(self, session: Session) -> None:
        """Give back what was claimed for a session that is not opened now; nothing counts as a try of a drop's own."""
        outcomes = [DropOutcome(drop_id=drop.drop_id, state="dropped") for drop in self._held(session)]
        self.ledger.settle(outcomes, session.dataset_id, session.session_key, self.sessions.opening_guard(session))
        self.sessions.forget(session)

    def _held(self, session: Session) -> list[Drop]:
        candidates = self.ledger.get(self._staging(session).candidates())
        return [
            drop for drop in candidates.values() if drop.session_key == session.session_key and drop.state == "claimed"
        ]

    def _as_opened(self, session: Session) -> OpenSessionResult:
        addresses = self._staging(session).addresses()
        if not addresses:
            return NO_DROPS  # its staged documents have expired: a sweep returns its drops
        reference = SessionRef(
            session_key=session.session_key,
            dataset_id=session.dataset_id,
            session_id=session.session_id or "",
            ingestion_id=session.ingestion_id or "",
            bucket=self.bucket,
            total=session.total,
            opened_at=session.opened_at,
        )
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
