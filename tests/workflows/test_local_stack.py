"""The local stack itself: up, up again, beside another, healed, down."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.errors import LocalStackFailed, PortTaken
from local.paths import MINISTACK_PYTHON, MINISTACK_SERVER
from local.stack import environment
from local.stack.lifecycle import down, is_running, running_stack, up
from local.stack.ministack import free_port
from local.stack.outputs import DeployedStack
from local.stack.settings import StackSettings
from local.stack.state_file import Record

SERVER_ELSEWHERE = "http://127.0.0.1:9"  # never asked for anything here


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> StackSettings:
    return StackSettings(
        free_port(), tmp_path_factory.mktemp("stack"), SERVER_ELSEWHERE, SERVER_ELSEWHERE, wait_scale=0
    )


@pytest.fixture(scope="module")
def stack(settings: StackSettings) -> Iterator[DeployedStack]:
    with running_stack(settings) as stack:
        yield stack


def test_it_is_described_as_others_rely_on(stack: DeployedStack, settings: StackSettings) -> None:
    described = json.loads((settings.folder / "outputs.json").read_text())
    assert described == {
        "endpoint_url": f"http://127.0.0.1:{settings.port}",
        "region": "us-east-1",
        "stack_name": "assetline",
        "outputs": stack.outputs,
        "emulators": {"safetyculture": SERVER_ELSEWHERE, "vi": SERVER_ELSEWHERE},
    }
    assert stack.outputs.keys() == {
        "ExportStateMachineArn",
        "ExportFeedsStateMachineArn",
        "ExportBucketName",
        "ExportsTableName",
        "SafetyCultureSecretArn",
        "SalvageDeadLetterQueueUrl",
        "DropBucketName",
        "DropsTableName",
        "SessionsTableName",
        "IngestStateMachineArn",
        "BackfillStateMachineArn",
        "DashboardUrl",
        "DeleteStateMachineArn",
        "DownloadStateMachineArn",
        "DropDeadLetterQueueUrl",
        "DropQueueUrl",
        "ViSecretArn",
    }


def test_up_again_is_the_same_stack_with_all_that_is_in_it(stack: DeployedStack, settings: StackSettings) -> None:
    s3 = stack.client("s3")
    s3.put_object(Bucket=stack.outputs["ExportBucketName"], Key="exports/kept", Body=b"kept")
    servers = Record.read(settings.folder).servers
    message: list[str] = []
    assert up(settings, message.append) == stack
    assert message == []
    assert Record.read(settings.folder).servers == servers
    assert s3.get_object(Bucket=stack.outputs["ExportBucketName"], Key="exports/kept")["Body"].read() == b"kept"


def test_only_the_unpatched_ministack_pauses_before_the_first_state(tmp_path: Path) -> None:
    program = """
import runpy, sys
from ministack.services import stepfunctions

ours = runpy.run_path(sys.argv[1])

def pauses():
    return stepfunctions._run_execution.__code__.co_consts.count(ours["PAUSE_SECONDS"])

before = pauses()
ours["start_executions_at_once"]()
print(before, pauses())
"""
    requested: list[str | Path] = [MINISTACK_PYTHON, "-P", "-c", program, MINISTACK_SERVER]
    bare = environment.bare() | {"STATE_DIR": str(tmp_path)}
    printed = subprocess.run(requested, check=True, capture_output=True, text=True, env=bare).stdout
    assert printed.split() == ["1", "0"]


def test_a_token_of_ones_own_is_kept(stack: DeployedStack, settings: StackSettings) -> None:
    secrets = stack.client("secretsmanager")
    secret = stack.outputs["SafetyCultureSecretArn"]
    assert secrets.get_secret_value(SecretId=secret)["SecretString"] == "scapi_local_token"
    secrets.put_secret_value(SecretId=secret, SecretString="mine")
    up(settings)
    assert secrets.get_secret_value(SecretId=secret)["SecretString"] == "mine"
    secrets.put_secret_value(SecretId=secret, SecretString="scapi_local_token")


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_its_env_file_leads_programs_to_it_and_away_from_an_account(
    stack: DeployedStack, settings: StackSettings, shell: str
) -> None:
    show = 'echo "$AWS_ENDPOINT_URL $AWS_ACCESS_KEY_ID $AWS_REGION ${AWS_PROFILE-none} ${AWS_SESSION_TOKEN-none}"'
    account = {"AWS_PROFILE": "work", "AWS_SESSION_TOKEN": "temporary", "PATH": os.environ["PATH"]}
    message = subprocess.run(
        [shell, "-euc", f'. "$0" && . "$0" && {show}', settings.folder / "env"],
        check=True,
        capture_output=True,
        text=True,
        env=account,
    )
    assert message.stdout.split() == [stack.endpoint_url, "test", "us-east-1", "none", "none"]


def test_a_port_in_use_is_refused_and_left_alone(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other_server:
        port = other_server.getsockname()[1]
        with pytest.raises(PortTaken, match=f"port {port} is taken .* make up LOCAL_PORT={port + 1}"):
            up(StackSettings(port, tmp_path, SERVER_ELSEWHERE))
        assert not down(StackSettings(port, tmp_path))
        socket.create_connection(("127.0.0.1", port)).close()


def test_an_invalid_origin_is_refused_before_anything_starts() -> None:
    with pytest.raises(LocalStackFailed, match="name an origin"):
        StackSettings(safetyculture_url="http://127.0.0.1:8000/feed")


def test_a_killed_server_is_replaced_and_down_leaves_no_process(tmp_path: Path) -> None:
    settings = StackSettings(free_port(), tmp_path, wait_scale=0, rows=1)
    first = up(settings)
    emulator = Record.read(tmp_path).servers["safetyculture"]
    os.kill(emulator.pid, signal.SIGKILL)
    while emulator.alive():  # a busy machine takes its time to end it
        time.sleep(0.05)
    healed = up(settings)
    assert Record.read(tmp_path).servers["safetyculture"].pid != emulator.pid
    assert healed.outputs == first.outputs
    start_a_function(healed)
    servers = Record.read(tmp_path).servers.values()
    running = {server.name: len(server.processes()) for server in servers}
    assert running["safetyculture"] == 1
    assert running["ministack"] > 1  # itself, and the function; another may follow to note how the execution ended
    assert down(settings)
    assert [server for server in servers if server.processes()] == []
    assert not is_running(tmp_path)
    assert not down(settings)


def start_a_function(stack: DeployedStack) -> None:
    machines = stack.client("stepfunctions")
    started = machines.start_execution(stateMachineArn=stack.outputs["ExportStateMachineArn"], input="{}")
    while machines.describe_execution(executionArn=started["executionArn"])["status"] == "RUNNING":
        time.sleep(0.05)
