"""Ingestion sessions: opens, reads, cancels and lists them.

Source: docs/contracts/vi-api.md, sections 3.2, 3.3 and 4.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal
from urllib.parse import quote

from assetline.errors import AnswerLost, DatasetUnknown, SessionUnknown, ViUnavailable
from assetline.redaction import without_secrets
from assetline.vi.client import NotFound, ViClient
from assetline.vi.signed_url import SignedUrl

LARGEST = 5000  # Vi: assets of one session (a constant of the official client)
SOURCE = "assetSources/managed/datature/default"  # Vi: the source of uploads
LISTED = 100  # ours: the number of newest sessions that are searched

type Progress = Literal["running", "finished", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class AssetSpec:
    """A file in the request that opens a session; `crc32c` is signed, None if unknown."""

    filename: str
    mime: str
    size: int
    crc32c: int | None
    kind: Literal["Image", "Video"]
    custom_metadata: Mapping[str, str | int | float | bool] | None = None


@dataclass(frozen=True, slots=True)
class SessionAsset:
    """A file of a session as Vi returns it; `upload` is None if Vi returns no address."""

    filename: str
    upload: SignedUrl | None


@dataclass(frozen=True, slots=True)
class IngestionSession:
    """A session as Vi returns it; `file_errors` are codes by file name; neither they nor `failure` contain a URL."""

    session_id: str
    ingestion_id: str
    progress: Progress
    total: int | None
    succeeded: int
    errored: int
    file_errors: Mapping[str, str]
    assets: tuple[SessionAsset, ...]
    failure: str
    time_created: int | None


class Sessions:
    """The ingestion sessions of a dataset."""

    def __init__(self, client: ViClient, dataset_id: str) -> None:
        self._client = client
        self._dataset_id = dataset_id

    def create(self, assets: Sequence[AssetSpec], failure_mode: str, on_asset_overwritten: str) -> IngestionSession:
        """Open a session for *assets*.

        Raises:
            AnswerLost: a session may exist; the caller must look for it before it opens another.
            RateLimited: Vi opens no more sessions for a while.
            DatasetUnknown: Vi has no such dataset.
            Permanent, Retryable: as `ViClient.send`.
        """
        spec = {
            "assets": [_wire(asset) for asset in assets],
            "kind": "Upload",
            "failureMode": failure_mode,
            "onAssetOverwritten": on_asset_overwritten,
        }
        try:
            return decoded(self._client.send("POST", self._path(), body={"spec": spec}))
        except NotFound:
            raise DatasetUnknown(f"Vi has no dataset {self._dataset_id!r}.") from None
        except ViUnavailable as error:  # Vi answered 2xx, so a session may exist
            raise AnswerLost(str(error)) from None

    def get(self, session_id: str) -> IngestionSession:
        """Return the state of a session; raises `SessionUnknown` if there is none."""
        try:
            return decoded(self._client.send("GET", f"{self._path()}/{quote(session_id, safe='')}"))
        except NotFound:
            raise SessionUnknown(f"Vi has no ingestion session {session_id!r}: it may have expired.") from None

    def cancel(self, session_id: str) -> None:
        """Cancel a session; one that has ended or expired is unchanged."""
        try:
            self._client.send("POST", f"{self._path()}/{quote(session_id, safe='')}:cancel")
        except NotFound:
            return

    def newest(self) -> Iterator[IngestionSession]:
        """Yield sessions of the dataset in Vi's order, at most `LISTED`; none if Vi does not list them."""
        try:
            answer = self._client.send("GET", self._path(), params={"s": str(LISTED)})
        except NotFound:
            return
        items = answer.get("items") if isinstance(answer, dict) else None
        for item in islice(items if isinstance(items, list) else (), LISTED):
            try:
                yield decoded(item)
            except ViUnavailable:
                continue

    def _path(self) -> str:
        return f"{self._client.dataset_path(self._dataset_id)}/{SOURCE}/assetIngestionSessions"


def decoded(answer: Any) -> IngestionSession:
    """Parse a session leniently: only the id is required; unknown values are kept or ignored.

    Raises:
        ViUnavailable: the answer is not a session.
    """
    session_id = answer.get("assetIngestionSessionId") if isinstance(answer, dict) else None
    if not isinstance(session_id, str) or not session_id:
        raise ViUnavailable("Vi answered without an ingestion session.")
    status, spec, metadata = (_object(answer.get(name)) for name in ("status", "spec", "metadata"))
    counts = _object(status.get("progressCount"))
    progress, failure = _progress(_objects(status.get("conditions")))
    listed = _objects(status.get("assets")) or [{"metadata": asset} for asset in _objects(spec.get("assets"))]
    return IngestionSession(
        session_id=session_id,
        ingestion_id=_text(answer.get("ingestionId")),
        progress=progress,
        total=_count(counts.get("total")),
        succeeded=_count(counts.get("succeeded")) or 0,
        errored=_count(counts.get("errored")) or 0,
        file_errors=_file_errors(_objects(status.get("events"))),
        assets=tuple(asset for asset in map(_asset, listed) if asset is not None),
        failure=failure,
        time_created=_count(metadata.get("timeCreated")),
    )


def _wire(asset: AssetSpec) -> dict[str, Any]:
    return {
        "filename": asset.filename,
        "mime": asset.mime,
        "size": asset.size,
        "crc32c": asset.crc32c,
        "customMetadata": dict(asset.custom_metadata) if asset.custom_metadata else None,
        "kind": asset.kind,
    }


def _progress(conditions: Sequence[Mapping[str, Any]]) -> tuple[Progress, str]:
    """Return the progress of a session and the reason of a failure, if Vi gives one."""
    for condition in conditions:
        if condition.get("status") == "FailedReach":
            words = [without_secrets(_text(condition.get(name))) for name in ("reason", "message")]
            why = ": ".join(word for word in words if word)
            return ("cancelled" if "cancel" in why.lower() else "failed"), why
    finished = any(
        condition.get("condition") == "Finished" and condition.get("status") == "Reached" for condition in conditions
    )
    return ("finished" if finished else "running"), ""


def _file_errors(events: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for event in events:
        if event.get("kind") == "Error":
            for filename, code in _object(event.get("files")).items():
                found.setdefault(filename, without_secrets(code) if isinstance(code, str) else "EUNKNOWN")
    return found


def _asset(entry: Mapping[str, Any]) -> SessionAsset | None:
    filename, upload = _object(entry.get("metadata")).get("filename"), _object(entry.get("upload"))
    if not isinstance(filename, str):
        return None
    url, headers = upload.get("url"), _object(upload.get("headers"))
    if not isinstance(url, str) or not url:
        return SessionAsset(filename, None)
    sent = {name: value for name, value in headers.items() if isinstance(value, str)}
    return SessionAsset(filename, SignedUrl(url=url, expiry=_count(upload.get("expiry")), headers=sent))


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _count(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:  # noqa: PLR0124 - NaN
        return None
    return int(value) if abs(value) < 2**63 else None
