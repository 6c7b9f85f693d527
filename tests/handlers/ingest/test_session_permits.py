"""The quota holds for every window of Vi, also with a slow network and crashes."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws

from assetline.ingest.session_permits import LONGEST_ANSWER, Permit, Permits, Wait
from tests.support.clock import ManualClock

PER_WINDOW, WINDOW = 3, 300


@pytest.fixture
def table() -> Iterator[Any]:
    with mock_aws():
        yield boto3.resource("dynamodb", region_name="us-east-1").create_table(
            TableName="sessions",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "session_key", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "session_key", "KeyType": "HASH"}],
        )


@pytest.fixture
def clock(table: Any) -> ManualClock:
    for number in range(PER_WINDOW):
        table.delete_item(Key={"session_key": f"permit#{number}"})
    return ManualClock(1_000_000.0)


def permits(table: Any, clock: ManualClock) -> Permits:
    return Permits(table, PER_WINDOW, WINDOW, clock)


def test_there_are_as_many_as_the_window_has_and_then_a_wait(table: Any, clock: ManualClock) -> None:
    ration = permits(table, clock)
    for holder in "abc":
        permit = ration.take(holder)
        assert isinstance(permit, Permit)
        ration.used(permit)
    assert ration.take("d") == Wait(WINDOW)
    clock.now += WINDOW
    assert isinstance(ration.take("d"), Permit)


def test_a_repeat_keeps_its_permit(table: Any, clock: ManualClock) -> None:
    assert permits(table, clock).take("a") == permits(table, clock).take("a")
    assert isinstance(permits(table, clock).take("b"), Permit)


def test_a_permit_that_is_given_back_is_free_at_once(table: Any, clock: ManualClock) -> None:
    ration = permits(table, clock)
    for holder in "abc":
        permit = ration.take(holder)
    assert isinstance(permit, Permit)
    ration.give_back(permit)
    assert isinstance(ration.take("d"), Permit)


def test_a_crash_holds_its_permit_until_its_request_cannot_count_any_more(table: Any, clock: ManualClock) -> None:
    ration = permits(table, clock)
    for holder in "abc":
        ration.take(holder)  # and never answer
    assert ration.take("d") == Wait(WINDOW + LONGEST_ANSWER)


def test_a_429_of_vi_holds_all_of_them(table: Any, clock: ManualClock) -> None:
    ration = permits(table, clock)
    ration.pause(42)
    assert ration.take("a") == Wait(42)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    attempts=st.lists(
        st.tuples(
            st.floats(0, 200),  # seconds until a run requests a session
            st.floats(0, LONGEST_ANSWER / 2),  # until Vi has the request
            st.floats(0, LONGEST_ANSWER / 2),  # until its answer is here
            st.sampled_from(["answered", "crashed", "never sent"]),
        ),
        max_size=25,
    )
)
def test_no_window_of_vi_ever_holds_more_sessions_than_the_ration(
    table: Any, clock: ManualClock, attempts: list[tuple[float, float, float, str]]
) -> None:
    for number in range(PER_WINDOW):
        table.delete_item(Key={"session_key": f"permit#{number}"})
    ration = permits(table, clock)
    received: list[float] = []
    answers: list[tuple[float, Permit]] = []
    for place, (pause, outward, back, how) in enumerate(attempts):
        due = clock.now + pause
        for moment, permit in sorted(answers, key=lambda answer: answer[0]):
            if moment <= due:
                clock.now = max(clock.now, moment)
                ration.used(permit)
        answers = [answer for answer in answers if answer[0] > due]
        clock.now = due
        taken = ration.take(f"holder-{place}")
        if isinstance(taken, Wait):
            continue
        if how == "never sent":
            ration.give_back(taken)
            continue
        received.append(clock.now + outward)
        if how == "answered":
            answers.append((clock.now + outward + back, taken))
    received.sort()
    for first, one_too_many in zip(received, received[PER_WINDOW:], strict=False):
        assert one_too_many - first >= WINDOW - 1e-3
