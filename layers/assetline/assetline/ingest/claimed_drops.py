"""The claimed drops: waiting ones that the open session of their dataset sends.

The items of the table do not have this state: a drop is written when its session is settled, and not when the session
is opened. Operators see the state all the same.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from assetline.ingest.drop import Drop
from assetline.ingest.sessions_table import Session, SessionsTable
from assetline.ingest.staging import SessionStaging

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class ClaimedDrops:
    """The drops of the open sessions; *bucket* has their staged documents."""

    def __init__(self, sessions: SessionsTable, s3: "S3Client", bucket: str) -> None:
        self._sessions = sessions
        self._s3 = s3
        self._bucket = bucket
        self._drops: dict[str, frozenset[str]] = {}  # by session ID; they do not change

    def ids(self, dataset_id: str) -> frozenset[str]:
        """Return the IDs of the drops that the open session of a dataset sends."""
        session = self._sessions.of_dataset(dataset_id)
        return frozenset() if session is None else self._in(session)

    def marked(self, drops: Iterable[Drop]) -> list[Drop]:
        """Return *drops* in their order; those in an open session are `claimed`, with its key."""
        found = [*drops]
        waiting = {drop.dataset_id for drop in found if drop.state == "dropped"}
        open_sessions = {dataset_id: self._sessions.of_dataset(dataset_id) for dataset_id in waiting}
        return [self._marked(drop, open_sessions.get(drop.dataset_id)) for drop in found]

    def _marked(self, drop: Drop, session: Session | None) -> Drop:
        if session is None or drop.state != "dropped" or drop.drop_id not in self._in(session):
            return drop
        return drop.model_copy(update={"state": "claimed", "session_key": session.session_key})

    def _in(self, session: Session) -> frozenset[str]:
        if session.state != "open" or session.session_id is None:
            return frozenset()
        if session.session_id not in self._drops:
            staging = SessionStaging(self._s3, self._bucket, session.session_key)
            self._drops[session.session_id] = frozenset(drop.drop_id for drop in staging.drops(session.session_id))
        return self._drops[session.session_id]
