"""Finds a bulk deletion that Vi may have started although its answer was lost: it is new and has our query."""

from collections.abc import Collection

from assetline.deletion.request import DeletionRequest
from assetline.errors import AnswerLost, DatasetUnknown, KeyForbidden, SessionUnknown, ViRefused, ViUnavailable
from assetline.vi.bulk_deletions import BulkDeletion, BulkDeletions


def sessions_now(sessions: BulkDeletions) -> tuple[str, ...] | None:
    """Return the ids of the current sessions, None if Vi does not list them (not verified)."""
    try:
        listed = sessions.listed()
    except (DatasetUnknown, KeyForbidden, ViRefused, ViUnavailable):
        return None
    return None if listed is None else tuple(session.session_id for session in listed)


def find_lost(sessions: BulkDeletions, request: DeletionRequest, known_ids: Collection[str]) -> BulkDeletion | None:
    """Return a session of *request* that is not in *known_ids*, None without one.

    Raises:
        AnswerLost: a new session runs whose query Vi does not return; it may be ours.
    """
    listed = sessions.listed()
    new = [_known(sessions, session) for session in listed or () if session.session_id not in known_ids]
    matching = [session for session in new if session.is_of(request.query)]
    for session in sorted(matching, key=lambda session: session.progress != "running"):
        return session
    if any(session.query is None and session.progress == "running" for session in new):
        raise AnswerLost("Vi runs a bulk deletion without returning its query: it may be the one that was requested.")
    return None


def _known(sessions: BulkDeletions, session: BulkDeletion) -> BulkDeletion:
    """Return a session with its query, read from the session itself if the list omits it."""
    if session.query is not None:
        return session
    try:
        return sessions.get(session.session_id)
    except SessionUnknown:
        return session
