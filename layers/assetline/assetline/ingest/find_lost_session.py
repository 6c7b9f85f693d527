"""A session that Vi may have opened without our hearing of it: it is known by the names of the files it waits for."""

import unicodedata
from collections.abc import Set as AbstractSet

from assetline.errors import Permanent
from assetline.ingest.sessions_table import Session
from assetline.vi.ingestion_sessions import IngestionSession, Sessions

CLOCKS_APART = 300  # ours: seconds that Vi's clock may be behind ours


def find_lost(sessions: Sessions, filenames: AbstractSet[str], session: Session) -> IngestionSession | None:
    """Return the session that waits for exactly *filenames* and is not older than ours; None when none can be told.

    Names that differ only in how Unicode composes their signs are the same.

    Whether Vi lists sessions with the files they are for is not known (docs/contracts/vi-api.md, section 2, row 27,
    and section 3.2): one that it lists without them is asked for by itself. What cannot be told is left alone: it may
    be somebody else's, and one of ours has no bytes to make assets of.
    """
    wanted = {*map(_composed, filenames)}
    earliest = (session.opened_at.timestamp() - CLOCKS_APART) * 1000
    try:
        for listed in sessions.newest():
            if listed.progress != "running" or (listed.time_created or earliest) < earliest:
                continue
            if listed.total is not None and listed.total != len(filenames):
                continue
            known = listed if listed.assets else sessions.get(listed.session_id)
            if {_composed(asset.filename) for asset in known.assets} == wanted:
                return known
    except Permanent:
        return None
    return None


def _composed(filename: str) -> str:
    return unicodedata.normalize("NFC", filename)
