"""A bulk deletion that Vi may run without our hearing of it: it is known by what it deletes, and by being new."""

from collections.abc import Collection

from assetline.deletion.request import DeletionRequest
from assetline.errors import AnswerLost, DatasetUnknown, KeyForbidden, SessionUnknown, ViRefused, ViUnavailable
from assetline.vi.bulk_deletions import BulkDeletion, BulkDeletions


def sessions_now(sessions: BulkDeletions) -> tuple[str, ...] | None:
    """Return the ids of the sessions there are; None where Vi does not list them, which is not known of it."""
    try:
        listed = sessions.listed()
    except (DatasetUnknown, KeyForbidden, ViRefused, ViUnavailable):
        return None
    return None if listed is None else tuple(one.session_id for one in listed)


def find_lost(sessions: BulkDeletions, request: DeletionRequest, before: Collection[str]) -> BulkDeletion | None:
    """Return a session of *request* that is none of those *before*; None when there is none.

    Raises:
        AnswerLost: one runs of which Vi does not say what it deletes: it may be ours.
    """
    listed = sessions.listed()
    new = [_known(sessions, one) for one in listed or () if one.session_id not in before]
    ours = [one for one in new if one.is_of(request.query)]
    for one in sorted(ours, key=lambda one: one.progress != "running"):
        return one
    if any(one.asked is None and one.progress == "running" for one in new):
        raise AnswerLost("Vi runs a bulk deletion and does not say what it deletes: it may be the one it was told of.")
    return None


def _known(sessions: BulkDeletions, one: BulkDeletion) -> BulkDeletion:
    """Return a session as it shows itself where the list does not show what it deletes."""
    if one.asked is not None:
        return one
    try:
        return sessions.get(one.session_id)
    except SessionUnknown:
        return one
