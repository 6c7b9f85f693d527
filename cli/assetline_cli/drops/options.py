"""The arguments and options of the commands for drops, with what `--help` says of each."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from assetline_cli.options import an_id

Paths = Annotated[
    list[Path],
    typer.Argument(
        metavar="PATH",
        exists=True,
        help="Files, and folders with all that is below them.",
        show_default=False,
    ),
]

IntoDataset = Annotated[
    str,
    typer.Option("--dataset", metavar="ID", callback=an_id, help="The Vi dataset they are for.", show_default=False),
]

Metadata = Annotated[
    list[str] | None,
    typer.Option(
        "--metadata",
        metavar="KEY=VALUE",
        help="Custom metadata of every asset; repeat the option for more.",
        show_default="none",
    ),
]

WaitForThem = Annotated[
    bool,
    typer.Option("--wait/--no-wait", help="Wait until all are ingested or rejected; or print their ids and leave."),
]


OfDataset = Annotated[
    str | None,
    typer.Option(
        "--dataset", metavar="ID", callback=an_id, help="Only those of this dataset.", show_default="any dataset"
    ),
]

DropInState = Annotated[
    Literal["dropped", "claimed", "uploaded", "ingested", "rejected"] | None,
    typer.Option(
        "--state",
        metavar="STATE",
        help="Only drops in this state: dropped (they wait), claimed (a session is opened for them), uploaded, "
        "ingested or rejected.",
        show_default="any state",
    ),
]

SessionInState = Annotated[
    str | None,
    typer.Option(
        "--state",
        metavar="STATE",
        help="Only sessions in this state: opening, open, finished, failed, cancelled, overdue or abandoned.",
        show_default="any state",
    ),
]

HowMany = Annotated[int, typer.Option("--limit", metavar="N", min=1, help="How many to list, the newest first.")]

DropIds = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="DROP_ID",
        help="The drops to re-queue, as `assetline drops` lists them.",
        show_default="all that are rejected",
    ),
]

Ingested = Annotated[
    bool,
    typer.Option("--ingested", help="Re-queue ingested drops instead: Vi gets their files again."),
]

ForReason = Annotated[
    str | None,
    typer.Option(
        "--reason", metavar="CODE", help="Only those rejected for this reason, such as ENOQUOTA.", show_default="any"
    ),
]
