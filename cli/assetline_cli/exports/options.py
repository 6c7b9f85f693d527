"""The arguments and options of the commands for exports."""

from pathlib import Path
from typing import Annotated, Literal

import typer

Feeds = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="FEED",
        help="Feed to export, such as assets. Several feeds, or all, are exported side by side.",
        show_default=False,
    ),
]

Resume = Annotated[
    str | None,
    typer.Option(
        "--resume",
        metavar="EXPORT_ID",
        help="Resume a failed export at the page where it failed; takes no FEED.",
        show_default=False,
        hidden=True,
    ),
]

ExportId = Annotated[
    str,
    typer.Argument(metavar="EXPORT_ID", help="Export ID, as `assetline exports list` prints it.", show_default=False),
]

ExportName = Annotated[
    str,
    typer.Argument(
        metavar="EXECUTION_ARN|EXPORT_ID",
        help="Execution ARN, as `assetline exports start` prints it, or export ID, as `assetline exports list` does.",
        show_default=False,
    ),
]

IntoFolder = Annotated[
    Path, typer.Argument(metavar="DIR", help="Folder for the files, created if missing.", show_default=False)
]

FeedParams = Annotated[
    list[str] | None,
    typer.Option(
        "--param",
        metavar="NAME=VALUE",
        help="Set a parameter of the feed; docs/operations.md lists them. Repeat the option for more parameters, "
        "or for more values of one.",
        show_default="none",
    ),
]

Since = Annotated[
    Literal["last"] | None,
    typer.Option(
        "--since",
        metavar="last",
        help="Export only the rows that changed since the last complete export of the feed.",
        show_default="all rows",
    ),
]

OverlapMinutes = Annotated[
    float | None,
    typer.Option(
        "--overlap-minutes",
        metavar="MINUTES",
        help="With --since, go back this many minutes before the last complete export started.",
        show_default="10",
    ),
]

Changes = Annotated[
    bool | None,
    typer.Option(
        "--changes",
        help="Also write the rows added, changed and removed since the last complete export. Excludes --since.",
        show_default=False,
    ),
]

PageSize = Annotated[
    int | None,
    typer.Option(
        "--page-size", metavar="N", min=1, help="Request N rows per page.", show_default="the feed's page size"
    ),
]

OfFeed = Annotated[
    str | None,
    typer.Option("--feed", metavar="FEED", help="List only exports of this feed.", show_default="any feed"),
]

InState = Annotated[
    str | None,
    typer.Option(
        "--state",
        metavar="STATE",
        help="List only exports in this state: running, complete, partial (it was stopped) or failed.",
        show_default="any state",
    ),
]

ResultAsJson = Annotated[
    bool,
    typer.Option(
        "--json",
        help="Print the execution, or its result, as one JSON object; messages go to stderr.",
        show_default=False,
    ),
]

_FILE = "a path, s3://BUCKET/KEY or an export ID"

Old = Annotated[str, typer.Argument(metavar="OLD", help=f"Earlier file: {_FILE}.", show_default=False)]
New = Annotated[str, typer.Argument(metavar="NEW", help=f"Later file: {_FILE}.", show_default=False)]

Keys = Annotated[
    list[str] | None,
    typer.Option(
        "--key",
        metavar="COLUMN",
        help="Column that identifies a row. Repeat the option for a key of several columns.",
        show_default="the key of the feed, or id",
    ),
]

FeedOfFiles = Annotated[
    str | None,
    typer.Option(
        "--feed",
        metavar="FEED",
        help="Use the key of this feed.",
        show_default="the feed in the manifest beside NEW",
    ),
]

Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Write all changes to FILE, as CSV.",
        show_default="print a summary only",
    ),
]
