"""The outcome of each drop of an ingestion session: a pure function of facts from Vi and from the uploads.

Vi names the files that it refuses, and counts those that it accepts. It never names an accepted file. So a drop is
ingested only if the counts are unambiguous; otherwise it returns to the queue. The asset's name depends on the key
alone, so a file that is sent twice is one asset.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel

from assetline.ingest.drop import Drop
from assetline.ingest.vi_error_codes import ALREADY_THERE, rejection

MOST_RETURNS = 3  # ours: how often a drop returns with an attempt counted, before it is rejected
SESSION_FAILED = "SessionFailed"

type Ending = Literal["ingested", "rejected", "dropped"]
type Ended = Literal["finished", "failed", "cancelled", "overdue", "broken", "abandoned"]

# Errors of a run that no drop can cause. Any other error may be caused by a file, so its retries must end.
BLAMELESS = frozenset(
    {"AwsUnavailable", "KeyMissing", "KeyRefused", "KeyForbidden", "ViUnavailable", "ViUnreachable", "RateLimited"}
)

_WHY: dict[Ended, str] = {
    "finished": "Vi finished the session with fewer assets than files, and does not name the missing ones",
    "failed": "The session failed in Vi",
    "cancelled": "The session was cancelled in Vi",
    "overdue": "Vi did not finish the session in time",
    "broken": "The uploads of the session were interrupted",
    "abandoned": "The run that worked on the session ended early",
}


class UploadFailure(BaseModel, frozen=True):
    """Why Vi does not have the bytes of a drop; `retryable` if another session may receive them.

    `damaged` means that Vi holds other bytes instead, and may count them as the file.
    """

    drop_id: str
    reason: str
    message: str
    retryable: bool
    damaged: bool = False


@dataclass(frozen=True)
class DropOutcome:
    """The outcome of a drop; `dropped` returns it to the queue, as an attempt if `counts_attempt`."""

    drop_id: str
    state: Ending
    reason: str | None = None
    message: str | None = None
    counts_attempt: bool = False


@dataclass(frozen=True)
class Evidence:
    """The facts about a session when it is settled.

    - `left_as`: how the run left it
    - `error`: the error that broke the run or, unless it is left as `broken`, some of its uploads; the end of uploads
      that are not among `uploaded` is unknown
    - `vi_progress`: its progress in Vi, None if Vi does not have the session
    - `total`: None if Vi does not count
    - `file_errors`: codes by file name
    - `uploaded`: the drops whose bytes Vi has, by `drop_id`
    - `put_again`: the drops whose objects were put again since the session was opened, by `drop_id`
    - `upload_failures`: by `drop_id`
    """

    left_as: Ended
    error: str | None = None
    vi_progress: Literal["running", "finished", "failed", "cancelled"] | None = None
    total: int | None = None
    succeeded: int = 0
    errored: int = 0
    file_errors: Mapping[str, str] = field(default_factory=dict)
    failure: str = ""
    uploaded: frozenset[str] = frozenset()
    put_again: frozenset[str] = frozenset()
    upload_failures: Mapping[str, UploadFailure] = field(default_factory=dict)

    @property
    def ended(self) -> Ended:
        """The end of the session: Vi's, if it ended there and the run observed it."""
        if self.left_as == "abandoned" or self.vi_progress is None or self.vi_progress == "running":
            return self.left_as
        return self.vi_progress

    @property
    def clean(self) -> bool:
        """Whether Vi has processed all files of the session, so that it need not be cancelled."""
        return self.vi_progress == "finished" and (self.total is None or self.succeeded + self.errored >= self.total)

    @property
    def why(self) -> str:
        """The reason, as text, for drops that return without a reason of their own."""
        reason = self.failure or self.error
        return f"{_WHY['broken' if self.error else self.ended]}{f' ({reason})' if reason else ''}."


