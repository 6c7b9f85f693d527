"""The outcome of each drop of a session, for every result of Vi and of the uploads."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetline.ingest.drop import Drop
from assetline.ingest.outcomes import BLAMELESS, MOST_RETURNS, DropOutcome, Evidence, UploadFailure, outcomes
from assetline.ingest.vi_error_codes import rejection

CONTRACT_CODES = [
    "EALREADY",
    "EBADMIME",
    "EBADSIZE",
    "ECORRUPT",
    "ENOQUOTA",
    "EOLDMETA",
    "ETIMEOUT",
    "ERESNENT",
    "EPROJECT",
    "ENOASSET",
    "ESEQMETA",
    "EUNKNOWN",
]
WAYS_TO_LEAVE = ["finished", "failed", "cancelled", "overdue", "broken", "abandoned"]
NOW = datetime(2026, 11, 21, 4, tzinfo=UTC)


def any_drop(name: str = "one.png", *, attempts: int = 0) -> Drop:
    return Drop(
        drop_id=f"id of {name}",
        bucket="drops",
        key=f"ds1/{name}",
        etag="etag",
        size=1,
        dataset_id="ds1",
        asset_filename=name,
        state="claimed",
        attempts=attempts,
        session_key="run-1",
        dropped_at=NOW,
        updated_at=NOW,
    )


def any_drops(count: int, **options: Any) -> list[Drop]:
    return [any_drop(f"{number}.png", **options) for number in range(count)]


def not_uploaded(*drops: Drop, reason: str = "UploadFailed", retryable: bool = True) -> dict[str, UploadFailure]:
    return {
        drop.drop_id: UploadFailure(drop_id=drop.drop_id, reason=reason, message="It broke.", retryable=retryable)
        for drop in drops
    }


def evidence_of(vi_progress: Any, total: int | None, succeeded: int = 0, errored: int = 0, **more: Any) -> Evidence:
    left_as = more.pop("left_as", vi_progress)
    return Evidence(left_as=left_as, vi_progress=vi_progress, total=total, succeeded=succeeded, errored=errored, **more)


def outcomes_of(drops: list[Drop], evidence: Evidence, *, unsent: str = "") -> list[DropOutcome]:
    """Return the outcomes where Vi has the bytes of all files but the *unsent* one."""
    uploaded = frozenset(drop.drop_id for drop in drops if drop.asset_filename != unsent)
    return outcomes(drops, replace(evidence, uploaded=uploaded))


def states(found: list[DropOutcome]) -> list[str]:
    return [outcome.state for outcome in found]


def test_all_files_of_a_finished_session_are_ingested() -> None:
    found = outcomes_of(any_drops(3), evidence_of("finished", 3, 3))
    assert found == [DropOutcome(drop.drop_id, "ingested") for drop in any_drops(3)]


def test_a_file_that_vi_names_is_rejected_and_the_others_ingested() -> None:
    found = outcomes_of(any_drops(3), evidence_of("finished", 3, 2, 1, file_errors={"1.png": "EBADMIME"}))
    assert states(found) == ["ingested", "rejected", "ingested"]
    assert (found[1].reason, found[1].message) == ("EBADMIME", rejection("EBADMIME").message)


@pytest.mark.parametrize("code", [code for code in CONTRACT_CODES if code != "EALREADY"])
def test_every_code_of_the_contract_has_a_message_with_the_next_step(code: str) -> None:
    message = rejection(code).message
    assert "not known" not in message
    assert any(
        todo in message for todo in ("assetline drops retry", "drop the file again", "drop it again", "drop that")
    )


def test_a_code_that_is_not_in_the_contract_is_kept_as_it_is() -> None:
    (found,) = outcomes_of([any_drop()], evidence_of("finished", 1, 0, 1, file_errors={"one.png": "ENEWLY_MADE"}))
    assert (found.state, found.reason) == ("rejected", "ENEWLY_MADE")
    assert found.message is not None
    assert "does not recognise" in found.message


@pytest.mark.parametrize("vi_progress", ["running", "finished", "failed", "cancelled"])
def test_a_file_that_is_there_already_is_ingested_however_the_session_ends(vi_progress: str) -> None:
    found = outcomes_of(
        any_drops(2), evidence_of(vi_progress, 2, 0, 1, left_as="failed", file_errors={"0.png": "EALREADY"})
    )
    assert states(found)[0] == "ingested"


@pytest.mark.parametrize("code", ["ETIMEOUT", "EUNKNOWN", "ECORRUPT", "EBADSIZE", "EOLDMETA", "ENOASSET"])
def test_a_retryable_failure_returns_three_times_then_rejects(code: str) -> None:
    evidence = evidence_of("finished", 1, 0, 1, file_errors={"one.png": code})
    found = [outcomes_of([any_drop(attempts=attempts)], evidence)[0] for attempts in range(5)]
    assert states(found) == ["dropped", "dropped", "dropped", "rejected", "rejected"]
    assert [outcome.counts_attempt for outcome in found] == [True, True, True, False, False]
    assert {outcome.reason for outcome in found} == {code}
    assert "attempt 4" in (found[3].message or "")


def test_fail_after_one_costs_only_the_file_that_failed() -> None:
    found = outcomes_of(any_drops(3), evidence_of("failed", 3, 1, 1, file_errors={"1.png": "EBADMIME"}))
    assert states(found) == ["dropped", "rejected", "dropped"]
    assert not any(outcome.counts_attempt for outcome in found)


def test_a_failed_session_without_a_named_file_charges_all_drops() -> None:
    found = outcomes_of(any_drops(2), evidence_of("failed", 2, 1, failure="out of disk"))
    assert states(found) == ["dropped", "dropped"]
    assert all(outcome.counts_attempt and outcome.reason == "SessionFailed" for outcome in found)
    assert found[0].message == "The session failed in Vi (out of disk)."


def damaged(drop: Drop, *, retryable: bool = True) -> dict[str, UploadFailure]:
    failures = not_uploaded(drop, retryable=retryable)
    return {drop_id: failure.model_copy(update={"damaged": True}) for drop_id, failure in failures.items()}


def test_a_file_that_vi_has_damaged_is_not_ingested_though_vi_counts_it() -> None:
    drops = any_drops(2)
    found = outcomes_of(drops, evidence_of("finished", 2, 2, upload_failures=damaged(drops[0])), unsent="0.png")
    assert states(found) == ["dropped", "ingested"]
    assert found[0].counts_attempt
    gone = outcomes_of(
        drops, evidence_of("finished", 2, 2, upload_failures=damaged(drops[0], retryable=False)), unsent="0.png"
    )
    assert states(gone) == ["rejected", "ingested"]


def test_a_file_that_vi_has_damaged_is_not_counted_for_another() -> None:
    drops = any_drops(3)
    evidence = evidence_of(
        "finished", 3, 2, 1, upload_failures=damaged(drops[0])
    )  # one of them, and Vi does not name it
    assert states(outcomes_of(drops, evidence, unsent="0.png")) == ["dropped", "dropped", "dropped"]


def test_a_file_that_vi_has_damaged_and_names_is_not_counted() -> None:
    drops = any_drops(2)
    evidence = evidence_of("finished", 2, 1, 1, upload_failures=damaged(drops[0]), file_errors={"0.png": "ECORRUPT"})
    assert states(outcomes_of(drops, evidence, unsent="0.png")) == ["dropped", "ingested"]


@pytest.mark.parametrize("left_as", WAYS_TO_LEAVE)
def test_a_session_vi_does_not_have_gives_all_back(left_as: Any) -> None:
    assert states(outcomes_of(any_drops(2), Evidence(left_as=left_as))) == ["dropped", "dropped"]


@pytest.mark.parametrize("error", sorted(BLAMELESS))
def test_a_run_that_broke_for_what_no_file_can_help_costs_no_try(error: str) -> None:
    found = outcomes_of(any_drops(2), evidence_of("running", 2, left_as="broken", error=error))
    assert states(found) == ["dropped", "dropped"]
    assert not any(outcome.counts_attempt for outcome in found)


def test_a_run_that_broke_for_an_unknown_cause_costs_each_an_attempt() -> None:
    found = outcomes(any_drops(2), evidence_of("running", 2, left_as="broken", error="Sandbox.Timedout"))
    assert all(outcome.counts_attempt for outcome in found)


@pytest.mark.parametrize("vi_progress", ["running", "finished"])
def test_cut_off_uploads_charge_only_drops_without_an_outcome(vi_progress: Any) -> None:
    drops = any_drops(3)
    found = outcomes_of(
        drops, evidence_of(vi_progress, 3, 2, left_as="finished", error="Sandbox.Timedout"), unsent="2.png"
    )
    assert [(item.state, item.counts_attempt) for item in found] == [("ingested", False)] * 2 + [("dropped", True)]
    assert found[2].message == "The uploads of the session were interrupted (Sandbox.Timedout)."


def test_interrupted_uploads_cost_no_attempt_where_vi_has_fewer() -> None:
    drops = any_drops(3)
    found = outcomes_of(
        drops, evidence_of("running", 3, 1, left_as="overdue", error="Sandbox.Timedout"), unsent="2.png"
    )
    assert [(item.state, item.counts_attempt) for item in found] == [("dropped", False)] * 2 + [("dropped", True)]


def test_an_overdue_session_with_an_interrupted_upload_returns_all() -> None:
    drops = [
        any_drop("0.png"),
        any_drop("1.png"),
    ]  # Vi counts the first one, and is still at the second
    evidence = evidence_of("running", 2, 1, left_as="overdue", error="Sandbox.Timedout")
    assert states(outcomes_of(drops, evidence, unsent="0.png")) == ["dropped", "dropped"]


def test_a_deleted_file_is_rejected_and_does_not_delay_the_others() -> None:
    drops = any_drops(3)
    gone = not_uploaded(drops[0], reason="Deleted", retryable=False)
    found = outcomes_of(drops, evidence_of("running", 3, 2, left_as="finished", upload_failures=gone))
    assert states(found) == ["rejected", "ingested", "ingested"]


def test_an_upload_that_failed_goes_back_and_the_others_stay() -> None:
    drops = any_drops(3)
    failures = not_uploaded(drops[0])
    found = outcomes_of(
        drops, evidence_of("finished", 3, 2, 1, upload_failures=failures, file_errors={"0.png": "ETIMEOUT"})
    )
    assert states(found) == ["dropped", "ingested", "ingested"]
    assert found[0].reason == "UploadFailed"


def test_an_upload_with_a_lost_answer_is_ingested_when_vi_has_all() -> None:
    drops = any_drops(2)
    found = outcomes_of(drops, evidence_of("finished", 2, 2, upload_failures=not_uploaded(drops[0])))
    assert states(found) == ["ingested", "ingested"]


def test_an_omitted_file_returns_although_vi_took_all_the_others() -> None:
    drops = any_drops(3)
    found = outcomes_of(
        drops, evidence_of("finished", 2, 2, upload_failures=not_uploaded(drops[2], reason="UploadExpired"))
    )
    assert states(found) == ["ingested", "ingested", "dropped"]


def test_when_fewer_arrived_and_none_is_named_all_return() -> None:
    found = outcomes_of(any_drops(3), evidence_of("finished", 3, 2, 1, file_errors={"somebody-else.png": "EBADMIME"}))
    assert states(found) == ["dropped"] * 3
    assert all(outcome.counts_attempt for outcome in found)  # or it would never end


def test_a_finished_session_without_counts_ingests_its_drops() -> None:
    assert states(outcomes_of(any_drops(2), evidence_of("finished", None))) == ["ingested", "ingested"]


def test_a_name_that_vi_composes_otherwise_is_the_same_name() -> None:
    found = outcomes_of(
        [any_drop("cafe\u0301.png")], evidence_of("finished", 1, 0, 1, file_errors={"caf\u00e9.png": "EBADMIME"})
    )
    assert states(found) == ["rejected"]


def test_an_unsent_drop_returns_although_the_others_were_taken() -> None:
    drops = any_drops(2)
    found = outcomes_of(drops, evidence_of("finished", 2, 1, left_as="broken"), unsent="1.png")
    assert states(found) == ["ingested", "dropped"]


def test_a_session_that_still_runs_when_its_run_broke_gives_all_back() -> None:
    drops = any_drops(2)
    evidence = evidence_of("running", 2, 1, left_as="broken", upload_failures=not_uploaded(drops[0]))
    assert states(outcomes_of(drops, evidence)) == ["dropped", "dropped"]


def test_an_abandoned_session_with_all_sent_keeps_what_vi_took() -> None:
    drops = any_drops(2)
    gone = not_uploaded(drops[0], reason="Deleted", retryable=False)
    found = outcomes_of(drops, evidence_of("running", 2, 1, left_as="abandoned", upload_failures=gone))
    assert states(found) == ["rejected", "ingested"]


def test_a_session_abandoned_half_way_returns_uncertain_drops() -> None:
    drops = any_drops(2)  # Vi may count the one whose note is missing
    assert states(outcomes_of(drops, evidence_of("running", 2, 1, left_as="abandoned"), unsent="1.png")) == [
        "dropped",
        "dropped",
    ]


def test_an_overdue_session_with_a_failed_upload_returns_all() -> None:
    drops = any_drops(2)  # Vi counts the first one, and is still at the second
    evidence = evidence_of("running", 2, 1, left_as="overdue", upload_failures=not_uploaded(drops[0]))
    assert states(outcomes_of(drops, evidence)) == ["dropped", "dropped"]


# ---- for any answer of Vi

drops_of_a_session = st.lists(st.integers(0, 5), min_size=1, max_size=12).map(
    lambda known: [any_drop(f"{number}.png", attempts=attempts) for number, attempts in enumerate(known)]
)
codes = st.sampled_from([*CONTRACT_CODES, "ENEWLY_MADE"])


@st.composite
def evidences(draw: st.DrawFn, drops: list[Drop]) -> Evidence:
    names = [drop.asset_filename for drop in drops] + ["nobody.png"]
    failing = draw(st.lists(st.sampled_from(drops), unique=True))
    return Evidence(
        left_as=draw(st.sampled_from(WAYS_TO_LEAVE)),
        error=draw(st.sampled_from([None, "Sandbox.Timedout", *BLAMELESS])),
        vi_progress=draw(st.sampled_from([None, "running", "finished", "failed", "cancelled"])),
        total=draw(st.none() | st.integers(0, 15)),
        succeeded=draw(st.integers(0, 15)),
        errored=draw(st.integers(0, 15)),
        file_errors=draw(st.dictionaries(st.sampled_from(names), codes)),
        uploaded=draw(st.frozensets(st.sampled_from([drop.drop_id for drop in drops]))),
        upload_failures=not_uploaded(*failing, retryable=draw(st.booleans())),
    )


any_session = drops_of_a_session.flatmap(lambda drops: st.tuples(st.just(drops), evidences(drops)))


@given(any_session)
def test_every_drop_has_exactly_one_outcome(session: tuple[list[Drop], Evidence]) -> None:
    drops, evidence = session
    assert [outcome.drop_id for outcome in outcomes(drops, evidence)] == [drop.drop_id for drop in drops]


@given(any_session)
def test_an_innocent_drop_is_never_charged_if_another_is_named(session: tuple[list[Drop], Evidence]) -> None:
    drops, evidence = session
    named = {drop.drop_id for drop in drops if drop.asset_filename in evidence.file_errors}
    for outcome in outcomes(drops, evidence):
        if named and outcome.drop_id not in named and outcome.drop_id not in evidence.upload_failures:
            assert not outcome.counts_attempt
            assert outcome.state != "rejected"


@given(any_session)
def test_a_charged_drop_returns_at_most_three_times(
    session: tuple[list[Drop], Evidence],
) -> None:
    drops, evidence = session
    for drop, outcome in zip(drops, outcomes(drops, evidence), strict=True):
        if outcome.counts_attempt:
            assert outcome.state == "dropped"
            assert drop.attempts < MOST_RETURNS
        assert outcome.state == "ingested" or (outcome.reason and outcome.message)


@given(any_session)
def test_every_session_comes_nearer_to_its_drops_end(session: tuple[list[Drop], Evidence]) -> None:
    drops, evidence = session
    if evidence.error not in BLAMELESS:
        assert any(outcome.state != "dropped" or outcome.counts_attempt for outcome in outcomes(drops, evidence))


@given(st.data(), drops_of_a_session)
def test_no_drop_returns_more_than_three_times_for_its_own_failure(data: st.DataObject, drops: list[Drop]) -> None:
    returns = dict.fromkeys((drop.drop_id for drop in drops), 0)
    waiting = [drop.model_copy(update={"attempts": 0}) for drop in drops]
    sessions = 0
    while waiting:
        sessions += 1
        evidence = data.draw(evidences(waiting).filter(lambda evidence: evidence.error not in BLAMELESS))
        repeated = []
        for drop, outcome in zip(waiting, outcomes(waiting, evidence), strict=True):
            returns[drop.drop_id] += outcome.counts_attempt
            if outcome.state == "dropped":
                repeated.append(drop.model_copy(update={"attempts": drop.attempts + outcome.counts_attempt}))
        waiting = repeated
        assert sessions <= len(drops) * (MOST_RETURNS + 1)
    assert max(returns.values()) <= MOST_RETURNS


# ---- for any act of Vi, if its answers are true

type Fate = Literal["taken", "refused", "already", "missing"]


@st.composite
def true_sessions(draw: st.DrawFn) -> tuple[list[Drop], Evidence, list[Fate]]:
    """Draw a session that came to an end in Vi, or to rest: what was sent is taken, or refused by name."""
    count = draw(st.integers(1, 8))
    broke = draw(st.booleans())
    sent = [draw(st.booleans()) for _ in range(count)]
    answered = [item and draw(st.booleans()) for item in sent]  # or the upload seems to have failed
    noted = [not item and (not broke or draw(st.booleans())) for item in answered]
    fates: list[Fate] = [draw(st.sampled_from(["taken", "refused", "already"])) if item else "missing" for item in sent]
    drops = any_drops(count)
    finished = draw(st.booleans())
    timed_out = [finished and fate == "missing" and draw(st.booleans()) for fate in fates]
    errors = {f"{n}.png": "EALREADY" for n, fate in enumerate(fates) if fate == "already"}
    errors |= {f"{n}.png": draw(codes.filter("EALREADY".__ne__)) for n, fate in enumerate(fates) if fate == "refused"}
    errors |= {f"{n}.png": "ETIMEOUT" for n, late in enumerate(timed_out) if late}
    there_counts_as_taken = draw(st.booleans())
    succeeded = fates.count("taken") + (fates.count("already") if there_counts_as_taken else 0)
    left_out = draw(st.integers(0, fates.count("missing") - sum(timed_out)))
    evidence = Evidence(
        left_as=draw(st.sampled_from(["broken", "abandoned"] if broke else ["finished", "overdue", "abandoned"])),
        vi_progress="finished" if finished else "running",
        total=count - left_out,
        succeeded=succeeded,
        errored=len(errors) - (fates.count("already") if there_counts_as_taken else 0),
        file_errors=errors,
        uploaded=frozenset(drop.drop_id for drop, item in zip(drops, answered, strict=True) if item),
        upload_failures=not_uploaded(*(drop for drop, item in zip(drops, noted, strict=True) if item)),
    )
    return drops, evidence, fates


@given(true_sessions())
def test_nothing_is_called_ingested_that_vi_does_not_have(session: tuple[list[Drop], Evidence, list[Fate]]) -> None:
    drops, evidence, fates = session
    for outcome, fate in zip(outcomes(drops, evidence), fates, strict=True):
        assert outcome.state != "ingested" or fate in {"taken", "already"}


@given(true_sessions())
def test_a_finished_session_ingests_what_was_sent_and_taken(
    session: tuple[list[Drop], Evidence, list[Fate]],
) -> None:
    drops, evidence, fates = session
    for drop, outcome, fate in zip(drops, outcomes(drops, evidence), fates, strict=True):
        if evidence.vi_progress == "finished" and fate == "taken" and drop.drop_id in evidence.uploaded:
            assert outcome.state == "ingested"
