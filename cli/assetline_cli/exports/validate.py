"""Check a request for exports before anything starts: feeds and their parameters, as the machine checks them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from assetline.errors import InvalidInput
from assetline_cli.exports.request import EVERY_FEED, ExportArguments, FeedsArguments
from assetline_cli.feeds.list import require_feed

if TYPE_CHECKING:
    from assetline_cli.exports.request import Request


def require_valid(request: Request) -> None:
    """End the command with a usage error if the machine would refuse *request*; raises `typer.BadParameter`."""
    if isinstance(request, FeedsArguments):
        for name in request.feeds:
            if name != EVERY_FEED:
                require_feed(name)
    elif isinstance(request, ExportArguments):
        feed = require_feed(request.feed)
        try:
            feed.first_cursor({}, request.page_size)
        except InvalidInput as error:
            raise typer.BadParameter(str(error), param_hint="--page-size") from None
        try:
            feed.first_cursor(request.params or {}, None)
        except InvalidInput as error:
            raise typer.BadParameter(
                f"{error} `assetline feeds list {feed.name}` describes them.", param_hint="--param"
            ) from None
        if request.since and not feed.takes_modified_after:
            raise typer.BadParameter(
                f"Feed {feed.name} has no filter for changes. Omit the option to export all rows.",
                param_hint="--since",
            )