def outcomes(drops: Sequence[Drop], evidence: Evidence) -> list[DropOutcome]:
    """Return the outcome of each drop, in their order."""
    codes = _codes(drops, evidence.file_errors)
    failures = {drop.drop_id: evidence.upload_failures.get(drop.drop_id) for drop in drops}
    damaged = {drop_id for drop_id, failure in failures.items() if failure is not None and failure.damaged}
    if _all_taken(evidence, len(drops)) and not damaged:
        return [DropOutcome(drop.drop_id, "ingested") for drop in drops]
    innocent = [drop for drop in drops if drop.drop_id not in codes and failures[drop.drop_id] is None]
    sent = {drop.drop_id for drop in innocent if drop.drop_id in evidence.uploaded}
    unsent = {drop.drop_id for drop in innocent} - sent
    broke_off = unsent if evidence.error is not None and evidence.left_as != "broken" else set()
    unsure = [failure for drop_id, failure in failures.items() if failure is not None and drop_id not in damaged]
    perhaps = sum(failure.retryable for failure in unsure) + len(broke_off)
    # Vi counts damaged bytes like others, unless it names the file.
    counted = len(sent) + len(damaged - codes.keys())
    taken = _taken(evidence, counted, len(codes), perhaps, unsent=len(unsent) - len(broke_off))
    # If a drop caused the failure, it is rejected or charged, and the other drops need fewer sessions.
    none_is_to_blame = len(innocent) == len(drops) and evidence.error not in BLAMELESS
    charged = (broke_off or {drop.drop_id for drop in drops}) if none_is_to_blame else set()

    def outcome(drop: Drop) -> DropOutcome:
        code, failure = codes.get(drop.drop_id), failures[drop.drop_id]
        changed = drop.drop_id in evidence.put_again
        if code == ALREADY_THERE and drop.drop_id not in damaged:
            return DropOutcome(drop.drop_id, "ingested")
        if failure is not None:
            return _refused(drop, failure.reason, failure.message, retryable=failure.retryable, changed=changed)
        if code is not None:
            return _refused(drop, code, rejection(code).message, retryable=rejection(code).retryable, changed=changed)
        if taken and drop.drop_id in sent:
            return DropOutcome(drop.drop_id, "ingested")
        if drop.drop_id in charged:
            return _refused(drop, SESSION_FAILED, evidence.why, retryable=True, changed=changed)
        return DropOutcome(drop.drop_id, "dropped", SESSION_FAILED, evidence.why)

    return [outcome(drop) for drop in drops]


def _all_taken(evidence: Evidence, drops: int) -> bool:
    """Return whether Vi has accepted every file, including those whose upload failed only in its answer."""
    counted = evidence.total is not None and evidence.succeeded >= max(drops, evidence.total)
    return evidence.vi_progress == "finished" and counted and not evidence.errored


def _taken(evidence: Evidence, sent: int, named: int, perhaps: int, *, unsent: int) -> bool:
    """Return whether Vi has accepted all *sent* files that it does not name.

    *perhaps* counts files whose upload may have failed only in its answer: Vi may count them. It may also count the
    *unsent* files, as far as known, of a broken run.
    """
    if evidence.vi_progress not in {"running", "finished"}:
        return False  # the content of a failed or cancelled session is not documented
    if evidence.total is None:
        return evidence.vi_progress == "finished"
    expected = sent
    if evidence.vi_progress == "running":
        if unsent or evidence.left_as not in {"finished", "abandoned", "overdue"}:
            return False
        if evidence.left_as == "overdue":
            expected += perhaps  # Vi may count one of these while it still processes another
    # Vi may count a named file as a success instead of an error, for example if the asset existed already.
    return evidence.succeeded - max(0, named - evidence.errored) >= expected


def _codes(drops: Sequence[Drop], file_errors: Mapping[str, str]) -> dict[str, str]:
    """Return the codes by drop; Unicode forms of a name count as equal."""
    composed = {unicodedata.normalize("NFC", filename): code for filename, code in file_errors.items()}
    found: dict[str, str] = {}
    for drop in drops:
        name = drop.asset_filename
        code = file_errors.get(name, composed.get(unicodedata.normalize("NFC", name)))
        if code is not None:
            found[drop.drop_id] = code
    return found


def _refused(drop: Drop, reason: str, message: str, *, retryable: bool, changed: bool) -> DropOutcome:
    if retryable and drop.attempts < MOST_RETURNS:
        return DropOutcome(drop.drop_id, "dropped", reason, message, counts_attempt=True)
    if changed:  # the refused version is not the current one
        return DropOutcome(drop.drop_id, "dropped", reason, message)
    if not retryable:
        return DropOutcome(drop.drop_id, "rejected", reason, message)
    tried = (
        f"{message} This was attempt {drop.attempts + 1}, the last one. Run `assetline drops retry` to "
        "send the file again."
    )
    return DropOutcome(drop.drop_id, "rejected", reason, tried)
