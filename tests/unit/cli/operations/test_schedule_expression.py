"""The next time of a schedule."""

from datetime import UTC, datetime

import pytest

from assetline_cli.operations.schedule_expression import next_time

NOW = datetime(2026, 11, 29, 8, 52, 30, tzinfo=UTC)  # a Sunday


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("cron(0 3 * * ? *)", "2026-11-30T03:00"),
        ("cron(53 8 * * ? *)", "2026-11-29T08:53"),
        ("cron(52 8 * * ? *)", "2026-11-30T08:52"),
        ("cron(0/15 * * * ? *)", "2026-11-29T09:00"),
        ("cron(0 9-17/2 ? * MON-FRI *)", "2026-11-30T09:00"),
        ("cron(30 6 ? * 2,4 *)", "2026-11-30T06:30"),
        ("cron(0 0 1 * ? *)", "2026-12-01T00:00"),
        ("cron(0 12 29 FEB ? *)", "2028-02-29T12:00"),
        ("cron(0 10 ? * SUN 2027)", "2027-01-03T10:00"),
        ("at(2026-12-24T18:00:00)", "2026-12-24T18:00"),
    ],
)
def test_the_next_time_of_an_expression(expression: str, expected: str) -> None:
    moment = next_time(expression, NOW)
    assert moment is not None
    assert f"{moment:%Y-%m-%dT%H:%M}" == expected


@pytest.mark.parametrize(
    "expression",
    [
        "rate(1 day)",  # depends on when the schedule was made
        "at(2026-01-01T00:00:00)",  # over
        "at(tomorrow)",
        "cron(0 3 L * ? *)",
        "cron(0 3 ? * 6#3 *)",
        "cron(0 3 15W * ? *)",
        "cron(61 3 * * ? *)",
        "cron(0 3 * *)",
        "cron(0 3 * * ? 2025)",
        "",
    ],
)
def test_an_expression_without_a_known_next_time_has_none(expression: str) -> None:
    assert next_time(expression, NOW) is None
