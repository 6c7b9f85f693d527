"""What `assetline assets list|get|count|rename` take, explained to who types `--help`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import typer

from assetline.assets.asset_rows import flat
from assetline.vi.assets import Assets
from assetline_cli.assets.selection_options import (
    AssetId,
    Dataset,
    Timeout,
    Until,
    Url,
    Wait,
)
from assetline_cli.assets.wait import DONE, ProcessingWaiter
from assetline_cli.error_reporting import errors_reported
from assetline_cli.options import AsJson, StackName
from assetline_cli.stack import DEFAULT_STACK
from assetline_cli.terminal.formatting import iso_time
from assetline_cli.terminal.output import printable, say_json
from assetline_cli.vi_client import dataset_known, open_vi_client

if TYPE_CHECKING:
    from assetline_cli.context import CliContext


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
    context: CliContext = ctx.obj
    with errors_reported(context), open_vi_client(context, stack) as client, dataset_known(client, dataset):
        if wait:
            with open_vi_client(context, stack, patient=False) as impatient:  # the waiting has a time of its own
                done = tuple(word.casefold() for word in until or DONE)
                waiting = ProcessingWaiter(Assets(impatient, dataset), context.clock, done, timeout)
                waiting.processed(asset, lambda status: context.complain(f"The upload status of {asset} is {status}."))
        record = Assets(client, dataset).get(asset, contents=url)
        if json:
            say_json(context.out, record)
        else:
            print_details(context, _readable(record) if url else record)


def _readable(record: dict[str, object]) -> dict[str, object]:
    """Return a record whose URL ends at a time that can be read."""
    contents = record.get("contents")
    asset = contents.get("asset") if isinstance(contents, dict) else None
    if not isinstance(asset, dict):
        return record
    return record | {"contents": {"asset": asset | {"expiry": iso_time(asset.get("expiry"))}}}


def print_details(context: CliContext, record: dict[str, Any]) -> None:
    """Print what Vi says of an asset, a line each, under the names of the columns that an export has."""
    told = [(name, _text(value)) for name, value in flat(record).items()]
    said = [(name, text) for name, text in told if text]
    width = max((len(name) for name, _ in said), default=0)
    for name, text in said:
        context.say(f"{name:<{width}}  {text}")


def _text(value: Any) -> str:
    if value is None or value in ("", [], {}):
        return ""
    return printable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
