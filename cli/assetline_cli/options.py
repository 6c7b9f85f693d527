"""The arguments and options of the commands, with what `--help` says of each."""

from pathlib import Path
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

Format = Annotated[
    Literal["csv", "csv.gz", "jsonl", "jsonl.gz"] | None,
    typer.Option("--format", metavar="FORMAT", help="csv, csv.gz, jsonl or jsonl.gz.", show_default="csv"),
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

Limit = Annotated[int, typer.Option("--limit", metavar="N", min=1, help="How many exports to list, the newest first.")]

AsJson = Annotated[
    bool, typer.Option("--json", help="Print a JSON object a line, with everything that is known.", show_default=False)
]

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.", show_default=False)]
