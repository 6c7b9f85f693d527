"""The commands for the assets of a Vi dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from assetline_cli.assets.selection_options import (
    CONDITION_OPTIONS,
    ID_OPTIONS,
    VI_QUERY_OPTIONS,
    AssetId,
    AssetIds,
    AssetSelection,
    AssetsLimit,
    ByDate,
    CompareWith,
    Dataset,
    Descending,
    ExpectCount,
    Into,
    NewName,
    Overwrite,
    PageOf,
    SortBy,
    Timeout,
    Until,
    Url,
    WaitForAsset,
    selection_options,
)
from assetline_cli.command_groups import command_group
from assetline_cli.error_reporting import errors_reported
from assetline_cli.options import (
    DEFAULT_STACK,
    AsJson,
    Excel,
    Format,
    MaxTurnSeconds,
    NeutraliseFormulas,
    ShowProgress,
    StackName,
    To,
    WatchIt,
    Yes,
)

if TYPE_CHECKING:
    from assetline_cli.context import CliContext

assets_app = command_group("List, export, download, verify and delete the assets of a Vi dataset.")


@assets_app.command("list", no_args_is_help=True)
@selection_options(**VI_QUERY_OPTIONS, **ID_OPTIONS, **CONDITION_OPTIONS)
def list_(
    ctx: typer.Context,
    *,
    dataset: Dataset,
    selection: AssetSelection,
    sort_by: SortBy = None,
    descending: Descending = False,
    limit: AssetsLimit = 20,
    page_size: PageOf = None,
    url: Url = False,
    json: AsJson = False,
    stack: StackName = DEFAULT_STACK,
) -> None:
    """List the assets of a Vi dataset, page after page.

    On a terminal the list is a table. In a pipe it is tab-separated lines
    without a heading: asset ID, filename, bytes, dimensions, type,
    annotations, status, upload time. With --url the columns are asset ID,
    filename, signed URL and its expiry; everyone with a signed URL can open
    the file. `assetline assets export` writes all assets into a file.

    Exit status: 0 listed; 1 not listed, or an ID without an asset.

    [bold]Examples[/bold]

      [cyan]assetline assets list ds1[/cyan]
      [cyan]assetline assets list ds1 --min-bytes 1000000 --aspect square --limit 0[/cyan]
      [cyan]assetline assets list ds1 --sort-by metadata.fileSize --descending[/cyan]
      [cyan]assetline assets list ds1 --filter '{"status": "error"}' --json[/cyan]
    """
    from assetline_cli.assets.list import AssetOrder, list_assets

    context: CliContext = ctx.obj
    order = AssetOrder(sort_by, descending, page_size, limit)
    with errors_reported(context):
        raise typer.Exit(list_assets(context, stack, selection, dataset, order, urls=url, json=json))


@assets_app.command("get", no_args_is_help=True)
def get(
    ctx: typer.Context,
    *,
    dataset: Dataset,
    asset: AssetId,
    url: Url = False,
    wait: WaitForAsset = False,
    timeout: Timeout = 60,
    until: Until = None,
    json: AsJson = False,
    stack: StackName = DEFAULT_STACK,
) -> None:
    """Show the details of one asset.

    With --wait the command waits until Vi has processed the asset.

    Exit status: 0 shown; 1 no such asset, not processed, or not in time.

    [bold]Examples[/bold]

      [cyan]assetline assets get ds1 asset-1[/cyan]
      [cyan]assetline assets get ds1 asset-1 --url[/cyan]
        also a new signed URL, and its expiry
      [cyan]assetline assets get ds1 asset-1 --wait --timeout 300[/cyan]
    """
    from assetline_cli.assets.get import show_asset, wait_for_asset

    context: CliContext = ctx.obj
    with errors_reported(context):
        if wait:
            wait_for_asset(context, stack, dataset, asset, statuses=until, seconds=timeout)
        show_asset(context, stack, dataset, asset, url=url, json=json)


@assets_app.command("count", no_args_is_help=True)
@selection_options(**VI_QUERY_OPTIONS, **CONDITION_OPTIONS)
def count(ctx: typer.Context, *, dataset: Dataset, selection: AssetSelection, stack: StackName = DEFAULT_STACK) -> None:
    """Count the assets of a Vi dataset, all or the selected ones.

    Vi counts the results of its queries. For the other conditions the
    command lists the assets and counts those that match.

    [bold]Examples[/bold]

      [cyan]assetline assets count ds1[/cyan]
      [cyan]assetline assets count ds1 --filter '{"status": "error"}'[/cyan]
      [cyan]assetline assets count ds1 --aspect square[/cyan]
    """
    from assetline_cli.assets.count import count_assets

    context: CliContext = ctx.obj
    with errors_reported(context):
        count_assets(context, stack, selection, dataset)


@assets_app.command("rename", no_args_is_help=True)
def rename(
    ctx: typer.Context, *, dataset: Dataset, asset: AssetId, filename: NewName, stack: StackName = DEFAULT_STACK
) -> None:
    """Rename an asset.

    [bold]Example[/bold]

      [cyan]assetline assets rename ds1 asset-1 north-gate.jpg[/cyan]
    """
    from assetline_cli.assets.rename import rename_asset

    context: CliContext = ctx.obj
    with errors_reported(context):
        rename_asset(context, stack, dataset, asset, filename)


@assets_app.command("export", no_args_is_help=True)
@selection_options(**VI_QUERY_OPTIONS, **CONDITION_OPTIONS)
def export(
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
    """Export the details of all selected assets into one file in S3.

    It is an export like that of a feed: `assetline exports list`, `watch`,
    `stop` and `resume` work on it. With --url the file contains signed URLs:
    everyone with the file can open the images until the URLs expire.

    Exit status: as `assetline exports start`.

    [bold]Examples[/bold]

      [cyan]assetline assets export ds1 --watch[/cyan]
      [cyan]assetline assets export ds1 --min-bytes 1000000 --to out[/cyan]
      [cyan]assetline assets export ds1 --format jsonl.gz --watch[/cyan]
    """
    from assetline_cli.assets.export import export_request
    from assetline_cli.exports.start import refuse_download_without_watch, start_export

    refuse_download_without_watch(to, watch=watch)
    context: CliContext = ctx.obj
    with errors_reported(context):
        request = export_request(
            selection,
            dataset,
            sort_by=sort_by,
            order="desc" if descending else None,
            contents=url or None,
            format=format_,
            neutralise_formulas=neutralise_formulas,
            excel=excel,
            page_size=page_size,
            max_turn_seconds=max_turn_seconds,
        )
        raise typer.Exit(start_export(context, stack, request, to, watch=watch))


@assets_app.command("download", no_args_is_help=True)
@selection_options(**VI_QUERY_OPTIONS, **ID_OPTIONS, **CONDITION_OPTIONS)
def download(
    ctx: typer.Context,
    *,
    dataset: Dataset,
    to: Into,
    selection: AssetSelection,
    overwrite: Overwrite = False,
    by_date: ByDate = False,
    progress: ShowProgress = True,
    stack: StackName = DEFAULT_STACK,
) -> None:
    """Download the assets of a Vi dataset to a folder or to S3, and verify each file.

    Existing files of equal size and checksum are skipped: run the command
    again to resume a download. A file gets its name only after it is complete
    and verified. Names are changed where a disk would refuse them;
    .assetline-names.jsonl in the folder lists these files. If several assets
    have the same name, all but the first get their IDs in their names. An
    asset whose name another file has gets its ID too; --overwrite replaces
    that file. A download to S3 runs in the stack: Ctrl+C stops only the
    watching.

    Exit status: 0 all files are downloaded; 1 any other result; 130 Ctrl+C.

    [bold]Examples[/bold]

      [cyan]assetline assets download ds1 photos[/cyan]
      [cyan]assetline assets download ds1 photos --mime 'image/*' --min-width 640 --aspect square[/cyan]
      [cyan]assetline assets download ds1 photos --id asset-1 --id asset-2 --overwrite[/cyan]
      [cyan]assetline assets download ds1 s3://BUCKET/downloads/ds1/[/cyan]
    """
    from assetline_cli.assets.download import DownloadArguments, download_assets

    context: CliContext = ctx.obj
    with errors_reported(context):
        request = DownloadArguments(selection.of(dataset), to, overwrite, by_date, progress)
        raise typer.Exit(download_assets(context, stack, request))


@assets_app.command("verify", no_args_is_help=True)
@selection_options(**VI_QUERY_OPTIONS, **ID_OPTIONS, **CONDITION_OPTIONS)
def verify(
    ctx: typer.Context,
    *,
    dataset: Dataset,
    where: CompareWith,
    selection: AssetSelection,
    by_date: ByDate = False,
    json: AsJson = False,
    stack: StackName = DEFAULT_STACK,
) -> None:
    """Compare the assets of a Vi dataset with a folder or S3 prefix: names, sizes and checksums.

    The comparison covers both directions. Names are those of a download, or
    the paths of uploaded files; use --by-date for a download with --by-date.
    Hidden files in a folder count only if Vi has assets of their names. Each
    difference is a line. In a pipe its columns are tab-separated: kind, name,
    asset ID, in Vi, there.

    Exit status: 0 no differences; 1 differences, or not compared.

    [bold]Examples[/bold]

      [cyan]assetline assets verify ds1 photos[/cyan]
      [cyan]assetline assets verify ds1 s3://BUCKET/downloads/ds1/[/cyan]
      [cyan]assetline assets verify ds1 photos --mime 'image/*' --json[/cyan]
    """
    from assetline_cli.assets.verify import verify_assets

    context: CliContext = ctx.obj
    with errors_reported(context):
        raise typer.Exit(verify_assets(context, stack, selection.of(dataset), where, by_date=by_date, json=json))


@assets_app.command("delete", no_args_is_help=True)
@selection_options(**VI_QUERY_OPTIONS, **CONDITION_OPTIONS)
def delete(
    ctx: typer.Context,
    *,
    dataset: Dataset,
    assets: AssetIds = None,
    selection: AssetSelection,
    expect_count: ExpectCount = None,
    yes: Yes = False,
    progress: ShowProgress = True,
    stack: StackName = DEFAULT_STACK,
) -> None:
    """Delete assets of a Vi dataset permanently.

    Select assets by their IDs or by conditions. The command shows the number
    of assets and asks, unless --yes is given. Vi deletes the results of a
    filter or query itself, if their number is unchanged; for the other
    conditions the assets are listed and deleted by ID. If the conditions match
    all assets, --yes requires --expect-count.

    Reports are kept in the export bucket. IDs that exceed the input of one
    run, about 250 kB, are deleted by several runs, one after another. Ctrl+C
    stops only the watching; the command then names the assets of runs that
    have not started.

    Exit status: 0 all are deleted, or none matched; 1 any other result;
    130 Ctrl+C.

    [bold]Examples[/bold]

      [cyan]assetline assets delete ds1 asset-1 asset-2[/cyan]
      [cyan]assetline assets delete ds1 --filter '{"status": "error"}'[/cyan]
      [cyan]assetline assets delete ds1 --filter '{"status": "error"}' --expect-count 12 --yes[/cyan]
      [cyan]assetline assets delete ds1 --max-bytes 100 --name 'test_*'[/cyan]
    """
    from assetline_cli.assets.delete import delete_assets

    context: CliContext = ctx.obj
    with errors_reported(context):
        raise typer.Exit(
            delete_assets(
                context, stack, selection, dataset, assets or (), expected=expect_count, yes=yes, progress=progress
            )
        )
