"""The arguments and options of the commands for exports."""

from typing import Annotated, Literal

import typer

Feeds = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="FEED",
        help="The feed to export, such as assets. Several, or all, are exported side by side.",
        show_default=False,
    ),
]

Resume = Annotated[
    str | None,
    typer.Option(
        "--resume",
        metavar="EXPORT_ID",
        help="Go on with an export that failed, at the page it failed at; takes no FEED.",
        show_default=False,
    ),
]

ExportName = Annotated[
    str,
    typer.Argument(
        metavar="EXECUTION_ARN|EXPORT_ID",
        help="The execution, as `assetline export` printed it, or the export, as `assetline exports` lists it.",
        show_default=False,
    ),
]

FeedParams = Annotated[
    list[str] | None,
    typer.Option(
        "--param",
        metavar="NAME=VALUE",
        help="A parameter of the feed; repeat the option for more. A NAME given twice has both values.",
        show_default="none",
    ),
]

Since = Annotated[
    Literal["last"] | None,
    typer.Option(
        "--since",
        metavar="last",
        help="Export only what changed since the last complete export of the feed.",
        show_default="everything",
    ),
]

Changes = Annotated[
    bool | None,
    typer.Option(
        "--changes",
        help="Also write what was added, changed and removed since the last complete export. Not with --since.",
        show_default=False,
    ),
]

PageSize = Annotated[
    int | None,
    typer.Option(
        "--page-size",
        metavar="N",
        min=1,
        help="How many rows to ask of the feed at once.",
        show_default="what the feed gives",
    ),
]

OfFeed = Annotated[
    str | None,
    typer.Option("--feed", metavar="FEED", help="Only exports of this feed.", show_default="any feed"),
]

InState = Annotated[
    str | None,
    typer.Option(
        "--state",
        metavar="STATE",
        help="Only exports in this state: running, complete, partial (it was stopped) or failed.",
        show_default="any state",
    ),
]
