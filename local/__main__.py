"""`python -m local`: the commands of the local stack, also used by the Makefile."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from local.demo.run import demo as run_demo
from local.errors import LocalStackFailed
from local.invoke.choice import EngineOption
from local.invoke.commands import PayloadCommands, stack_on
from local.invoke.errors import FunctionFailed, InvocationRefused
from local.invoke.payloads import requested
from local.stack import current as latest
from local.stack.lifecycle import down as take_down
from local.stack.lifecycle import is_complete
from local.stack.lifecycle import up as start_stack
from local.stack.outputs import DeployedStack
from local.stack.settings import DEFAULT_PORT, DEFAULT_ROWS, DEFAULT_STACK_NAME, StackSettings

# A client refuses to start with a profile that it does not find; the local stack has credentials of its own.
PROFILES = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE")

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

Port = Annotated[int, typer.Option(envvar="LOCAL_PORT", min=1, max=65535, help="Port of the stack.")]
SafetyCultureUrl = Annotated[
    str | None,
    typer.Option(envvar="SAFETYCULTURE_URL", help="Server to export from, in place of the emulated SafetyCulture API."),
]


StackName = Annotated[
    str,
    typer.Option(envvar="STACK", help="Name of the stack to deploy; other stacks on the port are unchanged."),
]
ViUrl = Annotated[
    str | None, typer.Option(envvar="VI_URL", help="Server to ingest into, in place of the emulated Vi API.")
]


Engine = Annotated[
    EngineOption,
    typer.Option(envvar="ENGINE", help="Container engine for sam local: auto finds it, none does without."),
]
Rows = Annotated[int, typer.Option(envvar="ROWS", min=0, help="Assets that the emulated SafetyCulture API has.")]
Latency = Annotated[
    float, typer.Option(envvar="LATENCY", min=0, help="Seconds that the emulated SafetyCulture API takes for a page.")
]


@app.command()
def up(  # noqa: PLR0913, PLR0917 (a parameter for each option)
    port: Port = DEFAULT_PORT,
    stack_name: StackName = DEFAULT_STACK_NAME,
    safetyculture_url: SafetyCultureUrl = None,
    vi_url: ViUrl = None,
    rows: Rows = DEFAULT_ROWS,
    latency: Latency = 0,
) -> None:
    """Start the stack, and return when it is ready. On a running stack, restart or redeploy only outdated parts."""
    began = time.monotonic()
    settings = StackSettings(
        port,
        safetyculture_url=safetyculture_url,
        vi_url=vi_url,
        stack_name=stack_name,
        rows=rows,
        latency_seconds=latency,
    )
    stack = start_stack(settings, typer.echo)
    latest.provide_commands()
    latest.show(settings.folder)
    typer.echo(f"Ready in {time.monotonic() - began:.1f} s: {_description(stack)}")
    typer.echo("Use it:  . .local/env && assetline exports start assets --watch --to out")
    typer.echo(f"Stop it: make down{'' if port == DEFAULT_PORT else f' LOCAL_PORT={port}'}")


@app.command()
def down(
    port: Port = DEFAULT_PORT,
    all_: Annotated[bool, typer.Option("--all", help="Stop all stacks of this checkout, on any port.")] = False,
) -> None:
    """Stop the servers that `up` started, and nothing else."""
    folders = latest.running_stacks() if all_ else [StackSettings(port).folder]
    stopped = [folder.name for folder in folders if take_down(StackSettings(int(folder.name)))]
    latest.refresh()
    for name in stopped:
        typer.echo(f"The stack on port {name} is down.")
    if not stopped:
        typer.echo("Nothing to stop." if all_ else f"Nothing to stop: no stack of this checkout runs on port {port}.")


@app.command()
def status() -> None:
    """List the running stacks of this checkout; exit status 1 if none runs."""
    folders = latest.running_stacks()
    for folder in folders:
        typer.echo(
            _description(DeployedStack.read(folder))
            if is_complete(folder)
            else f"incomplete stack on port {folder.name}: make up LOCAL_PORT={folder.name}, or make down"
        )
    if not folders:
        typer.echo("No stack of this checkout runs: make up")
        raise typer.Exit(1)


@app.command()
def demo(
    port: Port = DEFAULT_PORT,
    safetyculture_url: SafetyCultureUrl = None,
    vi_url: ViUrl = None,
    to: Annotated[Path, typer.Option(help="Folder for the CSV.")] = Path("out"),
) -> None:
    """Start a stack, export a feed of 2,000 assets in several turns, download the CSV, and stop the stack."""
    run_demo(StackSettings(port, safetyculture_url=safetyculture_url, vi_url=vi_url), to, typer.echo)


@app.command()
def invoke(
    function: Annotated[str, typer.Argument(envvar="F", help="Function, by its folder in functions/.")] = "",
    event: Annotated[str, typer.Argument(envvar="E", help="Payload in events/FUNCTION/, or a JSON file.")] = "",
    port: Port = DEFAULT_PORT,
    engine: Engine = "auto",
) -> None:
    """Invoke a function with a payload, after the runs that come before it; exit status 1 if it raises an error."""
    payload = requested(function, event)
    PayloadCommands(stack_on(port), engine, typer.echo, _notice).invoke(payload)


@app.command()
def sam_local(port: Port = DEFAULT_PORT, engine: Engine = "auto") -> None:
    """Run every payload of events/ with sam local; exit status 1 unless each runs as events/runs.json declares."""
    PayloadCommands(stack_on(port), engine, typer.echo, _notice).run_all()


def main() -> None:
    """Run the command; report a failure as one line on stderr, with exit status 1, or 2 for invalid arguments."""
    signal.signal(signal.SIGTERM, _interrupt)
    for name in PROFILES:
        os.environ.pop(name, None)
    try:
        app()
    except InvocationRefused as refusal:
        typer.echo(str(refusal), err=True)
        sys.exit(2)
    except FunctionFailed as failure:
        typer.echo(str(failure), err=True)
        sys.exit(1)
    except LocalStackFailed as failure:
        typer.echo(f"local stack: {failure}", err=True)
        sys.exit(1)


def _notice(text: str) -> None:
    """Print to stderr: stdout has the answer of the function only."""
    typer.echo(text, err=True)


def _interrupt(*_: object) -> NoReturn:
    """End as Ctrl+C does, so that a partly started stack is stopped."""
    raise KeyboardInterrupt


def _description(stack: DeployedStack) -> str:
    return f"stack {stack.stack_name} at {stack.endpoint_url}, SafetyCulture API at {stack.emulators['safetyculture']}"


if __name__ == "__main__":
    main()
