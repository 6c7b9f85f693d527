"""Sessions, datasets and other answers of the emulated API (docs/contracts/vi-api.md, section 3)."""

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request

from local.emulators.vi.assets import token_of
from local.emulators.vi.objects import upload_path
from local.emulators.vi.refusals import offset_of_page, page_size_of
from local.emulators.vi.scenario import DeadUploadHost, ExpiredUpload, OmittedEntry
from local.emulators.vi.sessions import EmulatedSession
from local.emulators.vi.stage import Multipart, ViStage
from local.emulators.vi.store import Deletion, StoredDataset, now_ms
from local.emulators.wire import JsonResponse

DEAD = "http://127.0.0.1:9"  # the discard port: no server listens
OVER = -1.0


def session_answer(stage: ViStage, session: EmulatedSession, origin: str, *, created: bool = False) -> dict[str, Any]:
    """Return a session; only the answer that creates it, or a scenario's setting, includes the upload URLs."""
    organization, dataset = stage.scenario.organization, session.dataset.dataset_id
    retention = session.on_asset_overwritten
    if retention.startswith("KeepLinked"):
        retention = stage.scenario.keep_linked
    spec: dict[str, Any] = {
        "kind": "Upload",
        "failureMode": session.failure_mode,
        "onAssetOverwritten": retention,
    }
    if stage.scenario.shows_spec_assets:
        spec["assets"] = [_metadata(session, place) for place in range(len(session.entries))]
    status = session.status()
    if created or stage.scenario.lists_uploads:
        status["assets"] = _uploads(stage, session, origin, created=created)
    return {
        "kind": "AssetIngestionSession",
        "workspaceId": organization,
        "datasetId": f"{organization}_{dataset}",
        "assetSourceClass": "managed",
        "assetSourceProvider": "datature",
        "assetSourceId": "default",
        "assetIngestionSessionId": session.session_id,
        "ingestionId": session.ingestion_id,
        "selfLink": f"/sessions/{session.session_id}",
        "etag": str(session.last_change),
        "metadata": metadata(session.created),
        "spec": spec,
        "status": status,
    }


def _uploads(stage: ViStage, session: EmulatedSession, origin: str, *, created: bool) -> list[dict[str, Any]]:
    uploads = []
    has_faults = bool(stage.scenario.faults)
    for place, entry in enumerate(session.entries):
        if has_faults and created and stage.struck(OmittedEntry, entry.filename):
            continue
        expired = has_faults and stage.struck(ExpiredUpload, entry.filename)
        host = DEAD if has_faults and stage.struck(DeadUploadHost, entry.filename) else origin
        path = upload_path(session.session_id, place)
        signed, expiry = stage.signer.signed("PUT", path, OVER if expired else stage.scenario.url_seconds)
        upload = {"url": host + signed, "expiry": expiry, "method": "PUT", "headers": {"Content-Type": entry.mime}}
        uploads.append({"metadata": _metadata(session, place), "upload": upload})
    return uploads


def _metadata(session: EmulatedSession, place: int) -> dict[str, Any]:
    entry = session.entries[place]
    return {
        "kind": entry.kind,
        "filename": entry.filename,
        "mime": entry.mime,
        "size": entry.size,
        "crc32c": entry.crc32c,
    }


def page_answer(request: Request, stage: ViStage, found: Sequence[dict[str, Any]]) -> JsonResponse:
    """Return the requested page of a list; raises `Refused`."""
    size, offset = page_size_of(request, stage), offset_of_page(request)
    following = token_of(offset + size) if offset + size < len(found) else None
    return JsonResponse({"items": found[offset : offset + size], "nextPage": following, "prevPage": None})


def metadata(created: int) -> dict[str, Any]:
    """Return the metadata of every resource."""
    return {"timeCreated": created, "lastUpdated": now_ms(), "generation": 1, "attributes": {}}


def multipart_answer(stage: ViStage, upload_id: str, upload: Multipart, mime: str) -> dict[str, Any]:
    """Return a multipart upload (docs/contracts/vi-api.md, section 5)."""
    organization, session = stage.scenario.organization, upload.session
    return {
        "kind": "MultipartUpload",
        "workspaceId": organization,
        "datasetId": f"{organization}_{session.dataset.dataset_id}",
        "assetSourceClass": "managed",
        "assetSourceProvider": "datature",
        "assetSourceId": "default",
        "multipartUploadId": upload_id,
        "selfLink": f"/multipartUploads/{upload_id}",
        "etag": "1",
        "metadata": metadata(now_ms()),
        "spec": {
            "ingestionId": session.ingestion_id,
            "filename": upload.filename,
            "contentType": mime,
            "sizeBytes": upload.size,
        },
        "status": {"conditions": [], "partCount": upload.parts},
    }


def dataset_answer(stage: ViStage, dataset: StoredDataset) -> dict[str, Any]:
    """Return a dataset (docs/contracts/vi-api.md, section 3.4)."""
    organization = stage.scenario.organization
    composite = f"{organization}_{dataset.dataset_id}"
    return {
        "kind": "Dataset",
        "datasetId": composite,
        "name": dataset.name,
        "description": dataset.description,
        "owner": organization,
        "workspaceId": organization,
        "type": dataset.type,
        "content": "Image",
        "createDate": dataset.created,
        "statistic": {
            "assetTotal": len(dataset.assets),
            "annotationTotal": 0,
            "tagsCount": {},
            "assetAnnotated": 0,
        },
        "users": {},
        "tags": {},
        "cohorts": [],
        "status": 0,
        "lastAccessed": now_ms(),
        "isLocked": False,
        "access": {"isPublic": False, "isReadOnly": False},
        "preference": {},
        "assetStatuses": {},
        "selfLink": f"/workspaces/{organization}/datasets/{composite}",
        "etag": "1",
    }


def organization_answer(stage: ViStage) -> dict[str, Any]:
    """Return the organisation (docs/contracts/vi-api.md, section 3.5)."""
    organization = stage.scenario.organization
    return {
        "name": "Emulated",
        "kind": "Workspace",
        "workspaceId": organization,
        "lastAccess": now_ms(),
        "datasets": [f"{organization}_{name}" for name in stage.datasets],
        "billing": {"payer": "p", "email": "e", "subscriberId": "s", "ledger": [], "tier": "t"},
        "users": {"emulator": {"workspaceRole": "owner", "datasets": {}}},
        "metadata": {},
        "features": {},
        "lockStatus": {"isLocked": False},
        "selfLink": f"/workspaces/{organization}",
        "etag": "1",
    }


def deletion_answer(stage: ViStage, dataset: StoredDataset, deletion: Deletion) -> dict[str, Any]:
    """Return a bulk deletion (docs/contracts/vi-api.md, section 3.7)."""
    organization = stage.scenario.organization
    finished = {"condition": "Finished", "status": "Waiting", "lastTransitionTime": deletion.created}
    if deletion.over and deletion.fails_for:
        finished |= {"status": "FailedReach", "reason": deletion.fails_for, "message": "The deletion has failed"}
    elif deletion.over:
        finished["status"] = "Reached"
    return {
        "kind": "DeleteManyAssetsSession",
        "workspaceId": organization,
        "datasetId": f"{organization}_{dataset.dataset_id}",
        "deleteManyAssetsSessionId": deletion.deletion_id,
        "selfLink": f"/deleteManyAssetsSessions/{deletion.deletion_id}",
        "etag": "1",
        "metadata": metadata(deletion.created),
        "spec": deletion.spec if stage.scenario.shows_deletion_spec else {},
        "status": {"conditions": [finished]},
    }
