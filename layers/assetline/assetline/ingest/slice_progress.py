"""The progress of an attempt at a slice: the drops that it has uploaded, stored while it uploads the others."""

import time
from collections.abc import Callable, Iterable
from uuid import uuid4

from assetline.ingest.outcomes import UploadFailure
from assetline.ingest.staging import SessionStaging, SliceOutcome

KEEP_AT = 100  # ours: uploads that a killed invocation may send again
KEEP_EVERY = 5.0  # ours: seconds, for files that take long


class SliceProgress:
    """The outcome of one attempt, stored as it grows.

    Each attempt has a document of its own, so that no late attempt replaces the outcome of another one.
    """

    def __init__(
        self, staging: SessionStaging, number: int, earlier: Iterable[str], clock: Callable[[], float] = time.time
    ) -> None:
        self._staging = staging
        self._number = number
        self._attempt = uuid4().hex
        self._clock = clock
        self._uploaded = [*earlier]
        self._kept, self._kept_at = len(self._uploaded), clock()

    @property
    def uploaded(self) -> int:
        """The number of drops of the slice whose bytes Vi has."""
        return len(self._uploaded)

    def add(self, drop_id: str) -> None:
        """Note that Vi has the bytes of a drop."""
        self._uploaded.append(drop_id)
        if len(self._uploaded) - self._kept >= KEEP_AT or self._clock() - self._kept_at >= KEEP_EVERY:
            self.keep()

    def keep(self, failed: Iterable[UploadFailure] = ()) -> SliceOutcome:
        """Store the outcome so far, at the end with the *failed* drops; return it."""
        outcome = SliceOutcome(uploaded=tuple(self._uploaded), failed=tuple(failed))
        self._staging.keep_outcome(self._number, self._attempt, outcome)
        self._kept, self._kept_at = len(self._uploaded), self._clock()
        return outcome
