"""The assets of a dataset, one at a time (contract sheet, sections 2 and 3.1)."""

from typing import Any
from urllib.parse import quote

from assetline.errors import AssetUnknown, ViUnavailable
from assetline.vi.client import NotFound, ViClient


class Assets:
    """The assets of *dataset_id*, as Vi shows them."""

    def __init__(self, client: ViClient, dataset_id: str) -> None:
        self._client = client
        self._dataset_id = dataset_id

    def get(self, asset_id: str, *, contents: bool = False) -> dict[str, Any]:
        """Return an asset's record, with a signed URL of its file if *contents* is asked for.

        Raises:
            AssetUnknown: there is no such asset.
            And as `ViClient.send`.
        """
        path = f"{self._client.dataset_path(self._dataset_id)}/assets/{quote(asset_id, safe='')}"
        try:
            record = self._client.send("GET", path, params={"contents": "y"} if contents else None)
        except NotFound:
            raise AssetUnknown(f"The dataset {self._dataset_id!r} has no asset {asset_id!r}.") from None
        if not isinstance(record, dict):
            raise ViUnavailable("Vi answered 200 with an asset that is no object.")
        return record
