"""The progress of uploads to the drop bucket, and of their ingestion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetline_cli.terminal.formatting import count, duration, size
from assetline_cli.terminal.progress_bar import NO_ANSWER, ProgressFrame

if TYPE_CHECKING:
    from datetime import datetime

    from assetline_cli.drops.upload import UploadProgress
    from assetline_cli.drops.wait import IngestionProgress


def uploading_frame(uploading: UploadProgress, dataset_id: str, now: datetime) -> ProgressFrame:
    """Show how far the uploading is; the rate is that of all its time."""
    seconds = (now - uploading.began_at).total_seconds()
    sent, total = uploading.bytes_sent, uploading.bytes_total
    done = len(uploading.dropped)
    figures = [f"{count(done)} of {count(uploading.files_total)} files", f"{size(sent)} of {size(total)}"]
    if uploading.failed:
        figures.append(f"{count(len(uploading.failed))} failed")
    if sent and seconds >= 1:
        figures.append(f"{size(round(sent / seconds))}/s")
        if uploading.ended is None and total > sent:
            figures.append(f"ETA {duration((total - sent) * seconds / sent)}")
    figures.append(duration(seconds))
    # Many small files are as much work as a large one, and empty ones have no bytes at all.
    return ProgressFrame(
        f"Uploading to {dataset_id}",
        done=sent + done,
        total=total + uploading.files_total,
        figures=tuple(figures),
        ended=uploading.ended is not None,
    )


def _uploads(followed: IngestionProgress) -> str:
    """Return how far the uploads of the sessions are, while they last."""
    uploaded, total = followed.uploaded_of_sessions, followed.total_of_sessions
    return f" ({count(uploaded)} of {count(total)} uploaded)" if 0 < uploaded < total else ""


def following_frame(followed: IngestionProgress, dataset_id: str, now: datetime) -> ProgressFrame:
    """Show how far the ingestion is."""
    figures = [f"{count(followed.ingested)} of {count(followed.total)} ingested"]
    if followed.rejected:
        figures.append(f"{count(followed.rejected)} rejected")
    if followed.in_session:
        figures.append(f"{count(followed.in_session)} in a session{_uploads(followed)}")
    if followed.waiting:
        figures.append(f"{count(followed.waiting)} waiting")
    figures.append(duration((now - followed.since).total_seconds()))
    trouble = NO_ANSWER if not followed.answered else followed.trouble and f"The last run failed: {followed.trouble}"
    return ProgressFrame(
        f"Ingesting into {dataset_id}",
        done=followed.over,
        total=followed.total,
        figures=tuple(figures),
        trouble=trouble,
        ended=followed.ended,
    )
