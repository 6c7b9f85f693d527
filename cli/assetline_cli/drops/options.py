"""The arguments and options of the commands for drops."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from assetline_cli.options import an_id

Paths = Annotated[
    list[Path],
    typer.Argument(
        metavar="PATH", exists=True, help="Files, and folders with everything below them.", show_default=False
    ),
]

IntoDataset = Annotated[
    str,
    typer.Option(
        "--dataset", metavar="ID", callback=an_id, help="Vi dataset to ingest the files into.", show_default=False
    ),
]

Metadata = Annotated[
    list[str] | None,
    typer.Option(
        "--metadata",
        metavar="KEY=VALUE",
        help="Custom metadata for every asset. Repeat the option for more.",
        show_default="none",
    ),
]

SkipExisting = Annotated[
    bool,
    typer.Option(
        "--skip-existing",
        help="Skip files that the drop bucket already has with the same bytes, for example after an interruption.",
        show_default="upload every file",
    ),
]

WaitForThem = Annotated[
    bool,
    typer.Option(
        "--wait/--no-wait", help="Wait until every file is ingested or rejected, or print the drop IDs and exit."
    ),
]

DropInState = Annotated[
    Literal["dropped", "claimed", "ingested", "rejected"] | None,
    typer.Option(
        "--state",
        metavar="STATE",
        help="List only drops in this state: dropped (waiting), claimed (by an ingestion session), ingested or "
        "rejected.",
        show_default="any state",
    ),
]

DropIds = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="DROP_ID",
        help="Drops to retry, as `assetline drops list` prints them.",
        show_default="all rejected drops",
    ),
]

Ingested = Annotated[
    bool,
    typer.Option("--ingested", help="Retry ingested drops instead, and send their files to Vi again."),
]

ForReason = Annotated[
    str | None,
    typer.Option(
        "--reason",
        metavar="CODE",
        help="Retry only drops rejected for this reason, such as ENOQUOTA.",
        show_default="any reason",
    ),
]
