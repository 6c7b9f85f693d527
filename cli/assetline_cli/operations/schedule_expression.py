"""The next time of an EventBridge Scheduler expression, in UTC.

The syntax is that of the AWS documentation "Schedule types on EventBridge Scheduler". The special characters L, W and #
are not evaluated: such an expression has no known next time.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_LONGEST_SEARCH_DAYS = 366 * 4  # February 29 comes once in four years

type Values = frozenset[int]


def next_time(expression: str, now: datetime) -> datetime | None:
    """Return the next time of a `cron(…)` or `at(…)` expression after *now*.

    None: no time is left, or it is unknown. The next time of a `rate(…)` depends on when the schedule was made.
    """
    kind, _, inner = expression.strip().removesuffix(")").partition("(")
    if kind == "at":
        return _at(inner, now)
    fields = inner.split()
    if kind != "cron" or len(fields) != 6:
        return None
    try:
        return _Cron(fields).after(now)
    except ValueError:
        return None


def _at(text: str, now: datetime) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        return None
    return moment if moment > now else None


class _Cron:
    def __init__(self, fields: list[str]) -> None:
        minute, hour, day, month, weekday, year = fields
        self._minutes = sorted(_values(minute, 0, 59))
        self._hours = sorted(_values(hour, 0, 23))
        self._days = _values(day, 1, 31)
        self._months = _values(month, 1, 12, _MONTHS)
        self._weekdays = _values(weekday, 1, 7, _DAYS)
        self._years = _values(year, 1970, 2199)

    def after(self, now: datetime) -> datetime | None:
        """Return the first time after *now*, None without one."""
        today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        for days in range(_LONGEST_SEARCH_DAYS + 1):
            day = today + timedelta(days=days)
            if not self._is_on(day):
                continue
            for hour in self._hours:
                for minute in self._minutes:
                    moment = day.replace(hour=hour, minute=minute)
                    if moment > now:
                        return moment
        return None

    def _is_on(self, day: datetime) -> bool:
        weekday = day.isoweekday() % 7 + 1  # AWS: Sunday is 1
        return (
            day.year in self._years
            and day.month in self._months
            and day.day in self._days
            and weekday in self._weekdays
        )


def _values(field: str, least: int, most: int, names: tuple[str, ...] = ()) -> Values:
    """Return the values that a field selects; raises ValueError for special characters and invalid values."""
    return frozenset(value for part in field.split(",") for value in _of_part(part, least, most, names))


def _of_part(part: str, least: int, most: int, names: tuple[str, ...]) -> range:
    selected, _, step = part.partition("/")
    if selected in {"*", "?"}:
        first, last = least, most
    else:
        ends = re.fullmatch(r"(\w+)(?:-(\w+))?", selected)
        if ends is None:
            raise ValueError(f"invalid part {part!r}")
        first = _number(ends[1], least, names)
        last = _number(ends[2], least, names) if ends[2] else most if step else first
    if not least <= first <= last <= most:
        raise ValueError(f"invalid part {part!r}")
    return range(first, last + 1, int(step) if step else 1)


def _number(text: str, least: int, names: tuple[str, ...]) -> int:
    return names.index(text.upper()) + least if text.upper() in names else int(text)
