"""The container engine that `sam local` would use: Docker, or another one with Docker's API."""

from __future__ import annotations

import http.client
import json
import os
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

ANSWERS_WITHIN_SECONDS = 5
ARCHITECTURES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}  # of engines: Lambda's
DOCKER_DESKTOP = "Docker Desktop"


@dataclass(frozen=True)
class ContainerEngine:
    """A running engine: its address, and the settings that `sam local` takes from it.

    *gateway* is the address of this machine in the network of the containers, empty if they cannot reach it.
    *forwards_loopback* means that containers reach the loopback of this machine under *gateway*.
    """

    address: str
    name: str
    architecture: str
    gateway: str
    forwards_loopback: bool = False

    def has_image(self, name: str) -> bool:
        """Return whether the engine has an image."""
        return _get(self.address, f"/images/{quote(name, safe='/:')}/json") is not None


def find_engine(environ: Mapping[str, str] = os.environ) -> ContainerEngine | None:
    """Return the first engine that answers, or None."""
    for address in addresses(environ):
        information, version = _get(address, "/info"), _get(address, "/version")
        if information and version:
            return engine_of(address, information, version, _get(address, "/networks/bridge") or {})
    return None


def addresses(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield the addresses where an engine may listen: DOCKER_HOST alone if it is set."""
    if host := environ.get("DOCKER_HOST"):
        yield host
        return
    home, runtime = environ.get("HOME", "/nonexistent"), environ.get("XDG_RUNTIME_DIR", "/nonexistent")
    for path in (
        "/var/run/docker.sock",
        f"{home}/.docker/run/docker.sock",
        f"{home}/.docker/desktop/docker.sock",
        f"{runtime}/docker.sock",
        "/run/podman/podman.sock",
        f"{runtime}/podman/podman.sock",
    ):
        if Path(path).exists():
            yield f"unix://{path}"


def engine_of(
    address: str, information: Mapping[str, Any], version: Mapping[str, Any], network: Mapping[str, Any]
) -> ContainerEngine:
    """Return the engine that its own answers describe."""
    [component, *_] = version.get("Components") or [{"Name": "engine", "Version": version.get("Version", "")}]
    name = f"{component['Name']} {component['Version']}"
    machine = str(information.get("Architecture", ""))
    architecture = ARCHITECTURES.get(machine, machine)
    if information.get("OperatingSystem") == DOCKER_DESKTOP:
        return ContainerEngine(address, name, architecture, "host.docker.internal", forwards_loopback=True)
    configured = (network.get("IPAM") or {}).get("Config") or [{}]
    rootless = any("rootless" in option for option in information.get("SecurityOptions") or [])
    gateway = "" if rootless else str(configured[0].get("Gateway", ""))
    return ContainerEngine(address, name, architecture, gateway)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=ANSWERS_WITHIN_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(ANSWERS_WITHIN_SECONDS)
        self.sock.connect(self._path)


def _get(address: str, path: str) -> dict[str, Any] | None:
    """Return the engine's answer, or None if there is none."""
    url = urlsplit(address)
    if url.scheme == "unix":
        connection: http.client.HTTPConnection = _UnixConnection(url.path)
    elif url.hostname and url.port:
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=ANSWERS_WITHIN_SECONDS)
    else:
        return None
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        content = json.loads(response.read())
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
    return content if response.status == http.client.OK and isinstance(content, dict) else None
