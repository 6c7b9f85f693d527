from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from assetline.assets.conditions import Where, moment_of

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def record(**metadata: Any) -> dict[str, Any]:
    usual = {
        "fileSize": 2_000_000,
        "width": 800,
        "height": 600,
        "mimeType": "image/png",
        "status": "uploaded",
        "timeCreated": int(NOON.timestamp() * 1000),
    }
    return {"kind": "Image", "filename": "one.png", "metadata": usual | metadata}


@pytest.mark.parametrize(
    ("conditions", "admitted"),
    [
        ({}, True),
        ({"min_bytes": 1_000_000}, True),
        ({"min_bytes": 2_000_000, "max_bytes": 2_000_000}, True),
        ({"min_bytes": 2_000_001}, False),
        ({"max_bytes": 1_999_999}, False),
        ({"min_width": 800, "max_height": 600}, True),
        ({"max_width": 799}, False),
        ({"min_height": 601}, False),
        ({"aspect": "landscape"}, True),
        ({"aspect": "square"}, False),
        ({"mime": ["image/*"]}, True),
        ({"mime": ["image/jpeg", "image/png"]}, True),
        ({"mime": ["video/*"]}, False),
        ({"kind": "Image"}, True),
        ({"kind": "Video"}, False),
        ({"uploaded_after": "2026-11-21T12:00:00Z"}, True),
        ({"uploaded_before": "2026-11-21T12:00:00Z"}, False),
        ({"uploaded_before": "2026-11-21T14:00:00.001+02:00"}, True),
        ({"filename": "*.png"}, True),
        ({"filename": "*.PNG"}, False),
        ({"status": ["uploaded", "error"]}, True),
        ({"status": ["error"]}, False),
        ({"min_bytes": 1, "kind": "Video"}, False),
    ],
)
def test_an_asset_is_admitted_when_it_meets_every_condition(conditions: dict[str, Any], admitted: bool) -> None:
    assert Where.model_validate(conditions).admits(record()) is admitted


def test_square_and_portrait() -> None:
    assert Where(aspect="square").admits(record(width=600))
    assert Where(aspect="portrait").admits(record(width=599))


@pytest.mark.parametrize("value", [None, "800", True, [], float("nan")])
def test_a_record_without_the_field_of_a_condition_is_not_admitted(value: Any) -> None:
    assert not Where(min_width=1).admits(record(width=value))
    assert not Where(aspect="square").admits(record(width=value, height=value))
    assert not Where(uploaded_after=NOON).admits(record(timeCreated=value))
    assert not Where(min_width=0).admits({"kind": "Image", "filename": "one.png"})


@pytest.mark.parametrize("conditions", [{"min_size": 1}, {"min_bytes": -1}, {"uploaded_after": "2026-11-21T12:00:00"}])
def test_conditions_that_are_none_are_refused(conditions: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Where.model_validate(conditions)


@given(st.integers() | st.floats() | st.text() | st.none())
def test_any_time_is_a_moment_or_none(value: Any) -> None:
    moment = moment_of(value)
    assert moment is None or moment.utcoffset() == timedelta(0)
