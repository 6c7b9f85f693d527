"""The commands for operating a stack."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assetline_cli.error_reporting import errors_reported
from assetline_cli.options import DEFAULT_STACK, StackName

if TYPE_CHECKING:
    from assetline_cli.context import CliContext

StatusAsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.", show_default=False)]
LinesAsJson = Annotated[
    bool, typer.Option("--json", help="Print one JSON object per line of the log.", show_default=False)
]
FindingsAsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object per check.", show_default=False)]

Subject = Annotated[
    str,
    typer.Argument(
        metavar="EXPORT_ID|SESSION",
        help="Export ID, as `assetline exports list` prints it, or session, as `assetline sessions list` does.",
        show_default=False,
    ),
]
Follow = Annotated[
    bool, typer.Option("--follow", "-f", help="Print new lines until the export or session ends.", show_default=False)
]

ReportFile = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Write the report to FILE.",
        show_default="EXPORT_ID.html or SESSION.html",
    ),
]


def status(ctx: typer.Context, json: StatusAsJson = False, stack: StackName = DEFAULT_STACK) -> None:
    """Show the state of a stack on one screen.

    The screen has the running exports and sessions, the waiting drops, the
    last failures, the session quota used, and the next scheduled export.

    [bold]Examples[/bold]

      [cyan]assetline status[/cyan]
      [cyan]assetline status --json --stack assetline-prod[/cyan]
    """
    from assetline_cli.operations.status_view import print_status

    context: CliContext = ctx.obj
    with errors_reported(context):
        print_status(context, stack, json=json)


def logs(
    ctx: typer.Context,
    subject: Subject,
    follow: Follow = False,
    json: LinesAsJson = False,
    stack: StackName = DEFAULT_STACK,
) -> None:
    """Show the log lines of one export or ingestion session, across its functions.

    In a pipe, the lines are tab-separated: time, function, level, event,
    figures. Ctrl+C stops only the command.

    Exit status: 0 printed; 1 any other result; 130 Ctrl+C.

    [bold]Examples[/bold]

      [cyan]assetline logs assets_20261121_003012[/cyan]
      [cyan]assetline logs assets_20261121_003012 --follow[/cyan]
      [cyan]assetline logs ds1-20261121-003012-1a2b --json[/cyan]
    """
    from assetline_cli.operations.logs import print_logs

    context: CliContext = ctx.obj
    with errors_reported(context):
        raise typer.Exit(print_logs(context, stack, subject, follow=follow, json=json))


def report(ctx: typer.Context, subject: Subject, output: ReportFile = None, stack: StackName = DEFAULT_STACK) -> None:
    """Write a report of one export or ingestion session, as one HTML page that needs no network.

    The page of an export has its figures, charts of the pace with failed
    requests and pauses, columns and drift. The page of a session has the
    outcomes by reason. The charts come from the log. The command prints the
    path.

    [bold]Examples[/bold]

      [cyan]assetline report assets_20261121_003012[/cyan]
      [cyan]assetline report ds1-20261121-003012-1a2b --output reports/monday.html[/cyan]
    """
    from assetline_cli.operations.report import write_report

    context: CliContext = ctx.obj
    with errors_reported(context):
        write_report(context, stack, subject, output)


def doctor(ctx: typer.Context, json: FindingsAsJson = False, stack: StackName = DEFAULT_STACK) -> None:
    """Check credentials, the stack, both APIs, quotas, alarms, dead letters and the schedule.

    Each problem is printed with what to do. The command calls both APIs from
    this computer, with the credentials in the stack's secrets. It changes
    nothing.

    Exit status: 0 no problem, warnings included; 1 a problem.

    [bold]Examples[/bold]

      [cyan]assetline doctor[/cyan]
      [cyan]assetline doctor --json --stack assetline-prod[/cyan]
    """
    from assetline_cli.operations.doctor import run_doctor

    context: CliContext = ctx.obj
    with errors_reported(context):
        raise typer.Exit(run_doctor(context, stack, json=json))
