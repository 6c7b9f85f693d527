"""Bulk deletions of the emulated Vi (docs/contracts/vi-api.md, section 2, rows 23 to 25, and 3.7)."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from local.emulators.vi.answers import deletion_answer
from local.emulators.vi.assets import BadQuery, Question, token_of
from local.emulators.vi.refusals import Refused, body_of, dataset_of, offset_of_page, page_size_of
from local.emulators.vi.scenario import DeletionFails, LostDeletion
from local.emulators.vi.stage import ViStage
from local.emulators.vi.store import Asset, Deletion, StoredDataset, now_ms
from local.emulators.wire import RESET, JsonResponse


class DeletionsApi:
    """The endpoints."""

    def __init__(self, stage: ViStage) -> None:
        self._stage = stage

    async def start(self, request: Request) -> Response:
        """Start to delete the assets that a query finds."""
        dataset = dataset_of(request, self._stage)
        spec = (await body_of(request)).get("spec", {})
        _found(dataset, spec)  # an invalid query is refused at once
        fails = self._stage.struck(DeletionFails)
        deletion = Deletion(
            f"deletion-{self._stage.number()}",
            spec,
            now_ms(),
            now_ms() + int(self._stage.scenario.deletion_seconds * 1000),
            fails_for=fails.reason if fails else "",
            deletes_at_most=fails.deleted if fails else None,
        )
        dataset.deletions[deletion.deletion_id] = deletion
        carry_out(self._stage)
        if self._stage.struck(LostDeletion):
            request.scope["extensions"][RESET]()
            return Response(status_code=500)
        return JsonResponse(deletion_answer(self._stage, dataset, deletion))

    async def listed(self, request: Request) -> Response:
        """List a page of bulk deletions, the newest first."""
        dataset = dataset_of(request, self._stage)
        if not self._stage.scenario.lists_deletions:
            raise Refused(404, "Not found")
        size, offset = page_size_of(request, self._stage), offset_of_page(request)
        newest = [*reversed(dataset.deletions.values())]
        items = [deletion_answer(self._stage, dataset, deletion) for deletion in newest[offset : offset + size]]
        following = token_of(offset + size) if offset + size < len(newest) else None
        return JsonResponse({"items": items, "nextPage": following, "prevPage": None})

    async def get(self, request: Request) -> Response:
        """Return the progress of a bulk deletion."""
        dataset = dataset_of(request, self._stage)
        deletion = dataset.deletions.get(request.path_params["deletion"])
        if deletion is None:
            raise Refused(404, "Session not found")
        deletion.polls += 1
        return JsonResponse(deletion_answer(self._stage, dataset, deletion))


def carry_out(stage: ViStage) -> None:
    """Carry out the bulk deletions that are due."""
    for dataset in stage.datasets.values():
        for deletion in dataset.deletions.values():
            polled = deletion.polls > stage.scenario.deletion_polls or not stage.scenario.deletion_polls
            if not deletion.over and now_ms() >= deletion.due_at and polled:
                deletion.over = True
                for asset in _found(dataset, deletion.spec)[: deletion.deletes_at_most]:
                    dataset.remove(asset.asset_id)


def _found(dataset: StoredDataset, spec: dict[str, Any]) -> list[Asset]:
    try:
        return Question(spec.get("filter"), spec.get("metadataQuery"), spec.get("ruleQuery")).matching(dataset)
    except BadQuery as error:
        raise Refused(400, str(error)) from None
