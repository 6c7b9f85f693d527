"""The pause that a response asks for."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx


def retry_after(headers: httpx.Headers) -> float | None:
    """Return the seconds that `Retry-After` asks for, in either of its forms (RFC 9110, 10.2.3); None without one."""
    asked = headers.get("retry-after")
    pause = seconds(asked)
    if pause is not None or asked is None or (until := _moment(asked)) is None:
        return pause
    now = _moment(headers.get("date", "")) or datetime.now(UTC)  # by the clock that the date was read off
    return max(0.0, (until - now).total_seconds())


def seconds(text: str | None) -> float | None:
    """Return what *text* says when it is a count of seconds."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if value >= 0 else None


def _moment(http_date: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(http_date)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
