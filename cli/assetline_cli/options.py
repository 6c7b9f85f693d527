"""The arguments and options of the commands, with what `--help` says of each."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

import typer

from assetline.assets.selection import ID

Format = Annotated[
    Literal["csv", "csv.gz", "jsonl", "jsonl.gz"] | None,
    typer.Option("--format", metavar="FORMAT", help="csv, csv.gz, jsonl or jsonl.gz.", show_default="csv"),
]


OverlapMinutes = Annotated[
    float | None,
    typer.Option(
        "--overlap-minutes",
        metavar="MINUTES",
        help="With --since: export from so many minutes before the last complete export began.",
        show_default="10",
    ),
]

Excel = Annotated[
    bool | None,
    typer.Option(
        "--excel",
        help="Begin a CSV with a byte order mark, by which Excel reads it as UTF-8.",
        show_default="without",
    ),
]

NeutraliseFormulas = Annotated[
    bool | None,
    typer.Option(
        "--neutralise-formulas",
        help="In a CSV, take the power from cells a spreadsheet program would run, such as =HYPERLINK(…).",
        show_default="cells as they are",
    ),
]


MaxTurnSeconds = Annotated[
    float | None,
    typer.Option(
        "--max-turn-seconds",
        metavar="S",
        min=0.1,
        help="How long one invocation pulls pages before the next takes over.",
        show_default="as long as it may run",
    ),
]

WatchIt = Annotated[
    bool | None,
    typer.Option("--watch/--no-watch", help="Follow the export to its end, live.", show_default="no-watch"),
]

To = Annotated[
    Path | None,
    typer.Option(
        "--to",
        metavar="DIR",
        help="Download the file and its manifest into DIR, made if need be; implies watching.",
        show_default="they stay in S3",
    ),
]

StackName = Annotated[
    str,
    typer.Option("--stack", metavar="NAME", envvar="ASSETLINE_STACK", help="The CloudFormation stack it runs in."),
]


Limit = Annotated[int, typer.Option("--limit", metavar="N", min=1, help="How many exports to list, the newest first.")]

AsJson = Annotated[
    bool, typer.Option("--json", help="Print a JSON object a line, with everything that is known.", show_default=False)
]

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.", show_default=False)]

ShowProgress = Annotated[bool, typer.Option("--progress/--no-progress", help="Show how far it is.")]


_ID = re.compile(ID)


def an_id[Given: str | None](given: Given) -> Given:
    """Return an id, or None where none was given; raises `typer.BadParameter`."""
    if given is not None and not _ID.fullmatch(given):
        raise typer.BadParameter(f"{given!r} is no id: letters, digits, - and _ only, as Vi shows it")
    return given


def ids(given: list[str] | None) -> list[str] | None:
    """Return ids, or None where none was given; raises `typer.BadParameter`."""
    return None if given is None else [an_id(one) for one in given]
