"""A running stack, described by its `outputs.json` and its `env`."""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Self

import boto3

from local.paths import COMMANDS
from local.stack import deploy, environment


@dataclass(frozen=True)
class DeployedStack:
    """A running stack: the fields of `outputs.json`."""

    endpoint_url: str
    region: str
    stack_name: str
    outputs: dict[str, str]
    emulators: dict[str, str]

    @property
    def connection(self) -> dict[str, Any]:
        """The arguments of a boto3 client for this stack: `boto3.client("s3", **stack.connection)`."""
        return deploy.connection(self.endpoint_url)

    def client(self, service: Any) -> Any:
        """Return a client of one of the stack's services; all callers of a process share it."""
        return _client(service, self.endpoint_url)

    def table(self, output: str) -> Any:
        """Return the table of DynamoDB that an output names."""
        return _tables(self.endpoint_url).Table(self.outputs[output])

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which AWS's SDKs and the operator's command reach this stack."""
        return environment.aws(self.endpoint_url) | {"ASSETLINE_STACK": self.stack_name}

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Return the stack in *folder*."""
        return cls(**json.loads((folder / "outputs.json").read_text()))

    def write(self, folder: Path) -> None:
        """Write `outputs.json` and `env` into *folder*."""
        (folder / "outputs.json").write_text(json.dumps(asdict(self), indent=2) + "\n")
        (folder / "env").write_text(self._shell_file())

    def _shell_file(self) -> str:
        exports = "\n".join(f"export {name}={shlex.quote(value)}" for name, value in self.environment.items())
        commands = shlex.quote(str(COMMANDS))
        return f"""\
# The local stack {self.stack_name} at {self.endpoint_url}. Use: . .local/env
unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SESSION_TOKEN AWS_SECURITY_TOKEN AWS_IGNORE_CONFIGURED_ENDPOINT_URLS
{exports}
case ",${{NO_PROXY:-}}," in *,127.0.0.1,*) ;; *) export NO_PROXY="127.0.0.1,localhost${{NO_PROXY:+,$NO_PROXY}}" ;; esac
case ":$PATH:" in *:{commands}:*) ;; *) export PATH={commands}:"$PATH" ;; esac
"""


@cache
def _client(service: Any, endpoint_url: str) -> Any:
    return boto3.client(service, **deploy.connection(endpoint_url))


@cache
def _tables(endpoint_url: str) -> Any:
    return boto3.resource("dynamodb", **deploy.connection(endpoint_url))
