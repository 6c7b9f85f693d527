"""Functions invoked in containers by `sam local start-lambda`, with the environment that they have on the stack."""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from local.errors import ServerFailed
from local.invoke.answer import FunctionAnswer
from local.invoke.deployed import DeployedFunctions, logical_id
from local.invoke.engine import ContainerEngine
from local.invoke.forwarder import forwarded
from local.invoke.sam_template import FOLDER, WRAPPER, built, sam_environment
from local.paths import SAM
from local.stack import environment
from local.stack.ministack import HOST, free_port
from local.stack.outputs import DeployedStack
from local.stack.processes import POLL_SECONDS, Server, start, stop

READY_WITHIN_SECONDS = 120
STOPS_WITHIN_SECONDS = 60  # sam removes its containers first
LONGEST_INVOCATION_SECONDS = 1200  # above the longest time limit of the template, with the build of an image
IMAGE = "public.ecr.aws/lambda/python:3.13-{architecture}"


class SamLocalInvoker:
    """Invokes functions through a running `sam local start-lambda`."""

    def __init__(self, port: int, log: Path) -> None:
        self._port = port
        self._log = log

    def invoke(self, function: str, content: Any) -> FunctionAnswer:
        """Return the answer of a function to *content*."""
        began, logged = time.monotonic(), self._log.stat().st_size
        connection = http.client.HTTPConnection(HOST, self._port, timeout=LONGEST_INVOCATION_SECONDS)
        try:
            connection.request(
                "POST", f"/2015-03-31/functions/{logical_id(function)}/invocations", json.dumps(content).encode()
            )
            text = connection.getresponse().read().decode()
        except (OSError, http.client.HTTPException) as error:
            raise ServerFailed("sam local start-lambda", f"did not answer: {error}", self._log) from error
        finally:
            connection.close()
        with self._log.open(errors="replace") as log:
            log.seek(logged)
            return FunctionAnswer.of_text(text, time.monotonic() - began, log.read())


@contextmanager
def started(engine: ContainerEngine, stack: DeployedStack, functions: DeployedFunctions) -> Iterator[SamLocalInvoker]:
    """Run `sam local start-lambda` for the block; its containers are removed afterwards."""
    template = built(engine.architecture)
    ports = [urlsplit(url).port or 80 for url in (stack.endpoint_url, *stack.emulators.values()) if _is_local(url)]
    FOLDER.mkdir(parents=True, exist_ok=True)
    log, scratch = FOLDER / "start-lambda.log", Path(tempfile.mkdtemp(dir=FOLDER))
    try:
        with _reachable(engine, ports) as targets:
            variables = scratch / "env.json"
            variables.write_text(json.dumps(env_vars(stack, functions.environments(), targets)))
            server, port = _start(engine, stack, template, variables, log, scratch)
            try:
                _wait_until_ready(server, port, log)
                yield SamLocalInvoker(port, log)
            finally:
                stop([server], grace_seconds=STOPS_WITHIN_SECONDS)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def env_vars(
    stack: DeployedStack, environments: Mapping[str, Mapping[str, str]], targets: Mapping[int, str]
) -> dict[str, dict[str, str]]:
    """Return the content of the file for `--env-vars`: for each function its own variables, and those of all."""
    common = {
        "AWS_ENDPOINT_URL": stack.endpoint_url,
        "AWS_LAMBDA_EXEC_WRAPPER": WRAPPER,
        "FORWARDED_PORTS": ",".join(f"{port}={target}" for port, target in targets.items()),
        "NO_PROXY": environment.LOOPBACK,
        "no_proxy": environment.LOOPBACK,
    }
    return {name: {**variables, **common} for name, variables in environments.items()}


@contextmanager
def _reachable(engine: ContainerEngine, ports: list[int]) -> Iterator[dict[int, str]]:
    """Yield the addresses under which containers reach *ports* of loopback."""
    if engine.forwards_loopback:
        yield {port: f"{engine.gateway}:{port}" for port in ports}
        return
    with forwarded(ports, engine.gateway) as targets:
        yield targets


def _start(  # noqa: PLR0913, PLR0917 (the files of one server)
    engine: ContainerEngine, stack: DeployedStack, template: Path, variables: Path, log: Path, scratch: Path
) -> tuple[Server, int]:
    port, image = free_port(), IMAGE.format(architecture=engine.architecture)
    command: list[str | Path] = [
        *(SAM, "local", "start-lambda", "--template-file", template, "--env-vars", variables),
        *("--host", HOST, "--port", str(port), "--warm-containers", "LAZY", "--region", environment.REGION),
        *(["--skip-pull-image"] if engine.has_image(image) else []),
    ]
    variables_of_sam = sam_environment(engine.address, stack.endpoint_url) | {"TMPDIR": str(scratch)}
    server = start("sam local start-lambda", command, launch="", env=variables_of_sam, log=log)
    return server, port


def _wait_until_ready(server: Server, port: int, log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while True:
        try:
            socket.create_connection((HOST, port), timeout=1).close()
        except OSError:
            if not server.alive():
                raise ServerFailed("sam local start-lambda", "ended while starting", log) from None
            if time.monotonic() > deadline:
                problem = f"did not listen within {READY_WITHIN_SECONDS} s"
                raise ServerFailed("sam local start-lambda", problem, log) from None
            time.sleep(POLL_SECONDS)
        else:
            return


def _is_local(url: str) -> bool:
    return urlsplit(url).hostname in {"127.0.0.1", "localhost"}
