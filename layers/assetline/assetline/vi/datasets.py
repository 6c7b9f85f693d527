"""The datasets of an organisation (docs/contracts/vi-api.md, section 3.4)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from assetline.errors import DatasetUnknown, ViUnavailable
from assetline.vi.client import NotFound, ViClient, short_id
from assetline.vi.page_token import next_token

PAGE_SIZE = 100


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset with the facts that Vi returns; `dataset_id` is without the organisation."""

    dataset_id: str
    name: str
    assets: int | None
    type: str
    created: int | None


def get(client: ViClient, dataset_id: str) -> Dataset:
    """Return a dataset; raises `DatasetUnknown`, and as `ViClient.send`."""
    try:
        return _dataset(client.send("GET", client.dataset_path(dataset_id)), dataset_id, client)
    except NotFound:
        raise DatasetUnknown(
            f"Vi has no dataset {dataset_id!r}: check its id. `assetline datasets list` lists them."
        ) from None


def datasets(client: ViClient) -> Iterator[Dataset]:
    """Yield the datasets of the organisation; raises as `ViClient.send`."""
    seen: set[str] = set()
    token: str | None = None
    while token not in seen:
        if token is not None:
            seen.add(token)
        params = {"s": str(PAGE_SIZE)} | ({"p": token} if token else {})
        page = client.send("GET", f"{client.organization_path()}/datasets", params=params)
        items = page.get("items") if isinstance(page, dict) else None
        if not isinstance(items, list):
            raise ViUnavailable("Vi answered 200 without `items`, a list of datasets.")
        for item in items:
            if isinstance(item, dict) and isinstance(item.get("datasetId"), str):
                yield _dataset(item, item["datasetId"], client)
        token = next_token(page)
        if token is None:
            return


def _dataset(answer: Any, dataset_id: str, client: ViClient) -> Dataset:
    record = answer if isinstance(answer, dict) else {}
    statistic = record.get("statistic")
    total = statistic.get("assetTotal") if isinstance(statistic, dict) else None
    created = record.get("createDate")
    name, kind = (value if isinstance(value, str) else "" for value in (record.get("name"), record.get("type")))
    return Dataset(
        dataset_id=short_id(dataset_id, client.organization_path().rpartition("/")[2]),
        name=name,
        assets=total if isinstance(total, int) else None,
        type=kind,
        created=created if isinstance(created, int) else None,
    )
