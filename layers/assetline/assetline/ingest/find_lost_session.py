"""Finds the sessions that Vi may have opened although their answers were lost, by the names of their files."""

import unicodedata
from collections.abc import Collection
from collections.abc import Set as AbstractSet

from assetline.errors import Permanent
from assetline.ingest.sessions_table import Session
from assetline.observability import logger
from assetline.vi.ingestion_sessions import IngestionSession, Sessions

CLOCKS_APART = 300  # ours: seconds that Vi's clock may be behind ours


def cancel_lost(
    sessions: Sessions, requests: Collection[AbstractSet[str]], session: Session, known: str | None = None
) -> None:
    """Cancel the sessions that Vi opened on *requests* of *session* whose answers were lost.

    A request is the names of its files. *known* is the id of the session that Vi opened for *session* on another
    request; it is not cancelled.

    Raises:
        ViRefused, AnswerLost: Vi did not cancel one.
    """
    for lost in find_lost(sessions, requests, session, known):
        sessions.cancel(lost.session_id)
        logger.warning("lost_session_cancelled", session_id=lost.session_id)


def find_lost(
    sessions: Sessions, requests: Collection[AbstractSet[str]], session: Session, known: str | None = None
) -> list[IngestionSession]:
    """Return the running sessions for exactly the files of one of *requests* that are not older than ours.

    The session with the id *known* is not a lost one. Unicode forms of a name count as equal.

    It is not known whether Vi lists sessions with their files (docs/contracts/vi-api.md, section 2, row 27, and section
    3.2). If it does not, the function reads each session separately. An unidentified session is ignored: it may belong
    to another client, and one of ours has no bytes to create assets from.
    """
    expected = {frozenset(map(_composed, filenames)) for filenames in requests if filenames}
    sizes = {len(filenames) for filenames in requests}
    earliest = (session.opened_at.timestamp() - CLOCKS_APART) * 1000
    found = list[IngestionSession]()
    if not expected:
        return found
    try:
        for listed in sessions.newest():
            if listed.progress != "running" or (listed.time_created or earliest) < earliest:
                continue
            if listed.session_id == known:
                continue
            if listed.total is not None and listed.total not in sizes:
                continue
            detailed = listed if listed.assets else sessions.get(listed.session_id)
            if frozenset(_composed(asset.filename) for asset in detailed.assets) in expected:
                found.append(detailed)
    except Permanent:
        return found
    return found


def _composed(filename: str) -> str:
    return unicodedata.normalize("NFC", filename)
