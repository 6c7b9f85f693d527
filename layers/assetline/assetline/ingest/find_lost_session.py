"""Finds a session that Vi may have opened although its answer was lost, by the names of its files."""

import unicodedata
from collections.abc import Set as AbstractSet

from assetline.errors import Permanent
from assetline.ingest.sessions_table import Session
from assetline.observability import logger
from assetline.vi.ingestion_sessions import IngestionSession, Sessions

CLOCKS_APART = 300  # ours: seconds that Vi's clock may be behind ours


def cancel_lost(sessions: Sessions, filenames: AbstractSet[str], session: Session, known: str | None = None) -> None:
    """Cancel the session that Vi opened for *filenames* on a request of *session* whose answer was lost.

    *known* is the id of the session that Vi opened for *session* on another request; it is not cancelled.

    Raises:
        ViRefused, AnswerLost: Vi did not cancel it.
    """
    lost = find_lost(sessions, filenames, session, known) if filenames else None
    if lost is not None:
        sessions.cancel(lost.session_id)
        logger.warning("lost_session_cancelled", session_id=lost.session_id)


def find_lost(
    sessions: Sessions, filenames: AbstractSet[str], session: Session, known: str | None = None
) -> IngestionSession | None:
    """Return the session for exactly *filenames* that is not older than ours, None without one.

    The session with the id *known* is not a lost one. Unicode forms of a name count as equal.

    It is not known whether Vi lists sessions with their files (docs/contracts/vi-api.md, section 2, row 27, and section
    3.2). If it does not, the function reads each session separately. An unidentified session is ignored: it may belong
    to another client, and one of ours has no bytes to create assets from.
    """
    expected = {*map(_composed, filenames)}
    earliest = (session.opened_at.timestamp() - CLOCKS_APART) * 1000
    try:
        for listed in sessions.newest():
            if listed.progress != "running" or (listed.time_created or earliest) < earliest:
                continue
            if listed.session_id == known:
                continue
            if listed.total is not None and listed.total != len(filenames):
                continue
            detailed = listed if listed.assets else sessions.get(listed.session_id)
            if {_composed(asset.filename) for asset in detailed.assets} == expected:
                return detailed
    except Permanent:
        return None
    return None


def _composed(filename: str) -> str:
    return unicodedata.normalize("NFC", filename)
