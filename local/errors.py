"""Errors of the local stack; every message is one line that names the next step."""

from pathlib import Path


class LocalStackFailed(Exception):  # noqa: N818 - named for what happened, as the errors of the layer are
    """The local stack cannot do the requested step."""


class PortTaken(LocalStackFailed):
    """A server of another program listens on the port."""

    def __init__(self, port: int) -> None:
        super().__init__(
            f"port {port} is taken by a server that this checkout did not start: "
            f"stop it, or use another port: make up LOCAL_PORT={port + 1}"
        )


class ServerFailed(LocalStackFailed):
    """A server ended, or was not ready in time; its log has the reason."""

    def __init__(self, name: str, problem: str, log: Path) -> None:
        last = log.read_text(errors="replace").strip().splitlines()[-1:] if log.exists() else []
        super().__init__("".join([f"{name} {problem}; its log is {log}", *(f" and ends: {line}" for line in last)]))


class DeployFailed(LocalStackFailed):
    """`sam deploy` failed; its log has the reason."""

    def __init__(self, log: Path) -> None:
        lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
        reasons = [line for line in lines if "_FAILED" in line or line.startswith("Error")] or lines[-1:]
        super().__init__(f"sam deploy failed; its log is {log} and reports: {' | '.join(reasons[:3])}")


class ToolMissing(LocalStackFailed):
    """A program that the local stack runs is not installed."""

    def __init__(self, program: Path, target: str = "up") -> None:
        super().__init__(f"{program} is not installed: run `make {target}`, which installs it")


class TemplateNotLocal(LocalStackFailed):
    """The template holds something that cannot run from source."""
