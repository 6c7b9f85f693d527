"""The stack as its users meet it: the stock AWS CLI, and the operator's command."""

import csv
import json
import os
import subprocess
from pathlib import Path

import pytest

from local.emulators.safetyculture.assets import asset
from local.emulators.safetyculture.scenario import FeedScenario
from local.emulators.safetyculture.server import FeedEmulator
from local.paths import AWS, PYTHON_COMMANDS
from local.stack.outputs import DeployedStack
from tests.workflows.conftest import DeployedMachine


@pytest.fixture
def env_file(stack: DeployedStack, tmp_path: Path) -> Path:
    stack.write(tmp_path)
    return tmp_path / "env"


def shell(env_file: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run a script after sourcing a stack's `env`, in a shell that has nothing but the programs of this project."""
    path = os.pathsep.join([str(AWS.parent), str(PYTHON_COMMANDS), "/usr/bin", "/bin"])
    return subprocess.run(
        ["/bin/sh", "-euc", f". {env_file}\n{script}"],
        env={"PATH": path, "HOME": str(env_file.parent)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_stock_aws_cli_starts_an_export_and_copies_its_file(
    machine: DeployedMachine, feed_api: FeedEmulator, env_file: Path, tmp_path: Path
) -> None:
    feed_api.has(FeedScenario(rows=300))
    arn = machine.stack.outputs["ExportStateMachineArn"]
    started = shell(
        env_file, f"""aws stepfunctions start-execution --state-machine-arn {arn} --input '{{"feed":"assets"}}'"""
    )
    assert started.returncode == 0, started.stderr
    output = machine.ended(json.loads(started.stdout)["executionArn"]).output
    copied = shell(env_file, f"aws s3 cp s3://{output['bucket']}/{output['key']} {tmp_path}/assets.csv")
    assert copied.returncode == 0, copied.stderr
    with (tmp_path / "assets.csv").open(newline="", encoding="utf-8") as file:
        assert [row["id"] for row in csv.DictReader(file)] == [asset(index)["id"] for index in range(300)]


def test_the_command_exports_shows_and_downloads(feed_api: FeedEmulator, env_file: Path, tmp_path: Path) -> None:
    feed_api.has(FeedScenario(rows=2000, latency_seconds=0.02, remaining_records=True))
    done = shell(env_file, f"assetline export assets --page-size 100 --max-turn-seconds 0.3 --to {tmp_path}/out")
    assert (done.returncode, done.stderr) == (0, "")
    assert "EXPORT COMPLETE!" in done.stdout
    assert "Total Assets: 2,000" in done.stdout
    (file,) = (tmp_path / "out").glob("*.csv")
    (manifest,) = (tmp_path / "out").glob("*.manifest.json")
    assert f"Downloaded to: {file}" in done.stdout
    assert json.loads(manifest.read_text())["rows"] == 2000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("asset", "Did you mean assets?"),
        ("assets --param modified_after=2026-01-01", "Feed assets does not take the parameter"),
    ],
)
def test_a_wrong_request_is_refused_before_anything_starts(env_file: Path, arguments: str, message: str) -> None:
    refused = shell(env_file, f"assetline export {arguments} --watch")
    assert refused.returncode == 2
    assert message in " ".join(refused.stderr.replace("│", " ").split())
    assert "Traceback" not in refused.stdout + refused.stderr


def test_a_failed_export_reports_its_reason(feed_api: FeedEmulator, env_file: Path) -> None:
    feed_api.has(FeedScenario(rows=10, token="scapi_another"))
    failed = shell(env_file, "assetline export assets --watch")
    assert failed.returncode == 1
    assert "TokenRefused: " in failed.stderr
    assert "Traceback" not in failed.stdout + failed.stderr
