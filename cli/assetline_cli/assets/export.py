"""The command `assets export`: the list of a dataset's assets, all of it, as one file in S3."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from assetline_cli.assets.selection_options import (
    CONDITION_OPTIONS,
    VI_QUERY_OPTIONS,
    AssetSelection,
    Dataset,
    Descending,
    PageOf,
    SortBy,
    Url,
    selection_options,
)
from assetline_cli.error_reporting import errors_reported
from assetline_cli.exports.request import AssetsExportRequest
from assetline_cli.exports.start import refuse_download_without_watch, start_export
from assetline_cli.options import Excel, Format, MaxTurnSeconds, NeutraliseFormulas, StackName, To, WatchIt
from assetline_cli.stack import DEFAULT_STACK

if TYPE_CHECKING:
    from assetline_cli.context import CliContext


@selection_options(**VI_QUERY_OPTIONS, **CONDITION_OPTIONS)
def export(  # noqa: PLR0913 - typer: one argument an option
    ctx: typer.Context,
    *,
    dataset: Dataset,
    selection: AssetSelection,
    sort_by: SortBy = None,
    descending: Descending = False,
    url: Url = False,
    format_: Format = None,
    neutralise_formulas: NeutraliseFormulas = None,
    excel: Excel = None,
    page_size: PageOf = None,
    max_turn_seconds: MaxTurnSeconds = None,
    watch: WatchIt = None,
    to: To = None,
    stack: StackName = DEFAULT_STACK,
) -> None:
    """Write what Vi says of every asset of a dataset into one file in S3.

    It is an export like those of feeds: `assetline exports`, watch, stop and
    export --resume know it. With --url the file holds signed URLs: who has it
    can fetch the images until they end. Exit status: as `assetline export`.

    [bold]Examples[/bold]

      [cyan]assetline assets export ds1 --watch[/cyan]
      [cyan]assetline assets export ds1 --min-bytes 1000000 --to out[/cyan]
      [cyan]assetline assets export ds1 --format jsonl.gz --watch[/cyan]
    """
    refuse_download_without_watch(to, watch=watch)
    context: CliContext = ctx.obj
    with errors_reported(context):
        where = selection.where()
        asked = {
            **selection.asked(),
            "sort_by": sort_by,
            "order": "desc" if descending else None,
            "contents": url or None,
            "where": where.model_dump(mode="json", exclude_none=True) if where else None,
            "format": format_,
            "neutralise_formulas": neutralise_formulas,
            "excel": excel,
            "page_size": page_size,
            "max_turn_seconds": max_turn_seconds,
        }
        request = AssetsExportRequest(selection.of(dataset).dataset_id, asked)
        raise typer.Exit(start_export(context, stack, request, to, watch=watch))
