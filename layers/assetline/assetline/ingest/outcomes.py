"""The outcome of each drop of an ingestion session. Pure: facts of Vi and of the uploads in, one outcome a drop out.

Vi names the files it refuses and counts those it takes; it never names a file it has taken. So a drop is ingested only
where the counts leave no doubt, and goes back where they do: the name of an asset depends on its key alone, and a file
that is sent twice is one asset.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel

from assetline.ingest.drop import Drop
from assetline.ingest.vi_error_codes import ALREADY_THERE, rejection

MOST_RETURNS = 3  # ours: how often a drop goes back at its own cost before it is rejected
SESSION_FAILED = "SessionFailed"

type Ending = Literal["ingested", "rejected", "dropped"]
type Ended = Literal["finished", "failed", "cancelled", "overdue", "broken", "abandoned"]

# Why a run broke that no drop is to blame for. Anything else may be a file's doing, and must end some day.
BLAMELESS = frozenset(
    {"AwsUnavailable", "KeyMissing", "KeyRefused", "KeyForbidden", "ViUnavailable", "ViUnreachable", "RateLimited"}
)

_WHY: dict[Ended, str] = {
    "finished": "Vi finished the session with fewer assets than it was sent files, and does not say which are missing",
    "failed": "Vi gave the session up",
    "cancelled": "The session was cancelled in Vi",
    "overdue": "Vi did not finish the session in time",
    "broken": "The uploads of the session broke off",
    "abandoned": "The run that worked on the session ended before it did",
}


class UploadFailure(BaseModel, frozen=True):
    """Why Vi does not have the bytes of a drop; `retryable` when another session might get them.

    `damaged` says that Vi has other bytes instead, and may count them as the file.
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
    """All that is known of a session when it is settled.

    `left_as` is how the run left it. `error` names what broke the run or, where it is not left as `broken`, some of its
    uploads: nobody says how those ended that are not noted as uploaded. `vi_says` is where Vi says it is, None for a
    session that Vi does not have. `total` is None where Vi does not count. `file_errors` are codes by file name,
    `upload_failures` are by `drop_id`.
    """

    left_as: Ended
    error: str | None = None
    vi_says: Literal["running", "finished", "failed", "cancelled"] | None = None
    total: int | None = None
    succeeded: int = 0
    errored: int = 0
    file_errors: Mapping[str, str] = field(default_factory=dict)
    failure: str = ""
    upload_failures: Mapping[str, UploadFailure] = field(default_factory=dict)

    @property
    def ended(self) -> Ended:
        """The end of the session: as Vi reports it, where it ended there and its run saw it."""
        if self.left_as == "abandoned" or self.vi_says is None or self.vi_says == "running":
            return self.left_as
        return self.vi_says

    @property
    def clean(self) -> bool:
        """Whether Vi is through with every file it was told of, and there is nothing left to cancel."""
        return self.vi_says == "finished" and (self.total is None or self.succeeded + self.errored >= self.total)

    @property
    def why(self) -> str:
        """Why drops go back that nothing else is known of, in words."""
        said = self.failure or self.error
        return f"{_WHY['broken' if self.error else self.ended]}{f' ({said})' if said else ''}."


