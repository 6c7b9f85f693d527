"""Reads, counts, renames and deletes assets of a dataset (docs/contracts/vi-api.md, sections 2 and 3.1)."""

from typing import Any
from urllib.parse import quote

from assetline.errors import AssetUnknown, DatasetUnknown, ViUnavailable
from assetline.vi.asset_query import ALL, AssetQuery
from assetline.vi.client import NotFound, ViClient


class Assets:
    """The assets of *dataset_id*."""

    def __init__(self, client: ViClient, dataset_id: str) -> None:
        self._client = client
        self._dataset_id = dataset_id

    def get(self, asset_id: str, *, contents: bool = False) -> dict[str, Any]:
        """Return the record of an asset, with a signed URL of its file if *contents* is true.

        Raises:
            AssetUnknown: the dataset has no such asset.
            And as `ViClient.send`.
        """
        params = {"contents": "y"} if contents else None
        try:
            record = self._client.send("GET", self._path(asset_id), params=params)
        except NotFound:
            raise self._unknown(asset_id) from None
        if not isinstance(record, dict):
            raise ViUnavailable("Vi answered 200 with an asset that is not an object.")
        return record

    def count(self, query: AssetQuery = ALL) -> int:
        """Return the number of assets that *query* finds; raises `DatasetUnknown`, and as `ViClient.send`."""
        path = f"{self._client.dataset_path(self._dataset_id)}/assets:count"
        try:
            answer = self._client.send("GET", path, params=query.params())
        except NotFound:
            raise DatasetUnknown(
                f"Vi has no dataset {self._dataset_id!r}: check its id. `assetline datasets list` lists them."
            ) from None
        count = answer.get("count") if isinstance(answer, dict) else answer
        # The official client also accepts a number as text (docs/contracts/vi-api.md, section 2, row 11).
        text = str(count)
        if isinstance(count, bool) or not (text.isascii() and text.isdecimal()):
            raise ViUnavailable("Vi answered 200 with a count that is not a number.")
        return int(text)

    def delete(self, asset_id: str) -> None:
        """Delete an asset; the body of the answer is ignored.

        The client retries if no answer arrives. So `AssetUnknown` may mean that the first attempt succeeded.

        Raises:
            AssetUnknown: the dataset has no such asset, or no longer.
            And as `ViClient.send`.
        """
        try:
            self._client.send("DELETE", self._path(asset_id))
        except NotFound:
            raise self._unknown(asset_id) from None

    def rename(self, asset_id: str, filename: str) -> None:
        """Rename an asset; a repeat has no further effect. Raises as `get`."""
        try:
            self._client.send("POST", f"{self._path(asset_id)}/name", body={"filename": filename})
        except NotFound:
            raise self._unknown(asset_id) from None

    def _path(self, asset_id: str) -> str:
        return f"{self._client.dataset_path(self._dataset_id)}/assets/{quote(asset_id, safe='')}"

    def _unknown(self, asset_id: str) -> AssetUnknown:
        return AssetUnknown(f"The dataset {self._dataset_id!r} has no asset {asset_id!r}.")
