"""`make invoke` and `make sam-local` on the local stack, without a container engine."""

import json
import signal
import sys
from collections.abc import Iterator
from typing import Any

import pytest

import local.__main__ as commands
from local.emulators.safetyculture.scenario import FeedScenario
from local.emulators.safetyculture.server import FeedEmulator
from local.emulators.vi.scenario import ViScenario
from local.emulators.vi.server import running
from local.invoke.commands import PayloadCommands
from local.invoke.feed_check import checked_rows
from local.invoke.payloads import payloads
from local.stack.lifecycle import running_stack
from local.stack.ministack import free_port
from local.stack.outputs import DeployedStack
from local.stack.settings import StackSettings
from tests.workflows.conftest import PARAMETERS

ROWS = 250


@pytest.fixture
def stack_of_commands(
    stack: DeployedStack, feed_api: FeedEmulator, monkeypatch: pytest.MonkeyPatch
) -> Iterator[DeployedStack]:
    """Let the commands work on the stack of the tests."""
    feed_api.has(FeedScenario(rows=ROWS))
    monkeypatch.setattr(commands, "stack_on", lambda _: stack)
    handler = signal.getsignal(signal.SIGTERM)
    yield stack
    signal.signal(signal.SIGTERM, handler)


def status(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run a command and return its exit status."""
    monkeypatch.setattr(sys, "argv", ["local", *arguments, "--engine", "none"])
    with pytest.raises(SystemExit) as ended:
        commands.main()
    return int(ended.value.code or 0)


def test_a_chain_ends_with_the_answer_of_its_last_run(
    stack_of_commands: DeployedStack,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert status(monkeypatch, "invoke", "close_export", "finished") == 0
    printed = capsys.readouterr()
    result: dict[str, Any] = json.loads(printed.out)
    assert (result["rows"], result["complete"]) == (ROWS, True)
    assert checked_rows(stack_of_commands, result) == ROWS
    assert (
        "ENGINE=none: sam local is not used. Invoking on the local stack, through AWS's runtime client" in printed.err
    )
    assert "open_export/assets, which comes first: succeeded" in printed.err
    assert "write_pages/first_turn, which comes first: succeeded" in printed.err


def test_an_error_of_a_function_is_exit_status_1(
    stack_of_commands: DeployedStack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "absent")
    assert status(monkeypatch, "invoke", "open_export", "unknown_feed") == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out)["errorType"] == "UnknownFeed"
    assert "open_export/unknown_feed failed with UnknownFeed: No feed is called 'asset'" in printed.err


def test_an_unknown_payload_is_exit_status_2(
    stack_of_commands: DeployedStack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status(monkeypatch, "invoke", "open_export", "asset") == 2
    assert "Did you mean E=assets?" in capsys.readouterr().err


@pytest.fixture
def stack_of_payloads(feed_api: FeedEmulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeployedStack]:
    """Return a stack of its own: the payloads leave drops that its machines ingest later."""
    feed_api.has(FeedScenario(rows=ROWS))
    with running(ViScenario(sessions_per_window=None)) as vi:
        settings = StackSettings(
            port=free_port(),
            state_dir=tmp_path_factory.mktemp("stack"),
            safetyculture_url=feed_api.url,
            vi_url=vi.url,
            wait_scale=0,
            forks_functions=True,
            parameters=PARAMETERS,
        )
        with running_stack(settings) as stack:
            yield stack


def test_all_payloads_run_as_declared(stack_of_payloads: DeployedStack) -> None:
    printed: list[str] = []
    PayloadCommands(stack_of_payloads, "none", printed.append, printed.append).run_all()
    assert printed[-1] == f"All {len(payloads())} payloads ran as events/runs.json declares."
    assert any(f"{ROWS} rows of exports/assets/" in line for line in printed)
