"""What `assetline assets list|get|count|rename` take, explained to who types `--help`."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from assetline.assets.listing import Listing
from assetline.errors import AssetUnknown
from assetline.vi import datasets
from assetline.vi.assets import Assets
from assetline_cli.assets.list import Listed, moment_told, print_assets, print_assets_json, print_details
from assetline_cli.assets.options import (
    AssetId,
    AssetsLimit,
    Dataset,
    Descending,
    NewName,
    PageOf,
    SortBy,
    Timeout,
    Until,
    Url,
    Wait,
)
from assetline_cli.assets.selection_options import ASKED, NAMED, WHERE, Meant, selecting
from assetline_cli.assets.wait import DONE, Waiting
from assetline_cli.context import FAILED
from assetline_cli.error_reporting import one_message
from assetline_cli.options import AsJson, StackName
from assetline_cli.stack import DEFAULT_STACK
from assetline_cli.terminal.formatting import count as figure
from assetline_cli.terminal.formatting import count_of
from assetline_cli.terminal.output import printable, say_json
from assetline_cli.vi import vi_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from assetline.assets.selection import Selection
    from assetline.vi.client import ViClient
    from assetline_cli.context import Desk


@selecting(**ASKED, **NAMED, **WHERE)
def list_(  # noqa: PLR0913 - typer: one argument an option
    ctx: typer.Context,
    *,
    dataset: Dataset,
    meant: Meant,
    sort_by: SortBy = None,
    descending: Descending = False,
    limit: AssetsLimit = 20,
    page_size: PageOf = None,
    url: Url = False,
    json: AsJson = False,
    stack: StackName = DEFAULT_STACK,
) -> None:
    """List the assets of a Vi dataset, page after page.

    On a terminal it is a table; in a pipe, lines without a heading whose
    columns are set apart by tabs: asset id, filename, bytes, dimensions, type,
    annotations, status, when it was uploaded. With --url the columns are asset
    id, filename, a signed URL that opens the file to whoever has it, and when
    that ends. `assetline assets export` writes all there is into a file. Exit
    status: 0 it is listed; 1 it could not be, or there is no asset of an id.

    [bold]Examples[/bold]

      [cyan]assetline assets list ds1[/cyan]
      [cyan]assetline assets list ds1 --min-bytes 1000000 --aspect square --limit 0[/cyan]
      [cyan]assetline assets list ds1 --sort-by metadata.fileSize --descending[/cyan]
      [cyan]assetline assets list ds1 --filter '{"status": "error"}' --json[/cyan]
    """
    desk: Desk = ctx.obj
    with one_message(desk), vi_of(desk, stack) as client:
        listing = _listing(client, meant.of(dataset), sort_by, descending=descending, contents=url)
        listing.page_size = page_size or (min(limit + 1, 1000) if limit and not meant.where() else None)
        listing.admit()
        listed = Listed(listing, limit)
        if json:
            print_assets_json(desk, listed)
        else:
            print_assets(desk, listed, urls=url)
            _hint(desk, listed, meant)
        if listed.unknown:
            desk.complain(f"The dataset has no asset of these ids: {', '.join(map(printable, listed.unknown))}.")
            raise typer.Exit(FAILED)


def _listing(client: ViClient, wanted: Selection, sort_by: str | None, *, descending: bool, contents: bool) -> Listing:
    order = {name: value for name, value in (("sortBy", sort_by), ("o", "desc" if descending else None)) if value}
    listing = Listing(client, wanted, contents)
    if order:
        listing.order = order
    return listing


def _hint(desk: Desk, listed: Listed, meant: Meant) -> None:
    if listed.more:
        desk.complain(f"These are the first {figure(listed.number)}; --limit 0 lists all.")
    elif not listed.number and not listed.unknown:
        desk.complain("No asset meets the conditions." if meant.given else "The dataset holds no asset.")


def get(  # noqa: PLR0913 - typer: one argument an option
    ctx: typer.Context,
    *,
    dataset: Dataset,
    asset: AssetId,
    url: Url = False,
    wait: Wait = False,
    timeout: Timeout = 60,
    until: Until = None,
    json: AsJson = False,
    stack: StackName = DEFAULT_STACK,
) -> None:
    """Show what Vi says of one asset.

    With --wait it looks until Vi has processed the asset. Exit status: 0 it is
    shown; 1 there is none, it could not be processed, or not in time.

    [bold]Examples[/bold]

      [cyan]assetline assets get ds1 asset-1[/cyan]
      [cyan]assetline assets get ds1 asset-1 --url[/cyan]
        also a fresh signed URL, and when it ends
      [cyan]assetline assets get ds1 asset-1 --wait --timeout 300[/cyan]
    """
    desk: Desk = ctx.obj
    with one_message(desk), vi_of(desk, stack) as client, _known(client, dataset):
        if wait:
            with vi_of(desk, stack, patient=False) as impatient:  # the waiting has a time of its own
                done = tuple(word.casefold() for word in until or DONE)
                waiting = Waiting(Assets(impatient, dataset), desk.clock, done, timeout)
                waiting.processed(asset, lambda status: desk.complain(f"The upload status of {asset} is {status}."))
        record = Assets(client, dataset).get(asset, contents=url)
        if json:
            say_json(desk.out, record)
        else:
            print_details(desk, _readable(record) if url else record)


@contextmanager
def _known(client: ViClient, dataset: str) -> Iterator[None]:
    """Raise `DatasetUnknown` of an asset that is unknown because its dataset is: Vi's answer is the same."""
    try:
        yield
    except AssetUnknown:
        datasets.get(client, dataset)
        raise


def _readable(record: dict[str, object]) -> dict[str, object]:
    """Return a record whose URL ends at a time that can be read."""
    contents = record.get("contents")
    asset = contents.get("asset") if isinstance(contents, dict) else None
    if not isinstance(asset, dict):
        return record
    return record | {"contents": {"asset": asset | {"expiry": moment_told(asset.get("expiry"))}}}


@selecting(**ASKED, **WHERE)
def count(ctx: typer.Context, *, dataset: Dataset, meant: Meant, stack: StackName = DEFAULT_STACK) -> None:
    """Count the assets of a Vi dataset, all or those that are meant.

    What Vi can be asked, it counts; for the other conditions all that it
    finds is listed.

    [bold]Examples[/bold]

      [cyan]assetline assets count ds1[/cyan]
      [cyan]assetline assets count ds1 --filter '{"status": "error"}'[/cyan]
      [cyan]assetline assets count ds1 --aspect square[/cyan]
    """
    desk: Desk = ctx.obj
    with one_message(desk), vi_of(desk, stack) as client:
        wanted = meant.of(dataset)
        if wanted.where is None:
            number = Assets(client, dataset).count(wanted.query)
        else:
            listing = Listing(client, wanted, contents=False)
            listing.admit()
            number = sum(len(page.records) for page in listing.pages())
        desk.say(count_of(number, "asset") if desk.out.is_terminal else str(number))


def rename(
    ctx: typer.Context, *, dataset: Dataset, asset: AssetId, filename: NewName, stack: StackName = DEFAULT_STACK
) -> None:
    """Give an asset another name.

    [bold]Example[/bold]

      [cyan]assetline assets rename ds1 asset-1 north-gate.jpg[/cyan]
    """
    desk: Desk = ctx.obj
    with one_message(desk), vi_of(desk, stack) as client, _known(client, dataset):
        assets = Assets(client, dataset)
        before = assets.get(asset).get("filename")
        assets.rename(asset, filename)
        desk.say(f"{asset}: {printable(str(before))} is now {printable(filename)}.")
