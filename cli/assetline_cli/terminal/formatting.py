"""Numbers, sizes and times as text."""

from __future__ import annotations

from typing import Any

from assetline.assets.conditions import moment_of

DATASET = "vi-"  # prefix of a dataset's ID in the names of its exports


def count(number: int) -> str:
    """Return 12345 as `12,345`."""
    return f"{number:,}"


def pages_rate(per_second: float) -> str:
    """Return a rate of pages, which are few."""
    return f"{per_second:,.0f}" if per_second >= 100 else f"{per_second:.{1 if per_second >= 0.1 else 2}f}"


def page_time(seconds: float) -> str:
    """Return the time of a page, with a third digit for very short ones."""
    return f"{seconds:.{2 if seconds >= 0.01 else 3}f}s"


def rows_rate(per_second: float) -> str:
    """Return a rate of rows, which are many."""
    return f"{per_second:,.0f}" if per_second >= 10 else f"{per_second:.1f}"


def duration(seconds: float) -> str:
    """Return 4725 as `1h 18m 45s`, without what is zero in front."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h {minutes:02d}m {rest:02d}s"
    return f"{minutes}m {rest:02d}s" if minutes else f"{rest}s"


def count_of(number: int, noun: str) -> str:
    """Return `1 file`, `2 files`."""
    return f"{count(number)} {noun}{'' if number == 1 else 's'}"


def rows_of(feed: str | None) -> str:
    """Return the noun for the rows of *feed*: `inspection items` of `inspection_items`, `assets` of a dataset."""
    if feed and feed.startswith(DATASET):
        return "assets"
    return feed.replace("_", " ") if feed else "rows"


def size(bytes_: int) -> str:
    """Return 2491837 as `2.5 MB`."""
    amount = float(bytes_)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 999.95:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:,.1f} TB"


def age(seconds: float) -> str:
    """Return an age in its largest unit: `40s`, `3m`, `2h`, `5d`."""
    rounded = max(0, int(seconds))
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if rounded >= length:
            return f"{rounded // length}{unit}"
    return f"{rounded}s"


def iso_time(milliseconds: Any) -> str:
    """Return a time of Vi in ISO 8601; another value as text."""
    moment = moment_of(milliseconds)
    return "" if milliseconds is None else str(milliseconds) if moment is None else f"{moment:%Y-%m-%dT%H:%M:%SZ}"
