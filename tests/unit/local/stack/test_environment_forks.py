"""A forked environment is a process like the one that `bootstrap` starts: its variables, folder, output and end."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.paths import LAMBDA_FORKS, LAYER, PYTHON, TEMPLATE
from local.stack.environment_forks import ForkedEnvironment, ForkServer
from local.stack.yaml_tags import read_template

SHOW = """
import json, os, sys
import assetline.observability
shown = {name: os.environ.get(name) for name in ("STACK_NAME", "LOG_LEVEL")}
print(json.dumps(shown | {"folder": os.getcwd(), "path": sys.path[:2], "arguments": sys.argv[1:]}), flush=True)
print("an error", file=sys.stderr)
sys.exit(3)
"""
STAY = "import time; print('started', flush=True); time.sleep(600)"
# The variables that are read while the program imports all modules.
READ = f"""
import os, runpy
read = set()
get, item = os.environ.get, type(os.environ).__getitem__
type(os.environ).__getitem__ = lambda self, name: read.add(name) or item(self, name)
runpy.run_path({str(LAMBDA_FORKS)!r}, run_name="forks")["import_all"]()
print("\\n".join(read))
"""


@pytest.fixture(scope="module")  # a test may end it: the next environment then starts another
def server() -> Iterator[ForkServer]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOG_LEVEL", "WARNING")
        server = ForkServer(str(PYTHON), str(LAMBDA_FORKS), str(LAYER))
    yield server
    server.close()


@contextmanager
def started(server: ForkServer, folder: Path, program: str, **variables: str) -> Iterator[ForkedEnvironment]:
    """Start a function whose module runs *program* when it is imported."""
    (folder / "app.py").write_text(program)
    runtime = {"_HANDLER": "app.lambda_handler", "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9"}
    environment = server.forked(str(folder), runtime | variables)
    with environment.stdout:
        yield environment


def test_a_fork_has_what_its_function_has_and_no_more(server: ForkServer, tmp_path: Path) -> None:
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        with started(server, folder, SHOW, STACK_NAME=name) as environment:
            assert environment.wait() == 3
            shown, error = environment.stdout.read().decode().splitlines()
        assert json.loads(shown) == {
            "STACK_NAME": name,
            "LOG_LEVEL": None,
            "folder": str(folder),
            "path": [str(folder), str(LAYER)],
            "arguments": ["app.lambda_handler"],
        }
        assert error == "an error"


def test_a_fork_runs_until_it_is_killed(server: ForkServer, tmp_path: Path) -> None:
    with started(server, tmp_path, STAY) as environment:
        assert environment.stdout.readline() == b"started\n"
        assert environment.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            environment.wait(timeout=0.01)
        environment.kill()
        assert environment.wait() == -signal.SIGKILL
        assert environment.poll() == -signal.SIGKILL
        environment.terminate()  # it has ended


def test_a_fork_ends_at_the_signal_to_end(server: ForkServer, tmp_path: Path) -> None:
    with started(server, tmp_path, STAY) as environment:
        environment.terminate()
        assert environment.wait() == -signal.SIGTERM


def test_a_killed_server_is_replaced_and_its_end_is_that_of_its_forks(server: ForkServer, tmp_path: Path) -> None:
    with started(server, tmp_path, STAY) as environment:
        assert environment.stdout.readline() == b"started\n"
        server.process.kill()
        assert environment.wait() == -signal.SIGKILL
        os.kill(environment.pid, signal.SIGKILL)
    with started(server, tmp_path, STAY) as environment:
        assert environment.stdout.readline() == b"started\n"
        server.close()
        assert environment.wait() == -signal.SIGKILL
        assert environment.stdout.read() == b""  # the pipe has no writer


def test_a_module_that_is_imported_early_reads_no_variable_of_a_function() -> None:
    template = read_template(TEMPLATE)
    functions = [template["Globals"]["Function"]] + [
        resource["Properties"] for resource in template["Resources"].values() if "Function" in resource["Type"]
    ]
    variables = {name for function in functions for name in function.get("Environment", {}).get("Variables", {})}
    environment = {"PYTHONPATH": str(LAYER), "PATH": os.environ["PATH"]}
    printed = subprocess.run([PYTHON, "-P", "-c", READ], env=environment, check=True, capture_output=True, text=True)
    assert "AWS_LAMBDA_LOG_LEVEL" in printed.stdout
    assert variables
    assert variables.isdisjoint(printed.stdout.split())
