"""An asset's record as a row, with a column for every value (docs/contracts/vi-api.md, section 3.1)."""

from collections.abc import Mapping
from typing import Any

from assetline.assets.conditions import moment_of
from assetline.vi.signed_url import expiry_seconds

type Record = dict[str, Any]

KEY = ("assetId",)
KEY_COLUMNS = ("asset_id",)

_TOP_LEVEL = {
    "assetId": "asset_id",
    "filename": "filename",
    "datasetId": "dataset_id",
    "kind": "kind",
    "owner": "owner",
    "workspaceId": "workspace_id",
    "selfLink": "self_link",
    "etag": "etag",
}
_METADATA = {
    "mimeType": "mime_type",
    "fileSize": "file_size",
    "width": "width",
    "height": "height",
    "dimensions": "dimensions",
    "pixelRatio": "pixel_ratio",
    "frames": "frames",
    "framesChange": "frames_change",
    "status": "status",
    "uploadStatus": "upload_status",
    "visibility": "visibility",
    "source": "source",
    "contentsFrom": "contents_from",
    "insertedBy": "inserted_by",
    "cohorts": "cohorts",
    "comments": "comments",
    "customMetadataCount": "custom_metadata_count",
    "generations": "generations",
    "timeCreated": "time_created",
    "lastUpdated": "last_updated",
    "contentsLastUpdated": "contents_last_updated",
}
_TIMES = frozenset({"timeCreated", "lastUpdated", "contentsLastUpdated"})
# Users define the keys of these objects: each key gets a column.
_OPEN = {"userDefined": "user_defined", "customMetadata": "custom_metadata"}
OPEN_COLUMNS = ("annotations.", "user_defined.", "custom_metadata.")

_IN_ORDER = (
    "asset_id filename dataset_id kind mime_type file_size width height frames status upload_status visibility source "
    "time_created last_updated contents_last_updated annotations_total hash_algorithm hash cohorts comments "
    "custom_metadata_count inserted_by owner dimensions pixel_ratio frames_change contents_from generations "
    "workspace_id self_link etag"
)
COLUMNS = tuple(_IN_ORDER.split())
CONTENTS_COLUMNS = ("contents_url", "contents_expiry")


def flat(record: Record) -> Record:
    """Return the cells of an asset, by column; a value not in the contract keeps its own name, unsplit.

    Times are ISO 8601 in UTC. `contents` becomes `contents_url`: a signed URL that opens the file for anyone until
    `contents_expiry`. Vi returns it only on request.
    """
    cells: Record = {}
    for name, value in record.items():
        if name == "metadata" and isinstance(value, Mapping):
            for key, detail in value.items():
                cells |= _metadata_cells(key, detail)
        elif name == "contents":
            cells |= _contents_cells(value)
        else:
            cells[_TOP_LEVEL.get(name, name)] = value
    return cells


def _metadata_cells(key: str, value: Any) -> Record:
    if key in _TIMES:
        return {_METADATA[key]: _time(value)}
    if key in _METADATA:
        return {_METADATA[key]: value}
    if key in _OPEN and isinstance(value, Mapping):
        return {f"{_OPEN[key]}.{name}": detail for name, detail in value.items()}
    if key == "annotations" and isinstance(value, Mapping):
        return _annotation_cells(value)
    if key == "hash" and isinstance(value, Mapping):
        rest = {f"hash.{name}": detail for name, detail in value.items() if name not in {"algorithm", "contents"}}
        return {"hash_algorithm": value.get("algorithm"), "hash": value.get("contents"), **rest}
    return {f"metadata.{key}": value}


def _annotation_cells(annotations: Mapping[str, Any]) -> Record:
    cells: Record = {}
    for name, value in annotations.items():
        if name == "total":
            cells["annotations_total"] = value
        elif name == "withTag" and isinstance(value, Mapping):
            cells |= {f"annotations.{tag}": count for tag, count in value.items()}
        else:
            cells[f"metadata.annotations.{name}"] = value
    return cells


def _contents_cells(contents: Any) -> Record:
    asset = contents.get("asset") if isinstance(contents, Mapping) else None
    if not isinstance(asset, Mapping):
        return {}
    expiry = asset.get("expiry")
    is_milliseconds = isinstance(expiry, int | float) and expiry_seconds(expiry) is not None
    return {"contents_url": asset.get("url"), "contents_expiry": _time(expiry) if is_milliseconds else expiry}


def _time(value: Any) -> Any:
    """Return milliseconds since 1970 as ISO 8601 in UTC; any other value is unchanged."""
    moment = moment_of(value)
    return value if moment is None else f"{moment:%Y-%m-%dT%H:%M:%S}.{int(value) % 1000:03}Z"
