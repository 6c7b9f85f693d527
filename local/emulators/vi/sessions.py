"""Ingestion sessions of the emulated Vi: files come in any order, are inspected, and become assets or errors."""

from dataclasses import dataclass, field
from typing import Any

from local.emulators.vi.contents import contradicts
from local.emulators.vi.store import StoredContent, StoredDataset, now_ms

WAITING, TAKEN, ERRORED = "waiting", "taken", "errored"


@dataclass
class Entry:
    """A file that a session waits for."""

    filename: str
    mime: str
    size: int
    crc32c: int | None
    kind: str
    custom_metadata: dict[str, Any] | None
    state: str = WAITING
    code: str = ""
    omitted: bool = False

    def refused(self, code: str) -> None:
        """Reject the file with *code*."""
        self.state, self.code = ERRORED, code


@dataclass
class EmulatedSession:
    """An ingestion session of a dataset."""

    session_id: str
    dataset: StoredDataset
    entries: list[Entry]
    failure_mode: str
    on_asset_overwritten: str
    finish_seconds: float
    session_seconds: float
    created: int = field(default_factory=now_ms)
    last_change: int = field(default_factory=now_ms)
    failed: str = ""
    fails_for: str = ""
    looks_into_files: bool = True

    @property
    def ingestion_id(self) -> str:
        """The second ID, used by multipart uploads."""
        return f"ingestion-{self.session_id}"

    def take(self, entry: Entry, content: StoredContent, forced_code: str = "") -> None:
        """Inspect an uploaded file, which replaces an earlier upload."""
        self.last_change = now_ms()
        if self.failed or entry.state == ERRORED:
            return
        code = forced_code or _flaw(entry, content, look=self.looks_into_files)
        if code:
            entry.refused(code)
            if self.failure_mode == "FailAfterOne":
                self.failed = "AssetFailed"
            return
        entry.state = TAKEN
        keep = self.on_asset_overwritten.startswith("KeepLinked")
        metadata = entry.custom_metadata or {}
        self.dataset.put(entry.filename, entry.kind, entry.mime, content, metadata, keep_linked=keep)

    def cancel(self) -> None:
        """End the session; its assets stay."""
        if not self.is_over():
            self.failed = "Cancelled"
            self.last_change = now_ms()

    def is_over(self) -> bool:
        """Return whether the session has ended."""
        return bool(self.failed) or self._is_finished()

    def status(self) -> dict[str, Any]:
        """Return the current conditions, events and counts, in Vi's format."""
        self._time_out()
        if self._is_finished() and self.fails_for:
            self.failed = self.fails_for
        finished = {"condition": "Finished", "status": "Waiting", "lastTransitionTime": self.last_change}
        if self.failed:
            finished |= {"status": "FailedReach", "reason": self.failed, "message": "The session has failed"}
        elif self._is_finished():
            finished["status"] = "Reached"
        started = {"condition": "Started", "status": "Reached", "lastTransitionTime": self.created}
        errors = {entry.filename: entry.code for entry in self.entries if entry.state == ERRORED}
        taken = sum(entry.state == TAKEN for entry in self.entries)
        events: list[dict[str, Any]] = [{"kind": "Progress", "tasks": {"ingest": {"done": taken}}}]
        if errors:
            events.append({"kind": "Error", "files": errors, "corrections": {}, "time": self.last_change})
        return {
            "conditions": [finished, started],
            "events": events,
            "progressCount": {"total": len(self.entries), "succeeded": taken, "errored": len(errors)},
        }

    def _is_finished(self) -> bool:
        done = all(entry.state != WAITING for entry in self.entries)
        return not self.failed and done and now_ms() >= self.last_change + self.finish_seconds * 1000

    def _time_out(self) -> None:
        if now_ms() < self.created + self.session_seconds * 1000:
            return
        for entry in self.entries:
            if entry.state == WAITING:
                entry.refused("ETIMEOUT")


def _flaw(entry: Entry, content: StoredContent, *, look: bool) -> str:
    if content.size != entry.size:
        return "EBADSIZE"
    if entry.crc32c is not None and (entry.crc32c & 0xFFFFFFFF) != content.crc32c:
        return "ECORRUPT"
    if not entry.mime.startswith(("image/", "video/", "application/vnd.rn-realmedia")) or (
        look and contradicts(content, entry.mime)
    ):
        return "EBADMIME"
    return ""
