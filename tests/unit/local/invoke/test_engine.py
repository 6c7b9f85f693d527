"""Container engines, as their own answers describe them."""

import http.server
import json
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.invoke.engine import addresses, engine_of, find_engine

NETWORK = {"IPAM": {"Config": [{"Subnet": "172.17.0.0/16", "Gateway": "172.17.0.1"}]}}
VERSION = {"Components": [{"Name": "Engine", "Version": "28.0.1"}]}
ANSWERS: dict[str, Any] = {
    "/info": {"Architecture": "aarch64", "OperatingSystem": "Debian"},
    "/version": VERSION,
    "/networks/bridge": NETWORK,
    "/images/public.ecr.aws/lambda/python:3.13-arm64/json": {"Id": "sha256:1"},
}


class EngineHandler(http.server.BaseHTTPRequestHandler):
    """Answers as an engine."""

    def do_GET(self) -> None:
        body = json.dumps(ANSWERS.get(self.path, {"message": "no such thing"})).encode()
        self.send_response(200 if self.path in ANSWERS else 404)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "a socket"

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def socket_path(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "engine.sock"
    with socketserver.UnixStreamServer(str(path), EngineHandler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield path
        server.shutdown()


def test_an_engine_that_answers_is_found(socket_path: Path) -> None:
    engine = find_engine({"DOCKER_HOST": f"unix://{socket_path}"})
    assert engine is not None
    assert (engine.name, engine.architecture, engine.gateway) == ("Engine 28.0.1", "arm64", "172.17.0.1")
    assert engine.has_image("public.ecr.aws/lambda/python:3.13-arm64")
    assert not engine.has_image("public.ecr.aws/lambda/python:3.13-x86_64")


@pytest.mark.parametrize("host", ["unix:///nonexistent/engine.sock", "tcp://127.0.0.1:1", "ssh://elsewhere"])
def test_an_address_without_an_engine_is_passed_over(host: str) -> None:
    assert find_engine({"DOCKER_HOST": host}) is None


def test_the_sockets_of_a_user_are_tried(tmp_path: Path) -> None:
    (tmp_path / "docker.sock").touch()
    assert f"unix://{tmp_path}/docker.sock" in [*addresses({"XDG_RUNTIME_DIR": str(tmp_path)})]


@pytest.mark.parametrize(
    ("information", "architecture", "gateway", "forwards"),
    [
        ({"Architecture": "x86_64"}, "x86_64", "172.17.0.1", False),
        ({"Architecture": "amd64", "SecurityOptions": ["name=seccomp"]}, "x86_64", "172.17.0.1", False),
        ({"Architecture": "aarch64", "OperatingSystem": "Docker Desktop"}, "arm64", "host.docker.internal", True),
        ({"Architecture": "arm64", "SecurityOptions": ["name=rootless"]}, "arm64", "", False),
    ],
)
def test_an_engine_names_its_processor_and_the_way_to_this_machine(
    information: dict[str, Any], architecture: str, gateway: str, forwards: bool
) -> None:
    engine = engine_of("unix:///engine.sock", information, VERSION, NETWORK)
    assert (engine.architecture, engine.gateway, engine.forwards_loopback) == (architecture, gateway, forwards)
