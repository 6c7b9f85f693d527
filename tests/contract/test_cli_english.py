"""The help of the command: imperative, complete, and with its former spellings."""

import shlex
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from assetline_cli.main import app

OPENINGS = {
    *("Compare", "Count", "Delete", "Download", "Export", "List", "Move", "Rename", "Resume", "Retry", "Show", "Start"),
    *("Check", "Stop", "Upload", "Watch", "Write"),
}
FORMER = {
    "export assets --since last --watch --stack s": "exports start",
    "export --resume assets_20261121_003012 --watch": "exports start",
    "exports": "exports list",
    "exports --feed assets --state failed --limit 5 --json": "exports list",
    "watch assets_20261121_003012 --to out": "exports watch",
    "stop assets_20261121_003012 --yes": "exports stop",
    "diff old.csv new.csv --key id -o changes.csv": "exports diff",
    "drop . --dataset ds1 --metadata site=7 --no-wait --no-progress": "drops upload",
    "drops": "drops list",
    "drops --dataset ds1 --state rejected --limit 9 --json": "drops list",
    "drops retry --dataset ds1 --reason ENOQUOTA -y": "drops retry",
    "drops redrive --yes": "drops redrive",
    "sessions": "sessions list",
    "sessions --dataset ds1 --state failed --json": "sessions list",
    "datasets": "datasets list",
    "datasets --json --stack s": "datasets list",
    "assets list ds1 --limit 0": "assets list",
}


def shown(command: Any, name: str = "assetline") -> Iterator[tuple[str, Any]]:
    """Yield the command and the commands below it that help shows, by name."""
    yield name, command
    for word, below in getattr(command, "commands", {}).items():
        if not below.hidden:
            yield from shown(below, f"{name} {word}")


SHOWN = dict(shown(typer.main.get_command(app)))


def resolved(line: str) -> Any:
    """Return the command that a line runs, with its arguments parsed."""
    command: Any = typer.main.get_command(app)
    words = shlex.split(line)
    context = command.make_context("assetline", [*words])
    while hasattr(command, "commands"):
        arguments = [*context._protected_args, *context.args]
        name, command, words = command.resolve_command(context, arguments)
        context = command.make_context(name, [*words], parent=context)
    return command


@pytest.mark.parametrize("name", SHOWN)
def test_help_starts_with_an_imperative(name: str) -> None:
    assert SHOWN[name].help.split()[0].rstrip(":,") in OPENINGS


@pytest.mark.parametrize("name", SHOWN)
def test_every_argument_and_option_has_help(name: str) -> None:
    undocumented = [param.name for param in SHOWN[name].params if not getattr(param, "help", None)]
    assert undocumented == []


@pytest.mark.parametrize("line", FORMER)
def test_a_former_spelling_runs_the_command_of_today(line: str) -> None:
    today: Any = typer.main.get_command(app)
    for word in FORMER[line].split():
        today = today.commands[word]
    assert resolved(line).callback.__wrapped__ is today.callback.__wrapped__


def test_former_verbs_are_hidden() -> None:
    commands: Any = vars(typer.main.get_command(app))["commands"]
    hidden = {name for name, command in commands.items() if command.hidden}
    assert hidden == {"export", "watch", "stop", "diff", "drop"}
    rows = CliRunner().invoke(app, ["--help"]).stdout.splitlines()
    assert not [row for row in rows if row.split()[1:2] and row.split()[1] in hidden]


@pytest.mark.parametrize("words", [["--help"], ["exports", "start", "--help"]], ids=" ".join)
def test_help_imports_no_aws_clients_layer_or_markdown(words: list[str]) -> None:
    heavy = ("boto3", "botocore", "httpx", "aws_lambda_powertools", "assetline", "markdown_it", "pygments")
    script = f"""
import sys
from assetline_cli.main import main
sys.argv = ["assetline", *{words}]
try:
    main()
finally:
    print([name for name in {heavy} if name in sys.modules], file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "Usage: assetline" in done.stdout
    assert done.stderr == "[]\n"


def test_help_shows_the_panels_in_the_order_of_the_work() -> None:
    lines = CliRunner().invoke(app, ["--help"]).stdout.splitlines()
    panels = [line.split()[1] for line in lines if line.startswith("╭─")]
    assert panels == ["Options", "Export", "Ingest", "Datasets", "Operate"]
