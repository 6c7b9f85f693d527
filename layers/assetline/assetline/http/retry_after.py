"""The pause that a response requests."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx


def retry_after(headers: httpx.Headers) -> float | None:
    """Return the seconds in `Retry-After`, in either of its forms (RFC 9110, 10.2.3); None without one."""
    header = headers.get("retry-after")
    pause = seconds(header)
    if pause is not None or header is None or (until := _moment(header)) is None:
        return pause
    now = _moment(headers.get("date", "")) or datetime.now(UTC)  # the clock of the server that sent the date
    return max(0.0, (until - now).total_seconds())


def seconds(text: str | None) -> float | None:
    """Return *text* as a count of seconds, None if it is not one."""
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
