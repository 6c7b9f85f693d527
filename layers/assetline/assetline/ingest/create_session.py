"""Vi is asked for an ingestion session: for all drops that are claimed or, should it refuse that, for some of them.

Vi refuses a session as a whole and names no file. One file that it does not take must not keep the others from it.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from assetline.errors import RateLimited, ViRefused
from assetline.ingest.drop import Drop
from assetline.ingest.ledger import Ledger
from assetline.ingest.outcomes import Outcome
from assetline.ingest.sessions_table import Session, SessionsTable
from assetline.observability import logger
from assetline.vi.ingestion_sessions import AssetSpec, IngestionSession, Sessions

MOST_GROUPS = 60  # ours: asked for beside all, in one opening


@dataclass(frozen=True)
class Asked:
    """What Vi has opened, if anything: a session for which drops; and which drops it has refused alone."""

    drops: Sequence[Drop]
    made: IngestionSession | None
    not_taken: Sequence[tuple[Drop, ViRefused]]


@dataclass(frozen=True)
class SessionRequest:
    """Asks Vi for sessions of a dataset."""

    sessions: Sessions
    ledger: Ledger
    table: SessionsTable
    failure_mode: str
    on_asset_overwritten: str

    def send(self, session: Session, claimed: Sequence[Drop], tries: int, earlier: str) -> Asked:
        """Have Vi open *session*, with request number *tries*, for what is *claimed* or for some of it.

        Claimed is at any time what Vi is asked for, and nothing else: so a lost answer can be told by its files. Whom
        Vi refuses alone is returned only if it takes others, in this session or in the *earlier* one of the run.

        Raises:
            ViRefused: Vi takes none of them, which need not be for any of them.
            And as `Sessions.create`.
        """
        refusal: ViRefused | None = None
        not_taken: list[tuple[Drop, ViRefused]] = []
        for number, group in enumerate(chain([claimed], islice(smaller(claimed), MOST_GROUPS))):
            if number:
                claimed = self._claimed_instead(session, claimed, group)
            if not claimed:
                continue  # another run has them
            self._note(session, tries + number, len(claimed))
            try:
                made = self.sessions.create([*map(_spec, claimed)], self.failure_mode, self.on_asset_overwritten)
            except ViRefused as error:
                refusal = error
                if not error.smaller_may_help:
                    break
                logger.info("session_refused", drops=len(claimed))
                if len(claimed) == 1:
                    not_taken.append((claimed[0], error))
            except RateLimited:
                if refusal is None:
                    raise
                break  # refused ones count, too: to begin anew after a pause would lead no further
            else:
                return Asked(claimed, made, not_taken)
        if not_taken and self._has_taken(earlier):
            return Asked((), None, not_taken)
        raise refusal or AssertionError("what is claimed is asked for")

    def _note(self, session: Session, tries: int, total: int) -> None:
        self.table.update(session.session_key, tries=tries, total=total, execution_arn=session.execution_arn)

    def _claimed_instead(self, session: Session, held: Sequence[Drop], group: Sequence[Drop]) -> list[Drop]:
        """Give back what is held and not in *group*, claim the rest of it, and return what is held then."""
        wanted, had = {drop.drop_id for drop in group}, {drop.drop_id for drop in held}
        back = [Outcome(drop_id=drop_id, state="dropped") for drop_id in had - wanted]
        self.ledger.settle(back, session.dataset_id, session.session_key)
        claimed = self.ledger.claim([drop for drop in group if drop.drop_id not in had], session.session_key)
        return [*(drop for drop in group if drop.drop_id in had), *claimed]

    def _has_taken(self, session_key: str) -> bool:
        """Say whether Vi opened that session: then it takes what we ask for as such."""
        session = self.table.get(session_key)
        return session is not None and session.session_id is not None


def smaller(refused: Sequence[Drop]) -> Iterator[Sequence[Drop]]:
    """Yield what to ask for of drops that were refused together: both halves, the halves of the first, and so on.

    Whoever asks stops when one is taken, so each is yielded because all before it were refused. A drop that was refused
    alone is one that Vi does not take, if it takes any after it. Of drops with one bad one among them, the first or the
    second that is yielded is taken; then come the halves of what was left on the way, the largest first.
    """
    waiting = deque([refused])
    while waiting:
        group = waiting.popleft()
        while len(group) > 1:
            middle = len(group) // 2
            group, other = group[:middle], group[middle:]
            yield group
            yield other
            waiting.append(other)


def _spec(drop: Drop) -> AssetSpec:
    return AssetSpec(
        filename=drop.asset_filename,
        mime=drop.mime or "application/octet-stream",
        size=drop.size,
        crc32c=drop.crc32c,
        kind=drop.kind or "Image",
        custom_metadata=drop.custom_metadata,
    )
