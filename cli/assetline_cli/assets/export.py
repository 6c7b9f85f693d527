"""Request an export of the assets of a dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assetline_cli.exports.request import AssetsExportArguments

if TYPE_CHECKING:
    from assetline_cli.assets.selection_options import AssetSelection


def export_request(selection: AssetSelection, dataset: str, **options: Any) -> AssetsExportArguments:
    """Return the request for an export of the selected assets; *options* are keys of the machine's input."""
    where = selection.where()
    conditions = where.model_dump(mode="json", exclude_none=True) if where else None
    return AssetsExportArguments(
        selection.of(dataset).dataset_id, {**selection.vi_query(), **options, "where": conditions}
    )
