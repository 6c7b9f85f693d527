from collections.abc import Callable

import boto3
import pytest
from botocore.stub import ANY, Stubber
from mypy_boto3_events import EventBridgeClient
from pydantic import BaseModel

from assetline.aws.event_bus import PAUSES, announce
from assetline.errors import EventRefused

REFUSED = {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ThrottlingException", "ErrorMessage": "slow down"}]}
TAKEN = {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}


class News(BaseModel):
    rows: int = 5


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    slept: list[float] = []
    monkeypatch.setattr("assetline.aws.event_bus.time.sleep", slept.append)
    return slept


@pytest.fixture
def bus() -> Callable[..., EventBridgeClient]:
    """Return what makes a client of a bus that gives these answers and no more."""

    def answering(*answers: dict[str, object]) -> EventBridgeClient:
        events = boto3.client("events", region_name="eu-west-1")
        stubber = Stubber(events)
        for answer in answers:
            stubber.add_response("put_events", answer, {"Entries": ANY})
        stubber.activate()
        return events

    return answering


def test_an_event_that_is_refused_is_put_again(bus: Callable[..., EventBridgeClient], slept: list[float]) -> None:
    announce(bus(REFUSED, REFUSED, TAKEN), "Export Complete", News())
    assert slept == [*PAUSES[:2]]


def test_one_that_is_refused_for_good_is_an_error(bus: Callable[..., EventBridgeClient], slept: list[float]) -> None:
    with pytest.raises(EventRefused, match=r"'Export Complete' \(ThrottlingException\)"):
        announce(bus(*[REFUSED] * (len(PAUSES) + 1)), "Export Complete", News())
    assert slept == [*PAUSES]
