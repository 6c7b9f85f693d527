"""The arguments and options of the commands, with what `--help` says of each."""

from pathlib import Path
from typing import Annotated

import typer

Feed = Annotated[str, typer.Argument(metavar="FEED", help="The feed to export, such as assets.", show_default=False)]

ExecutionArn = Annotated[
    str,
    typer.Argument(
        metavar="EXECUTION_ARN", help="The execution, as `assetline export` printed it.", show_default=False
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
    str | None,
    typer.Option("--format", metavar="FORMAT", help="The format of the file.", show_default="csv"),
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
