"""The names of an export: its id, its object, its manifest."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

SAME_SECOND_EXPORTS = 100  # ours: the number of exports of one feed that may start within one second

_EXPORT_ID = re.compile(r"(?P<feed>[a-z_]+|vi-[A-Za-z0-9_-]+)_\d{8}_\d{6}(_\d+)?")


def export_ids(feed: str, started_at: datetime) -> Iterator[str]:
    """Yield the ids that an export of *feed* started at *started_at* may claim, in order.

    The first is `<feed>_YYYYMMDD_HHMMSS` in UTC; exports that start in the same second take `…_2`, `…_3` and so on.
    """
    stem = f"{feed}_{started_at.astimezone(UTC):%Y%m%d_%H%M%S}"
    yield stem
    for number in range(2, SAME_SECOND_EXPORTS + 1):
        yield f"{stem}_{number}"


def feed_of(export_id: str) -> str | None:
    """Return the feed, or `vi-<dataset>`, at the beginning of an export's id; None for an invalid id."""
    match = _EXPORT_ID.fullmatch(export_id)
    return match["feed"] if match else None


def object_key(feed: str, export_id: str, format_: str) -> str:
    """Return the key of the finished file."""
    return f"exports/{feed}/{export_id}.{format_}"


def manifest_key(feed: str, export_id: str) -> str:
    """Return the key of the manifest next to the file."""
    return f"exports/{feed}/{export_id}.manifest.json"


def manifest_beside(key: str) -> str:
    """Return the key of the manifest next to the file *key*."""
    folder, _, name = key.rpartition("/")
    return f"{folder}/{name.partition('.')[0]}.manifest.json"


def latest_key(feed: str) -> str:
    """Return the key of the document that names the newest complete file of a feed."""
    return f"exports/{feed}/latest.json"


def latest_file_key(feed: str, format_: str) -> str:
    """Return the key of the copy of the newest complete file of a feed in a format."""
    return f"exports/{feed}/latest.{format_}"


def changes_key(feed: str, export_id: str) -> str:
    """Return the key of the file of changes since the previous export."""
    return f"exports/{feed}/{export_id}.changes.csv"


def partial_key(feed: str, export_id: str, format_: str) -> str:
    """Return the key of the partial file of a stopped export."""
    return object_key(feed, f"{export_id}.partial", format_)


def partial_manifest_key(feed: str, export_id: str) -> str:
    """Return the key of the manifest next to a partial file."""
    return manifest_key(feed, f"{export_id}.partial")


def staging_key(export_id: str, name: str) -> str:
    """Return the key of a staged object of *export_id*, which expires."""
    return f"staging/export/{export_id}/{name}"
