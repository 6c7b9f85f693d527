"""Open Session: gathers drops, takes a permit, claims the drops, and opens an ingestion session for them."""

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
from assetline.ingest.gathering import INDEX_SECONDS, Gathering
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

        If an earlier invocation still runs, the repeat takes the opening over. The earlier one then claims, sends and
        returns no more drops.

        Raises:
            KeyMissing, KeyRefused, KeyForbidden, ViRefused: all claimed drops were returned. If Vi refuses one drop of
                many, it gets a
                request without that drop.
            ViUnavailable, ViUnreachable, AnswerLost: the same; a retry may succeed.
        """
        try:
            return self._open_as_last(opening)
        except GuardFailed:
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
        if not self._takes(opening) and existing is None:
            return OWNED
        if existing is not None and existing.state == "abandoned":
            return self._left(opening)
        if existing is not None and existing.state not in UNFINISHED:
            return OWNED  # a late repeat: the run has continued, and still owns its dataset
        try:
            opened = self._opened(opening, existing)
        except Permanent:  # the run fails, and the next one need not wait for its lease
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
                raise GuardFailed
            existing = self.sessions.get(existing.session_key)  # a request may have been sent since it was read
            if existing is None or existing.opener != opener:
                raise GuardFailed
            if existing.tries:
                self._look_for_lost(existing)
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
                self._give_up(existing)
            return OpenSessionResult(outcome="permit_wait", wait_seconds=permit.seconds)
        session = existing or self._noted(opening)
        if existing is None and not self.sessions.open(session):
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
        # From here on, Vi may receive other bytes than it holds.
        self.register.forget_content(claimed, session.opened_at)
        sessions = Sessions(self.client, session.dataset_id)
        request = SessionRequest(sessions, self.ledger, self.sessions, self.failure_mode, self.on_asset_overwritten)
        try:
            sent = request.send(session, claimed, tries, opening.session_key_before)
        except RateLimited as refusal:
            # Another system uses the quota, too. No session was opened.
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
        if sent.made is None:
            self.permits.give_back(permit)
            self._give_up(session)
            opened = NO_DROPS
        else:
            self.permits.used(permit)
            opened = self._recorded(session, sent.drops, sent.made)
        for drop, why in sent.not_taken:
            message = f"Vi opens sessions with other files, but not with this one. {why}"
            self.unsent.reject(session.dataset_id, [drop], NOT_TAKEN, message)
        return opened

    def _recorded(self, session: Session, claimed: Sequence[Drop], made: IngestionSession) -> OpenSessionResult:
        """Store Vi's answer: the slices first, so that a session recorded as open can be uploaded."""
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
        """Claim as many drops as a session may hold, each name once: the oldest one gets it, the others wait."""
        staging = self._staging(session)
        known = staging.candidates()  # an invocation that was killed may have claimed them
        held = sorted(self._held(session), key=lambda drop: (drop.dropped_at, drop.drop_id))
        if held and session.tries:
            return held
        named: dict[str, Drop] = {}
        for drop in self.ledger.waiting(session.dataset_id, LARGEST):
            named.setdefault(drop.asset_filename, drop)
        taken = {drop.asset_filename for drop in held}
        free = [drop for name, drop in named.items() if name not in taken]
        # Suspects are claimed only if no other drop waits, so that they do not delay the others.
        apart = [drop for drop in free if not drop.suspect] or free
        fresh = apart[: max(0, LARGEST - len(held))]
        fresh = fresh[: max(0, fits([*held, *fresh]) - len(held))]
        if not fresh:
            return held
        staging.keep_candidates([*dict.fromkeys([*known, *(drop.drop_id for drop in fresh)])], session.opener or "")
        return [*held, *self.ledger.claim(fresh, session.session_key, self.sessions.opening_guard(session))]

    def _look_for_lost(self, session: Session) -> None:
        """Cancel the session of an earlier request whose answer was lost, if Vi opened one."""
        names = {drop.asset_filename for drop in self._held(session)}
        cancel_lost(Sessions(self.client, session.dataset_id), names, session)

    def _rejected_all(self, opening: OpenSessionInput, existing: Session | None) -> OpenSessionResult:
        if existing is not None:
            self._give_up(existing)
        message = f"Vi has no dataset {opening.dataset_id!r}: create it, then run `assetline drops retry`."
        while waiting := self.ledger.waiting(opening.dataset_id, LARGEST):
            some_at_once = batched(waiting, REJECTED_AT_ONCE, strict=False)
            if not sum(self.unsent.reject(opening.dataset_id, some, UNKNOWN, message) for some in some_at_once):
                break
        return NO_DROPS

    def _give_up(self, session: Session) -> None:
        """Return the drops claimed for a session that is not opened; this does not count as an attempt."""
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