def outcomes(drops: Sequence[Drop], evidence: Evidence) -> list[DropOutcome]:
    """Return the outcome of each drop, in their order."""
    codes = _codes(drops, evidence.file_errors)
    failures = {drop.drop_id: evidence.upload_failures.get(drop.drop_id) for drop in drops}
    damaged = {drop_id for drop_id, failure in failures.items() if failure is not None and failure.damaged}
    if _all_taken(evidence, len(drops)) and not damaged:
        return [DropOutcome(drop.drop_id, "ingested") for drop in drops]
    innocent = [drop for drop in drops if drop.drop_id not in codes and failures[drop.drop_id] is None]
    sent = {drop.drop_id for drop in innocent if drop.state == "uploaded"}
    unsent = {drop.drop_id for drop in innocent} - sent
    broke_off = unsent if evidence.error is not None and evidence.left_as != "broken" else set()
    unsure = [failure for drop_id, failure in failures.items() if failure is not None and drop_id not in damaged]
    perhaps = sum(failure.retryable for failure in unsure) + len(broke_off)
    # Vi counts damaged bytes as it counts others, unless it names the file.
    counted = len(sent) + len(damaged - codes.keys())
    taken = _taken(evidence, counted, len(codes), perhaps, unsent=len(unsent) - len(broke_off))
    # Where somebody is to blame, he is rejected or charged, and the session of the others is the nearer to its end.
    nobody_is = len(innocent) == len(drops) and evidence.error not in BLAMELESS
    charged = (broke_off or {drop.drop_id for drop in drops}) if nobody_is else set()

    def outcome(drop: Drop) -> DropOutcome:
        code, failure = codes.get(drop.drop_id), failures[drop.drop_id]
        if code == ALREADY_THERE and drop.drop_id not in damaged:
            return DropOutcome(drop.drop_id, "ingested")
        if failure is not None:
            return _refused(drop, failure.reason, failure.message, retryable=failure.retryable)
        if code is not None:
            return _refused(drop, code, rejection(code).message, retryable=rejection(code).retryable)
        if taken and drop.drop_id in sent:
            return DropOutcome(drop.drop_id, "ingested")
        if drop.drop_id in charged:
            return _refused(drop, SESSION_FAILED, evidence.why, retryable=True)
        return DropOutcome(drop.drop_id, "dropped", SESSION_FAILED, evidence.why)

    return [outcome(drop) for drop in drops]


def _all_taken(evidence: Evidence, drops: int) -> bool:
    """Say whether Vi has taken every file: then also those whose upload seemed to fail, when only its answer did."""
    counted = evidence.total is not None and evidence.succeeded >= max(drops, evidence.total)
    return evidence.vi_says == "finished" and counted and not evidence.errored


def _taken(evidence: Evidence, sent: int, named: int, perhaps: int, *, unsent: int) -> bool:
    """Say whether Vi has taken all the files that were *sent* and that it does not name.

    *perhaps* are those whose upload seemed to fail when only its answer may have: Vi may count them. So it may those
    that are *unsent* as far as is known, when the run broke.
    """
    if evidence.vi_says not in {"running", "finished"}:
        return False  # what Vi keeps of a session that failed or was cancelled is not documented
    if evidence.total is None:
        return evidence.vi_says == "finished"
    expected = sent
    if evidence.vi_says == "running":
        if unsent or evidence.left_as not in {"finished", "abandoned", "overdue"}:
            return False
        if evidence.left_as == "overdue":
            expected += perhaps  # it is not at rest, as the others are: it may count one of these and be at another
    # A file that is named and not counted as an error may be counted as a success: one that was there already, say.
    return evidence.succeeded - max(0, named - evidence.errored) >= expected


def _codes(drops: Sequence[Drop], file_errors: Mapping[str, str]) -> dict[str, str]:
    """Return the codes by drop; names that differ only in how Unicode composes their signs are the same."""
    composed = {unicodedata.normalize("NFC", filename): code for filename, code in file_errors.items()}
    found: dict[str, str] = {}
    for drop in drops:
        name = drop.asset_filename
        code = file_errors.get(name, composed.get(unicodedata.normalize("NFC", name)))
        if code is not None:
            found[drop.drop_id] = code
    return found


def _refused(drop: Drop, reason: str, message: str, *, retryable: bool) -> DropOutcome:
    if retryable and drop.attempts < MOST_RETURNS:
        return DropOutcome(drop.drop_id, "dropped", reason, message, counts_attempt=True)
    if drop.dropped_again:  # what was refused is not what is there now
        return DropOutcome(drop.drop_id, "dropped", reason, message)
    if not retryable:
        return DropOutcome(drop.drop_id, "rejected", reason, message)
    tried = f"{message} It was tried {drop.attempts + 1} times. Have it tried again with `assetline drops retry`."
    return DropOutcome(drop.drop_id, "rejected", reason, tried)
