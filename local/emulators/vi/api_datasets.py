"""Organisations and datasets of the emulated Vi (docs/contracts/vi-api.md, section 2, rows 1 to 8)."""

from starlette.requests import Request
from starlette.responses import Response

from local.emulators.vi.answers import dataset_answer, metadata, organization_answer, page_answer
from local.emulators.vi.refusals import Refused, body_of, dataset_of
from local.emulators.vi.stage import ViStage
from local.emulators.vi.store import StoredDataset, now_ms
from local.emulators.wire import JsonResponse


class DatasetsApi:
    """The endpoints."""

    def __init__(self, stage: ViStage) -> None:
        self._stage = stage

    async def organizations(self, request: Request) -> Response:
        """List the only organisation."""
        return page_answer(request, self._stage, [organization_answer(self._stage)])

    async def organization(self, _: Request) -> Response:
        """Return the organisation."""
        return JsonResponse(organization_answer(self._stage))

    async def listed(self, request: Request) -> Response:
        """List the datasets."""
        return page_answer(
            request, self._stage, [dataset_answer(self._stage, dataset) for dataset in self._stage.datasets.values()]
        )

    async def list_simple(self, request: Request) -> Response:
        """List the datasets in short."""
        datasets = self._stage.datasets.values()
        return page_answer(
            request, self._stage, [{"datasetId": dataset.dataset_id, "name": dataset.name} for dataset in datasets]
        )

    async def create(self, request: Request) -> Response:
        """Create a dataset."""
        body = await body_of(request)
        name = body.get("name")
        if not isinstance(name, str) or not name:
            raise Refused(400, "name is missing")
        dataset = StoredDataset(
            f"dataset-{self._stage.number()}",
            name,
            body.get("type", "phrase-grounding"),
            body.get("description", ""),
        )
        self._stage.datasets[dataset.dataset_id] = dataset
        return JsonResponse(dataset_answer(self._stage, dataset), status_code=201)

    async def get(self, request: Request) -> Response:
        """Return a dataset."""
        return JsonResponse(dataset_answer(self._stage, dataset_of(request, self._stage)))

    async def update(self, request: Request) -> Response:
        """Rename a dataset."""
        dataset, body = dataset_of(request, self._stage), await body_of(request)
        dataset.name = body.get("name", dataset.name)
        dataset.description = body.get("description", dataset.description)
        return JsonResponse(dataset_answer(self._stage, dataset))

    async def delete(self, request: Request) -> Response:
        """Delete a dataset."""
        dataset = dataset_of(request, self._stage)
        del self._stage.datasets[dataset.dataset_id]
        organization = self._stage.scenario.organization
        condition = {"condition": "Finished", "status": "Reached", "lastTransitionTime": now_ms()}
        return JsonResponse(
            {
                "kind": "DeletedDataset",
                "user": "emulator",
                "workspaceId": organization,
                "datasetId": f"{organization}_{dataset.dataset_id}",
                "selfLink": "/",
                "etag": "1",
                "metadata": metadata(dataset.created),
                "status": {"conditions": [condition]},
            }
        )
