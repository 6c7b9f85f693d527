"""Assets of the emulated Vi (docs/contracts/vi-api.md, section 2, rows 9 to 14 and 29)."""

from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from local.emulators.vi.answers import OVER, page_answer
from local.emulators.vi.assets import BadQuery, Question, record_of, token_of
from local.emulators.vi.objects import download_path
from local.emulators.vi.refusals import Refused, body_of, dataset_of, offset_of_page, origin_of, page_size_of
from local.emulators.vi.scenario import MissingItems, NoContents, RepeatedToken
from local.emulators.vi.stage import ViStage
from local.emulators.vi.store import Asset, StoredDataset
from local.emulators.wire import JsonResponse


class AssetsApi:
    """The endpoints."""

    def __init__(self, stage: ViStage) -> None:
        self._stage = stage
        self._sorted: tuple[Any, list[Asset]] = (None, [])

    async def listed(self, request: Request) -> Response:
        """Return a page of assets."""
        dataset, query = dataset_of(request, self._stage), request.query_params
        size = page_size_of(request, self._stage)
        found = self._matching(dataset, _question(request))
        offset = offset_of_page(request)
        if self._stage.struck(MissingItems):
            return JsonResponse({"error": "quota"})
        page = found[offset : offset + size]
        following = offset + size if offset + size < len(found) else None
        if offset and self._stage.struck(RepeatedToken):
            following = offset
        with_contents = query.get("contents") == "y"
        return JsonResponse(
            {
                "items": [self._record(asset, dataset, request, contents=with_contents) for asset in page],
                "nextPage": None if following is None else token_of(following),
                "prevPage": token_of(max(0, offset - size)) if offset else None,
            }
        )

    async def count(self, request: Request) -> Response:
        """Return the number of assets."""
        dataset = dataset_of(request, self._stage)
        return JsonResponse({"count": len(self._matching(dataset, _question(request)))})

    async def get(self, request: Request) -> Response:
        """Return one asset."""
        dataset = dataset_of(request, self._stage)
        asset = self._asset(request, dataset)
        contents = request.query_params.get("contents") == "y"
        return JsonResponse(self._record(asset, dataset, request, contents=contents))

    async def delete(self, request: Request) -> Response:
        """Delete an asset."""
        dataset = dataset_of(request, self._stage)
        dataset.remove(self._asset(request, dataset).asset_id)
        return Response(self._stage.scenario.delete_body)

    async def rename(self, request: Request) -> Response:
        """Rename an asset."""
        dataset = dataset_of(request, self._stage)
        return await self._renamed(request, dataset, self._asset(request, dataset))

    async def rename_file(self, request: Request) -> Response:
        """Rename the asset of a given name."""
        dataset = dataset_of(request, self._stage)
        asset = dataset.assets.get(dataset.by_name.get(request.path_params["filename"], ""))
        if asset is None:
            raise Refused(404, "Asset not found")
        return await self._renamed(request, dataset, asset)

    async def listed_with_objects(self, request: Request) -> Response:
        """Return a page of assets with their annotations; `view=recent` has the newest first."""
        dataset, query = dataset_of(request, self._stage), request.query_params
        if query.get("view", "default") not in {"default", "recent"}:
            raise Refused(400, "view is default or recent")
        found = [asset for asset in self._matching(dataset, _question(request)) if _has_objects(asset, query)]
        if query.get("view") == "recent":
            found = sorted(found, key=lambda asset: asset.updated, reverse=True)
        return page_answer(request, self._stage, [self._with_objects(asset, dataset, request) for asset in found])

    async def get_with_objects(self, request: Request) -> Response:
        """Return one asset with its annotations."""
        dataset = dataset_of(request, self._stage)
        return JsonResponse(self._with_objects(self._asset(request, dataset), dataset, request))

    def records(self, request: Request, dataset: StoredDataset) -> list[dict[str, Any]]:
        """Return all assets of a dataset as the API shows them."""
        contents = request.query_params.get("contents") == "y"
        return [self._record(asset, dataset, request, contents=contents) for asset in dataset.assets.values()]

    def _with_objects(self, asset: Asset, dataset: StoredDataset, request: Request) -> dict[str, Any]:
        contents = request.query_params.get("contents") == "y"
        tags = [tag for tag, number in sorted(asset.annotations.items()) for _ in range(number)]
        objects = [{"annotationId": f"{asset.asset_id}-{place}", "tag": tag} for place, tag in enumerate(tags, 1)]
        return {"asset": self._record(asset, dataset, request, contents=contents), "objects": objects}

    def _matching(self, dataset: StoredDataset, question: Question) -> list[Asset]:
        key = (id(dataset), dataset.version, repr(question))
        if self._sorted[0] != key:
            try:
                self._sorted = (key, question.matching(dataset))
            except BadQuery as error:
                raise Refused(400, str(error)) from None
        return self._sorted[1]

    def _asset(self, request: Request, dataset: StoredDataset) -> Asset:
        asset = dataset.assets.get(request.path_params["asset"])
        if asset is None:
            raise Refused(404, f"Asset {request.path_params['asset']} not found")
        return asset

    async def _renamed(self, request: Request, dataset: StoredDataset, asset: Asset) -> Response:
        filename = (await body_of(request)).get("filename")
        if not isinstance(filename, str) or not filename:
            raise Refused(400, "filename is missing")
        dataset.rename(asset, filename)
        return JsonResponse({"filename": filename})

    def _record(self, asset: Asset, dataset: StoredDataset, request: Request, *, contents: bool) -> dict[str, Any]:
        scenario = self._stage.scenario
        record = record_of(asset, dataset, scenario.organization, scenario.processing_seconds)
        if not contents or (scenario.faults and self._stage.struck(NoContents, asset.filename)):
            return record
        name = "file" if scenario.collides else asset.filename
        seconds = scenario.url_seconds if scenario.url_seconds > 0 else OVER
        path, expiry = self._stage.signer.signed(
            "GET", download_path(dataset.dataset_id, asset.asset_id, name), seconds
        )
        url = {"url": origin_of(request) + path, "expiry": expiry, "headers": {}, "method": "GET"}
        return record | {"contents": {"asset": url}}


def _has_objects(asset: Asset, query: QueryParams) -> bool:
    """Return whether an asset has a requested annotation; the rules of this filter are invented."""
    return "annotationFilter" not in query or query["annotationFilter"] in asset.annotations


def _question(request: Request) -> Question:
    query = request.query_params
    return Question(
        query.get("filter"),
        query.get("metadataQuery"),
        query.get("ruleQuery"),
        query.get("sortBy", "default"),
        query.get("o", "").startswith("d"),
    )
