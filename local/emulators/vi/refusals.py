"""Parse requests of the emulated Vi, and refuse invalid ones."""

from typing import Any

import orjson
from starlette.requests import Request

from local.emulators.vi.assets import BadQuery, offset_of
from local.emulators.vi.stage import ViStage
from local.emulators.vi.store import StoredDataset
from local.emulators.wire import JsonResponse


class Refused(Exception):  # noqa: N818
    """A request that is answered with *status* and a message."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.headers = status, message, headers


def refusal(status: int, message: str, headers: dict[str, str] | None = None) -> JsonResponse:
    """Return an answer with *message* in its body."""
    return JsonResponse({"message": message}, status_code=status, headers=headers)


async def body_of(request: Request) -> dict[str, Any]:
    """Return the JSON object of a request; raises `Refused`."""
    try:
        body = orjson.loads(await request.body())
    except orjson.JSONDecodeError:
        raise Refused(400, "The body is not JSON") from None
    if not isinstance(body, dict):
        raise Refused(400, "The body is not a JSON object")
    return body


def dataset_of(request: Request, stage: ViStage) -> StoredDataset:
    """Return the dataset that a path names; raises `Refused`."""
    organization, _, dataset_id = request.path_params["dataset"].partition("_")
    dataset = stage.datasets.get(dataset_id)
    if organization != stage.scenario.organization or dataset is None:
        raise Refused(404, f"Dataset {request.path_params['dataset']} not found")
    return dataset


def origin_of(request: Request) -> str:
    """Return the origin of the emulator."""
    return str(request.base_url).rstrip("/")


def page_size_of(request: Request, stage: ViStage) -> int:
    """Return the requested page size; raises `Refused`."""
    size = request.query_params.get("s", "10")
    if not size.isdecimal() or not 1 <= int(size) <= stage.scenario.max_page_size:
        raise Refused(400, f"s must be from 1 to {stage.scenario.max_page_size}")
    return int(size)


def offset_of_page(request: Request) -> int:
    """Return the offset of the requested page; raises `Refused`."""
    token = request.query_params.get("p")
    try:
        return offset_of(token) if token else 0
    except BadQuery as error:
        raise Refused(400, str(error)) from None
