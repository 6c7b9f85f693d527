"""The names of an export: its id, its object, its manifest."""

from collections.abc import Iterator
from datetime import UTC, datetime

SAME_SECOND_EXPORTS = 100  # ours: how many exports of one feed may start within one second


def export_ids(feed: str, started_at: datetime) -> Iterator[str]:
    """Yield the ids an export of *feed* started at *started_at* may claim, in the order it tries them.

    The first is `<feed>_YYYYMMDD_HHMMSS` in UTC; exports that start in the same second take `…_2`, `…_3` and so on.
    """
    stem = f"{feed}_{started_at.astimezone(UTC):%Y%m%d_%H%M%S}"
    yield stem
    for number in range(2, SAME_SECOND_EXPORTS + 1):
        yield f"{stem}_{number}"


def object_key(feed: str, export_id: str, format_: str) -> str:
    """Return the key the finished file is published under."""
    return f"exports/{feed}/{export_id}.{format_}"


def manifest_key(feed: str, export_id: str) -> str:
    """Return the key of the manifest that lies beside the file."""
    return f"exports/{feed}/{export_id}.manifest.json"
