"""The outcome of a slice: that of all its attempts, stored while they upload."""

from collections.abc import Callable
from itertools import permutations

import boto3
import pytest

from assetline.ingest.outcomes import UploadFailure
from assetline.ingest.slice_progress import KEEP_AT, KEEP_EVERY, SliceProgress
from assetline.ingest.staging import SessionStaging, SliceOutcome
from tests.simulation.account import MemoryAccount


def failure(drop_id: str, *, damaged: bool = False) -> UploadFailure:
    return UploadFailure(drop_id=drop_id, reason="UploadFailed", message="It broke.", retryable=True, damaged=damaged)


UPLOADED = SliceOutcome(uploaded=("a", "b"))
FAILED = SliceOutcome(failed=(failure("b"), failure("c")))
DAMAGED = SliceOutcome(failed=(failure("a", damaged=True), failure("c", damaged=True)))


@pytest.mark.parametrize(
    ("attempts", "uploaded", "failed"),
    [
        ((), "", {}),
        ((UPLOADED, UPLOADED), "ab", {}),
        ((UPLOADED, FAILED), "ab", {"c": False}),
        ((UPLOADED, DAMAGED), "b", {"a": True, "c": True}),
        ((UPLOADED, FAILED, DAMAGED), "b", {"a": True, "c": True}),
    ],
)
def test_the_outcome_of_attempts_does_not_depend_on_their_order(
    attempts: tuple[SliceOutcome, ...], uploaded: str, failed: dict[str, bool]
) -> None:
    for order in permutations(attempts):
        outcome = SliceOutcome.of(order)
        assert "".join(outcome.uploaded) == uploaded
        assert {each.drop_id: each.damaged for each in outcome.failed} == failed


class TestStoredOutcomes:
    @pytest.fixture
    def staging(self, monkeypatch: pytest.MonkeyPatch) -> SessionStaging:
        account = MemoryAccount()
        account.buckets.objects["staging"] = {}
        account.takes_calls(monkeypatch)
        return SessionStaging(boto3.client("s3"), "staging", "run-1")

    def attempt(
        self, staging: SessionStaging, number: int = 1, earlier: tuple[str, ...] = (), clock: Callable[[], float] = int
    ) -> SliceProgress:
        return SliceProgress(staging, number, earlier, clock)

    def test_an_outcome_is_stored_every_hundred_uploads(self, staging: SessionStaging) -> None:
        progress = self.attempt(staging)
        for number in range(KEEP_AT + 1):
            progress.add(f"{number:03}")
        assert len(staging.outcome(1).uploaded) == KEEP_AT
        assert progress.uploaded == KEEP_AT + 1

    def test_an_outcome_is_stored_every_few_seconds(self, staging: SessionStaging) -> None:
        now = [0.0]
        progress = self.attempt(staging, clock=lambda: now[0])
        progress.add("a")
        assert staging.outcome(1) == SliceOutcome()
        now[0] += KEEP_EVERY
        progress.add("b")
        assert staging.outcome(1).uploaded == ("a", "b")

    def test_a_late_attempt_replaces_no_outcome(self, staging: SessionStaging) -> None:
        late, repeat = self.attempt(staging), self.attempt(staging, earlier=("a",))
        repeat.add("b")
        repeat.keep()
        late.keep([failure("b"), failure("c")])
        assert staging.outcome(1) == SliceOutcome(uploaded=("a", "b"), failed=(failure("c"),))

    def test_the_outcome_of_a_session_has_all_slices(self, staging: SessionStaging) -> None:
        self.attempt(staging, 1, ("a",)).keep()
        self.attempt(staging, 2).keep([failure("b")])
        self.attempt(staging, 12, ("c",)).keep()
        assert staging.outcome(1).uploaded == ("a",)
        assert staging.outcomes() == SliceOutcome(uploaded=("a", "c"), failed=(failure("b"),))
