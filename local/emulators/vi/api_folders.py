"""Folders of the emulated Vi (docs/contracts/vi-api.md, section 2, row 28): names over assets, which they do not move.

The format of a folder is invented, except for the fields that the official SDK shows: `name`, and `kind` and `resource`
of children. No request assigns an asset to a folder, so all are in the root, which is `/`.
"""

from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response

from local.emulators.vi.answers import metadata, page_answer
from local.emulators.vi.api_assets import AssetsApi
from local.emulators.vi.refusals import Refused, body_of, dataset_of
from local.emulators.vi.stage import ViStage
from local.emulators.vi.store import Folder, StoredDataset
from local.emulators.wire import JsonResponse

ROOT = "/"
_CHILDREN = "/children"
_KINDS = {"All": {"Folder", "Asset"}, "Folder": {"Folder"}, "Asset": {"Asset"}}


class FoldersApi:
    """The endpoints."""

    def __init__(self, stage: ViStage, assets: AssetsApi) -> None:
        self._stage = stage
        self._assets = assets

    async def listed(self, request: Request) -> Response:
        """Return a page of folders, by name."""
        dataset, query = dataset_of(request, self._stage), request.query_params
        if query.get("sortBy", "name") != "name":
            raise Refused(400, "sortBy is name")
        found = [folder for folder in dataset.folders.values() if query.get("filter", "") in folder.name]
        found.sort(key=lambda folder: folder.name, reverse=query.get("o", "").startswith("d"))
        return page_answer(request, self._stage, [self._record(folder, dataset) for folder in found])

    async def get(self, request: Request) -> Response:
        """Return a folder, or a page of its content."""
        dataset, rest = dataset_of(request, self._stage), _rest(request)
        if rest == _CHILDREN[1:]:  # the path of the official SDK's request for the root
            rest = ROOT + _CHILDREN
        folder = self._folder(dataset, rest.removesuffix(_CHILDREN))
        if rest.endswith(_CHILDREN):
            return page_answer(request, self._stage, self._children(request, dataset, folder.name))
        return JsonResponse(self._record(folder, dataset))

    async def put(self, request: Request) -> Response:
        """Create a folder, or change its owner."""
        dataset, name = dataset_of(request, self._stage), unquote(_rest(request))
        owner = (await body_of(request)).get("owner")
        if not isinstance(owner, str) or not owner:
            raise Refused(400, "owner is missing")
        folder = dataset.folders.setdefault(name, Folder(name, owner))
        folder.owner = owner
        return JsonResponse(self._record(folder, dataset))

    async def delete(self, request: Request) -> Response:
        """Delete a folder; its assets are unchanged."""
        dataset = dataset_of(request, self._stage)
        del dataset.folders[self._folder(dataset, _rest(request), root=False).name]
        return Response(status_code=204)

    async def delete_all(self, request: Request) -> Response:
        """Delete all folders of a dataset."""
        dataset_of(request, self._stage).folders.clear()
        return Response(status_code=204)

    def _folder(self, dataset: StoredDataset, encoded: str, *, root: bool = True) -> Folder:
        name = unquote(encoded)
        folder = dataset.folders.get(name)
        if folder is None and root and name == ROOT:
            return Folder(ROOT, self._stage.scenario.organization, dataset.created)
        if folder is None:
            raise Refused(404, f"Folder {name} not found")
        return folder

    def _children(self, request: Request, dataset: StoredDataset, name: str) -> list[dict[str, Any]]:
        kinds = _KINDS.get(request.query_params.get("childType", "All"))
        if kinds is None:
            raise Refused(400, f"childType is one of {', '.join(_KINDS)}")
        above = "" if name == ROOT else f"{name}/"
        below = [folder for path, folder in sorted(dataset.folders.items()) if path.rpartition("/")[0] == above[:-1]]
        children = [
            {"kind": "Folder", "resource": self._record(folder, dataset)} for folder in below if folder.name != ROOT
        ]
        if name == ROOT:
            children += [{"kind": "Asset", "resource": asset} for asset in self._assets.records(request, dataset)]
        return [child for child in children if child["kind"] in kinds]

    def _record(self, folder: Folder, dataset: StoredDataset) -> dict[str, Any]:
        organization = self._stage.scenario.organization
        return {
            "kind": "Folder",
            "name": folder.name,
            "owner": folder.owner,
            "workspaceId": organization,
            "datasetId": f"{organization}_{dataset.dataset_id}",
            "etag": "1",
            "metadata": metadata(folder.created),
        }


def _rest(request: Request) -> str:
    """Return the encoded text after `folders/`: a name may contain slashes."""
    path: str = request.scope["raw_path"].decode("ascii").partition("?")[0]
    return path.partition("/folders/")[2]
