"""Requests an ingestion session from Vi: for all selected drops or, if Vi refuses that, for some of them.

Vi refuses a complete session and names no file. One refused file must not keep the others out of Vi.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice

from assetline.errors import AnswerLost, RateLimited, ViRefused
from assetline.ingest.drop import Drop
from assetline.ingest.find_lost_session import cancel_lost
from assetline.ingest.ledger import Ledger
from assetline.ingest.sessions_table import Session, SessionsTable
from assetline.ingest.staging import SessionStaging
from assetline.observability import logger
from assetline.vi.ingestion_sessions import AssetSpec, IngestionSession, Sessions

MOST_GROUPS = 60  # ours: requests for groups per opening; 30 find a single refused file in the largest session
LONG_NAME = 120  # ours, in characters
LONG_METADATA = 1000  # ours, in characters
SMALL, LARGE = 100, 50 * 1024**2  # ours, in bytes
USUAL_TYPES = frozenset({"image/jpeg", "image/png", "video/mp4"})
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._()+-]*", re.ASCII)


class OpeningTakenOver(Exception):  # noqa: N818 - the caller catches it
    """Another invocation opens the session, or the session has ended."""


@dataclass(frozen=True)
class SentRequest:
    """The session that Vi opened, if any, with its drops; and the drops that Vi refused alone."""

    drops: Sequence[Drop]
    made: IngestionSession | None
    not_taken: Sequence[tuple[Drop, ViRefused]]


@dataclass(frozen=True)
class SessionRequest:
    """Requests sessions of a dataset from Vi."""

    sessions: Sessions
    ledger: Ledger
    table: SessionsTable
    staging: SessionStaging
    failure_mode: str
    on_asset_overwritten: str

    def send(self, session: Session, drops: Sequence[Drop], tries: int, earlier: str) -> SentRequest:
        """Open *session* in Vi, with request number *tries*, for all *drops* or for some of them.

        The files of the current request are stored before it is sent: a lost answer is then identified by its files. A
        drop that Vi refuses alone is returned only if Vi accepts others, in this session or in the *earlier* one of the
        run. No request is sent for a session that another invocation opens, or that has ended.

        Raises:
            OpeningTakenOver: another invocation opens the session, or it has ended.
            ViRefused: Vi refuses all groups; the cause may be outside the files.
            And as `Sessions.create`.
        """
        refusal: ViRefused | None = None
        not_taken: list[tuple[Drop, ViRefused]] = []
        refused: Sequence[Drop] = ()
        selected = least_suspect_first(drops)
        for number, group in enumerate(chain([selected], islice(smaller(selected), MOST_GROUPS))):
            self._note(session, tries + number, group)
            try:
                made = self.sessions.create([*map(_spec, group)], self.failure_mode, self.on_asset_overwritten)
            except ViRefused as error:
                refusal, refused = error, group
                if not error.smaller_may_help:
                    break
                logger.info("session_refused", drops=len(group))
                if len(group) == 1:
                    not_taken.append((group[0], error))
            except AnswerLost:
                self._cancel_if_late(session, group)
                raise
            except RateLimited:
                if refusal is None:
                    raise
                break  # refused requests count, too: a restart after a pause would not get further
            else:
                self._note_suspects(refused, group)
                return SentRequest(group, made, not_taken)
        if not_taken and self._has_taken(earlier):
            return SentRequest((), None, not_taken)
        raise refusal or AssertionError("the drops are requested at least once")

    def _note(self, session: Session, tries: int, group: Sequence[Drop]) -> None:
        self.staging.keep_request(session.opener or "", [drop.asset_filename for drop in group])
        if not self.table.update_opening(session, tries=tries, total=len(group), execution_arn=session.execution_arn):
            raise OpeningTakenOver

    def _cancel_if_late(self, session: Session, group: Sequence[Drop]) -> None:
        """Cancel the session of a request whose answer was lost, if no other invocation looks for it.

        Another invocation may have taken over the opening, and searched for lost sessions before this request reached
        Vi.
        """
        if not self.table.update_opening(session):
            noted = self.table.get(session.session_key)
            known = noted.session_id if noted is not None else None
            with suppress(ViRefused, AnswerLost):  # it has ended, or it expires
                cancel_lost(self.sessions, [{drop.asset_filename for drop in group}], session, known)

    def _note_suspects(self, refused: Sequence[Drop], taken: Sequence[Drop]) -> None:
        """Mark the rest of a refused group as suspect when a part of it is *taken*: the cause is in the rest."""
        went = {drop.drop_id for drop in taken}
        rest = [drop for drop in refused if drop.drop_id not in went]
        if len(rest) < len(refused):
            self.ledger.suspect(rest)

    def _has_taken(self, session_key: str) -> bool:
        """Return whether Vi opened that session: then it accepts requests of this kind."""
        session = self.table.get(session_key)
        return session is not None and session.session_id is not None


def smaller(refused: Sequence[Drop]) -> Iterator[Sequence[Drop]]:
    """Yield the next groups to request from drops refused together: three quarters, three quarters of those, and so on.

    The caller stops at the first accepted group, so each group is yielded because all before it were refused. Vi
    refuses most large groups, which costs a request. It accepts few, which costs a session: see docs/decisions/0029. A
    drop refused alone is one that Vi does not accept, if it accepts any drop after it. The others follow without it.
    """
    rest = refused
    while len(rest) > 1:
        group = rest
        while len(group) > 1:
            group = group[: max(1, len(group) * 3 // 4)]
            yield group
        rest = rest[1:]
        yield rest


def least_suspect_first(drops: Sequence[Drop]) -> list[Drop]:
    """Return drops in the order of requests: those most likely to be refused are last."""
    return sorted(drops, key=_oddness)


def _oddness(drop: Drop) -> int:
    """Count the unusual properties of a drop: a long or odd name, long metadata, a very small or large size."""
    name, metadata = drop.asset_filename, drop.custom_metadata or {}
    return sum(
        (
            not _PLAIN_NAME.fullmatch(name),
            len(name) > LONG_NAME,
            sum(map(len, (*metadata, *metadata.values()))) > LONG_METADATA,
            not all(text.isascii() for text in (*metadata, *metadata.values())),
            drop.mime not in USUAL_TYPES,
            not SMALL <= drop.size <= LARGE,
        )
    )


def _spec(drop: Drop) -> AssetSpec:
    return AssetSpec(
        filename=drop.asset_filename,
        mime=drop.mime or "application/octet-stream",
        size=drop.size,
        crc32c=drop.crc32c,
        kind=drop.kind or "Image",
        custom_metadata=drop.custom_metadata,
    )
