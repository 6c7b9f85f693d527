"""Asset sources of the emulated Vi (docs/contracts/vi-api.md, section 2, row 26).

Each dataset has one: the source of uploads.
"""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from local.emulators.vi.answers import metadata, page_answer
from local.emulators.vi.api_assets import AssetsApi
from local.emulators.vi.refusals import Refused, dataset_of
from local.emulators.vi.stage import ViStage
from local.emulators.vi.store import StoredDataset
from local.emulators.wire import JsonResponse

MANAGED = ("managed", "datature", "default")


class SourcesApi:
    """The endpoints."""

    def __init__(self, stage: ViStage, assets: AssetsApi) -> None:
        self._stage = stage
        self._assets = assets

    async def listed(self, request: Request) -> Response:
        """List the only source."""
        return page_answer(request, self._stage, [self._record(dataset_of(request, self._stage))])

    async def get(self, request: Request) -> Response:
        """Return the source."""
        return JsonResponse(self._record(self._dataset(request)))

    async def sample(self, request: Request) -> Response:
        """Return a few of its assets."""
        return JsonResponse({"items": self._assets.records(request, self._dataset(request))[:10]})

    async def delete(self, request: Request) -> Response:
        """Refuse to delete the source: uploads need it."""
        self._dataset(request)
        raise Refused(409, "The managed source cannot be deleted")

    def _dataset(self, request: Request) -> StoredDataset:
        dataset, path = dataset_of(request, self._stage), request.path_params
        if (path["source_class"], path["provider"], path["source"]) != MANAGED:
            raise Refused(404, "Asset source not found")
        return dataset

    def _record(self, dataset: StoredDataset) -> dict[str, Any]:
        source_class, provider, source_id = MANAGED
        organization = self._stage.scenario.organization
        return {
            "kind": "AssetSource",
            "workspaceId": organization,
            "datasetId": f"{organization}_{dataset.dataset_id}",
            "assetSourceClass": source_class,
            "assetSourceProvider": provider,
            "assetSourceId": source_id,
            "etag": "1",
            "metadata": metadata(dataset.created),
        }
