"""The commands for feeds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from assetline_cli.command_groups import ListByDefault, command_group
from assetline_cli.error_reporting import errors_reported
from assetline_cli.options import AsJson

if TYPE_CHECKING:
    from assetline_cli.context import CliContext

feeds_app = command_group("List the SafetyCulture feeds that can be exported, with their parameters.", ListByDefault)

FeedName = Annotated[str | None, typer.Argument(metavar="FEED", help="List only this feed.", show_default="every feed")]


@feeds_app.command("list")
def list_(ctx: typer.Context, feed: FeedName = None, json: AsJson = False) -> None:
    """List the SafetyCulture feeds that can be exported, with their keys and parameters.

    On a terminal the list is a table. In a pipe it is tab-separated lines
    without a heading: feed, key, parameters, path, and legacy for a feed that
    has a successor. With FEED, the command describes the values of each
    parameter. Set a parameter with `assetline exports start FEED --param`.

    [bold]Examples[/bold]

      [cyan]assetline feeds list[/cyan]
      [cyan]assetline feeds list inspections[/cyan]
      [cyan]assetline feeds list --json[/cyan]
    """
    from assetline_cli.feeds.list import describe_feed, list_feeds

    context: CliContext = ctx.obj
    with errors_reported(context):
        if feed is not None and not json:
            describe_feed(context, feed)
        else:
            list_feeds(context, feed, json=json)
