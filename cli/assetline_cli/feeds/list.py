"""List the feeds that can be exported, and describe one of them."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import typer

from assetline.safetyculture.catalogue import CATALOGUE
from assetline_cli.terminal.tables import ListLayout, TableColumns, print_list

if TYPE_CHECKING:
    from assetline.safetyculture.definition import Feed
    from assetline_cli.context import CliContext

COLUMNS = TableColumns(
    headings=("Feed", "Key", "Parameters", "Path", "Legacy"),
    dispensable=("Path", "Legacy", "Key"),
    right=frozenset(),
    if_any=("Legacy",),
    folded="Parameters",
)
ANY_NAME = "any name of letters, digits and underscores"


def require_feed(name: str, hint: str = "FEED") -> Feed:
    """Return the feed *name*; raises `typer.BadParameter` with the closest name if it is not in the catalogue."""
    if (feed := CATALOGUE.get(name)) is not None:
        return feed
    close = get_close_matches(name, CATALOGUE, n=1)
    suggestion = f" Did you mean {close[0]}?" if close else ""
    raise typer.BadParameter(f"No feed {name!r}.{suggestion} `assetline feeds` lists the feeds.", param_hint=hint)


def list_feeds(context: CliContext, name: str | None, *, json: bool) -> None:
    """Print the feeds of the catalogue, or one of them; raises as `require_feed`."""
    found = [*CATALOGUE.values()] if name is None else [require_feed(name)]
    layout = ListLayout(columns=COLUMNS, cells=_cells, plain_cells=_cells, as_json=_as_json)
    print_list(context.out, found, layout, json=json)


def describe_feed(context: CliContext, name: str) -> None:
    """Print the path, the key and the parameters of one feed; raises as `require_feed`."""
    feed = require_feed(name)
    context.print_line(f"Feed: {feed.name}{' (legacy: it has a successor)' if feed.legacy else ''}")
    context.print_line(f"Path: {feed.path}")
    context.print_line(f"Key: {', '.join(feed.key)}")
    context.print_line(f"Rows per page: at most {feed.max_page_size:,}")
    context.print_line(
        f"--since last: {'yes' if feed.takes_modified_after else 'no: this feed has no filter for changes'}"
    )
    if not feed.parameters and not feed.parameters_are_unsure:
        context.print_line("Parameters: none")
        return
    context.print_line("Parameters:")
    for parameter, kind in sorted(feed.parameters.items()):
        context.print_line(f"  {parameter}: {kind.words}")
    if feed.parameters_are_unsure:
        context.print_line(f"  {ANY_NAME}: passed to the feed unchanged")


def _parameters(feed: Feed) -> list[str]:
    return [*sorted(feed.parameters), *(["others"] if feed.parameters_are_unsure else [])]


def _cells(feed: Feed) -> tuple[str, ...]:
    return feed.name, ", ".join(feed.key), ", ".join(_parameters(feed)), feed.path, "legacy" if feed.legacy else ""


def _as_json(feed: Feed) -> dict[str, Any]:
    return {
        "feed": feed.name,
        "path": feed.path,
        "key": list(feed.key),
        "parameters": {name: kind.words for name, kind in sorted(feed.parameters.items())},
        "other_parameters": feed.parameters_are_unsure,
        "max_page_size": feed.max_page_size,
        "since_last": feed.takes_modified_after,
        "legacy": feed.legacy,
    }
