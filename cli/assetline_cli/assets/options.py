"""The arguments and options of the commands for assets, with what `--help` says of each."""

from datetime import datetime
from typing import Annotated, Literal

import typer

from assetline_cli.ids import an_id, ids

PANEL = "Which assets"

Dataset = Annotated[
    str, typer.Argument(metavar="DATASET", callback=an_id, help="The Vi dataset, by its id.", show_default=False)
]

Filter = Annotated[
    str | None, typer.Option("--filter", metavar="FILTER", help="Asked of Vi as it is.", rich_help_panel=PANEL)
]
MetadataQuery = Annotated[
    str | None, typer.Option("--metadata-query", metavar="QUERY", help="Asked of Vi as it is.", rich_help_panel=PANEL)
]
RuleQuery = Annotated[
    str | None, typer.Option("--rule-query", metavar="QUERY", help="Asked of Vi as it is.", rich_help_panel=PANEL)
]
StrictQuery = Annotated[bool, typer.Option("--strict-query", help="Have Vi match strictly.", rich_help_panel=PANEL)]
Ids = Annotated[
    list[str] | None,
    typer.Option(
        "--id",
        metavar="ASSET_ID",
        callback=ids,
        help="This asset; repeat the option for more.",
        rich_help_panel=PANEL,
    ),
]
MinBytes = Annotated[
    int | None, typer.Option("--min-bytes", min=0, help="Of this size or more.", rich_help_panel=PANEL)
]
MaxBytes = Annotated[
    int | None, typer.Option("--max-bytes", min=0, help="Of this size or less.", rich_help_panel=PANEL)
]
MinWidth = Annotated[int | None, typer.Option("--min-width", min=0, help="In pixels.", rich_help_panel=PANEL)]
MaxWidth = Annotated[int | None, typer.Option("--max-width", min=0, help="In pixels.", rich_help_panel=PANEL)]
MinHeight = Annotated[int | None, typer.Option("--min-height", min=0, help="In pixels.", rich_help_panel=PANEL)]
MaxHeight = Annotated[int | None, typer.Option("--max-height", min=0, help="In pixels.", rich_help_panel=PANEL)]
OfAspect = Annotated[
    Literal["square", "landscape", "portrait"] | None,
    typer.Option("--aspect", help="Of this shape.", rich_help_panel=PANEL),
]
Mimes = Annotated[
    list[str] | None,
    typer.Option(
        "--mime", metavar="TYPE", help="Such as image/png or image/*; or any of several.", rich_help_panel=PANEL
    ),
]
OfKind = Annotated[
    Literal["Image", "Video"] | None, typer.Option("--kind", help="Of this kind.", rich_help_panel=PANEL)
]
UploadedAfter = Annotated[
    datetime | None,
    typer.Option("--uploaded-after", help="Uploaded then or later (UTC).", rich_help_panel=PANEL),
]
UploadedBefore = Annotated[
    datetime | None, typer.Option("--uploaded-before", help="Uploaded before then (UTC).", rich_help_panel=PANEL)
]
NameLike = Annotated[
    str | None, typer.Option("--name", metavar="PATTERN", help="Whose name is such as '*.png'.", rich_help_panel=PANEL)
]
Statuses = Annotated[
    list[str] | None,
    typer.Option("--status", metavar="STATUS", help="In this status; or any of several.", rich_help_panel=PANEL),
]
AssetId = Annotated[
    str, typer.Argument(metavar="ASSET", callback=an_id, help="The asset, by its id.", show_default=False)
]
NewName = Annotated[str, typer.Argument(metavar="NAME", help="What it is called from now on.", show_default=False)]

SortBy = Annotated[
    Literal["assetId", "filename", "lastModified.contents", "metadata.fileSize"] | None,
    typer.Option("--sort-by", help="What Vi sorts by.", show_default="assetId"),
]
Descending = Annotated[bool, typer.Option("--descending", help="The last first.")]
AssetsLimit = Annotated[int, typer.Option("--limit", metavar="N", min=0, help="How many at most; 0 for all.")]
PageOf = Annotated[
    int | None,
    typer.Option("--page-size", min=1, max=1000, help="Assets that Vi lists at a time.", show_default="what suits"),
]
Url = Annotated[bool, typer.Option("--url", help="Also a fresh signed URL of the file, and when it ends.")]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until Vi has processed it.")]
Timeout = Annotated[float, typer.Option("--timeout", metavar="SECONDS", min=0, help="How long to wait at most.")]
Until = Annotated[
    list[str] | None,
    typer.Option(
        "--until",
        metavar="STATUS",
        help="The upload status to wait for; or any of several.",
        show_default="completed, and words like it",
    ),
]
ByDate = Annotated[bool, typer.Option("--by-date", help="A folder for each day of upload: 2026/11/21/.")]
