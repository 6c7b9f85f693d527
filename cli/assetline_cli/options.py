"""The arguments and options of several groups of commands."""

from pathlib import Path
from typing import Annotated, Literal

import typer

DEFAULT_STACK = "assetline"


def an_id[Given: str | None](given: Given) -> Given:
    """Return an ID of Vi, or None if none was given; raises `typer.BadParameter`."""
    import re  # noqa: PLC0415

    from assetline.assets.selection import ID  # noqa: PLC0415 - it imports pydantic, and help needs none

    if given is not None and not re.fullmatch(ID, given):
        raise typer.BadParameter(f"Invalid ID {given!r}. Use letters, digits, - and _, as Vi shows it.")
    return given


def ids(given: list[str] | None) -> list[str] | None:
    """Return IDs of Vi, or None if none were given; raises `typer.BadParameter`."""
    return None if given is None else [an_id(each) for each in given]


StackName = Annotated[
    str, typer.Option("--stack", metavar="NAME", envvar="ASSETLINE_STACK", help="CloudFormation stack to use.")
]

AsJson = Annotated[
    bool, typer.Option("--json", help="Print one JSON object per line, with all fields.", show_default=False)
]

Yes = Annotated[
    bool,
    typer.Option(
        "--yes", "-y", help="Skip the confirmation. Required when stdin is not a terminal.", show_default=False
    ),
]

ShowProgress = Annotated[bool, typer.Option("--progress/--no-progress", help="Show the progress.")]

Limit = Annotated[int, typer.Option("--limit", metavar="N", min=1, help="List at most N, the newest first.")]

OfDataset = Annotated[
    str | None,
    typer.Option(
        "--dataset",
        metavar="ID",
        callback=an_id,
        help="Select only this Vi dataset.",
        show_default="any dataset",
    ),
]

Format = Annotated[
    Literal["csv", "csv.gz", "jsonl", "jsonl.gz"] | None,
    typer.Option("--format", metavar="FORMAT", help="File format: csv, csv.gz, jsonl or jsonl.gz.", show_default="csv"),
]

Excel = Annotated[
    bool | None,
    typer.Option(
        "--excel",
        help="Start a CSV with a byte order mark, so that Excel reads it as UTF-8.",
        show_default="no byte order mark",
    ),
]

NeutraliseFormulas = Annotated[
    bool | None,
    typer.Option(
        "--neutralise-formulas",
        help="Escape CSV cells that a spreadsheet would evaluate, such as =HYPERLINK(…).",
        show_default="cells unchanged",
    ),
]

MaxTurnSeconds = Annotated[
    float | None,
    typer.Option(
        "--max-turn-seconds",
        metavar="S",
        min=0.1,
        help="Longest time that one Lambda invocation reads pages before the next one continues.",
        show_default="the time limit of the function",
    ),
]

WatchIt = Annotated[
    bool | None,
    typer.Option("--watch/--no-watch", help="Watch the export until it ends.", show_default="no-watch"),
]

To = Annotated[
    Path | None,
    typer.Option(
        "--to",
        metavar="DIR",
        help="Download the file and its manifest into DIR, which is created if missing. Implies --watch.",
        show_default="leave them in S3",
    ),
]
