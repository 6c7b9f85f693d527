"""Assets as the emulated Vi lists them. The rules of its filters and orders are invented; its format is not."""

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from local.emulators.vi.store import Asset, StoredDataset, now_ms

type Where = Callable[[Asset], bool]

SORTS: Mapping[str, Callable[[Asset], Any]] = {
    "default": lambda asset: asset.asset_id,
    "assetId": lambda asset: asset.asset_id,
    "filename": lambda asset: asset.filename,
    "lastModified.contents": lambda asset: asset.updated,
    "metadata.fileSize": lambda asset: asset.content.size,
}
_QUERY = re.compile(r'^\s*(?P<name>[\w.-]+)\s*(?:==\s*"(?P<quoted>[^"]*)"|:\s*(?P<plain>.+?))\s*$')


class BadQuery(ValueError):  # noqa: N818
    """A filter or a query that cannot be read."""


@dataclass(frozen=True)
class Question:
    """Queries over a dataset's assets."""

    filter: str | dict[str, Any] | None = None
    metadata_query: str | None = None
    rule_query: str | None = None
    sort_by: str = "default"
    descending: bool = False

    def matching(self, dataset: StoredDataset) -> list[Asset]:
        """Return the matching assets, in order; raises `BadQuery`."""
        conditions = [*_of_filter(self.filter), *_of_metadata(self.metadata_query)]
        if self.rule_query:
            rule = self.rule_query
            conditions.append(lambda asset: rule in asset.filename)
        found = [asset for asset in dataset.assets.values() if all(condition(asset) for condition in conditions)]
        if self.sort_by not in SORTS:
            raise BadQuery(f"sortBy is one of {', '.join(SORTS)}")
        found.sort(key=SORTS[self.sort_by], reverse=self.descending)
        return found


def _of_filter(text: str | dict[str, Any] | None) -> list[Where]:
    if not text:
        return []
    if isinstance(text, str) and not text.lstrip().startswith("{"):
        return [lambda asset: text in asset.filename]
    try:
        conditions = json.loads(text) if isinstance(text, str) else text
    except ValueError:
        raise BadQuery("filter is not JSON") from None
    known: dict[str, Callable[[Asset], Any]] = {
        "status": lambda asset: asset.status,
        "filename": lambda asset: asset.filename,
        "assetId": lambda asset: asset.asset_id,
        "kind": lambda asset: asset.kind,
        "mimeType": lambda asset: asset.mime,
    }
    if unknown := [name for name in conditions if name not in known]:
        raise BadQuery(f"filter has no field {unknown[0]!r}")

    def equal(name: str, value: Any) -> Where:
        return lambda asset: known[name](asset) == value

    return [equal(name, value) for name, value in conditions.items()]


def _of_metadata(text: str | None) -> list[Where]:
    if not text:
        return []
    query = _QUERY.match(text)
    if query is None:
        raise BadQuery('metadataQuery is key == "value" or key:value')
    name, value = query["name"], query["quoted"] if query["quoted"] is not None else query["plain"]
    return [lambda asset: str(asset.custom_metadata.get(name)) == value]


def token_of(offset: int) -> str:
    """Return the token of the page that begins at *offset*."""
    return base64.urlsafe_b64encode(f"o{offset}".encode()).decode().rstrip("=")


def offset_of(token: str) -> int:
    """Return the offset of the page of a token; raises `BadQuery`."""
    try:
        return int(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode().removeprefix("o"))
    except ValueError:
        raise BadQuery("no page has this token") from None


def record_of(asset: Asset, dataset: StoredDataset, organization: str, processing_seconds: float = 0) -> dict[str, Any]:
    """Return an asset as the API shows it (docs/contracts/vi-api.md, section 3.1)."""
    processing = processing_seconds and now_ms() < asset.updated + processing_seconds * 1000
    width, height = asset.content.dimensions
    composite = f"{organization}_{dataset.dataset_id}"
    return {
        "kind": asset.kind,
        "assetId": asset.asset_id,
        "datasetId": composite,
        "workspaceId": organization,
        "filename": asset.filename,
        "owner": organization,
        "selfLink": f"/workspaces/{organization}/datasets/{composite}/assets/{asset.asset_id}",
        "etag": f"{asset.updated}",
        "metadata": {
            "generations": {"asset": "1", "thumbnail": "1"},
            "insertedBy": "emulator",
            "annotations": {"withTag": asset.annotations, "total": sum(asset.annotations.values())},
            "frames": 1,
            "cohorts": [],
            "fileSize": asset.content.size,
            "height": height,
            "width": width,
            "mimeType": asset.mime,
            "source": "managed",
            "status": asset.status,
            "uploadStatus": "processing" if processing else asset.upload_status,
            "visibility": "visible",
            "userDefined": {},
            "customMetadata": asset.custom_metadata,
            "dimensions": {"height": height, "width": width},
            "pixelRatio": {"height": 1, "width": 1},
            "comments": 0,
            "customMetadataCount": len(asset.custom_metadata),
            "hash": {"algorithm": "crc32c", "contents": str(asset.content.crc32c)},
            "contentsFrom": "upload",
            "framesChange": {},
            "timeCreated": asset.created,
            "lastUpdated": asset.updated,
            "contentsLastUpdated": asset.updated,
        },
    }
